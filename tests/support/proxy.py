"""A TCP proxy that can be cruel: cuts, black holes, latency."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Stands between a client and a server; healthy until told otherwise."""

    def __init__(self, target: str) -> None:
        self._parts = urlsplit(target)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        #: Seconds that each piece of data waits.
        self.latency = 0.0
        #: The way through the proxy.
        self.url = ""

    def cut(self) -> None:
        """Reset every connection; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()

    def blackhole(self) -> None:
        """Let nothing through, and tell nobody: connections stay open, new ones are accepted."""
        self._flowing.clear()

    def heal(self) -> None:
        """Let everything through again, what was held back too."""
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        self._writers.add(writer)
        back: asyncio.StreamWriter | None = None
        try:
            with suppress(OSError):
                ahead, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
                self._writers.add(back)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, back))
                    both.create_task(self._pump(ahead, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, back):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()
            self._pumps.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await asyncio.sleep(self.latency)
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()
        sink.transport.abort()
        raise ConnectionResetError

    async def close(self) -> None:
        """End everything."""
        self.cut()
        for pump in list(self._pumps):
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)


@asynccontextmanager
async def between(url: str) -> AsyncIterator[Proxy]:
    """Open a proxy in front of the server of `url`; its own `url` leads through it."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    parts = urlsplit(url)
    login = f"{parts.username}:{parts.password}@" if parts.username else ""
    port = server.sockets[0].getsockname()[1]
    proxy.url = urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}"))
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
