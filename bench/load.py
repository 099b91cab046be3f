"""A load generator that costs little: raw sockets, one request's bytes over and over, latencies kept.

Closed loop. It relies on all answers of a run being equally long, and checks the status of each.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles
from typing import cast


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave."""

    per_second: float
    #: Milliseconds, sorted.
    latencies: list[float]

    def percentile(self, p: int) -> float:
        """Return the p-th percentile in milliseconds."""
        return quantiles(self.latencies, n=100, method="inclusive")[p - 1]


class _Paced(asyncio.Protocol):
    """A connection of an open loop: takes the moment that a request was due, and counts from there."""

    def __init__(self, requests: Callable[[], bytes], idle: "asyncio.Queue[_Paced]", result: "Paced") -> None:
        self._requests, self._idle, self._result = requests, idle, result
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._idle.put_nowait(self)

    def send(self, due: float) -> None:
        """Send the request that was due at this moment."""
        assert self._transport is not None
        self._due = due
        self._transport.write(self._requests())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        length = _length(self._buffer)
        if length and len(self._buffer) >= length:
            if self._buffer.startswith(b"HTTP/1.1 200"):
                self._result.latencies.append((time.perf_counter() - self._due) * 1000)
            else:
                self._result.failed += 1
            self._buffer.clear()
            self._idle.put_nowait(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass(slots=True)
class Paced:
    """What an open loop gave: milliseconds from when each request was due."""

    latencies: list[float]
    failed: int = 0

    def percentile(self, p: int) -> float:
        """Return the p-th percentile in milliseconds."""
        return quantiles(self.latencies, n=100, method="inclusive")[p - 1]


async def paced(
    port: int, requests: Callable[[], bytes], *, rate: float, seconds: float, connections: int = 256
) -> Paced:
    """Send requests at a constant rate, whatever becomes of those before (open loop, R92)."""
    loop = asyncio.get_running_loop()
    idle: asyncio.Queue[_Paced] = asyncio.Queue()
    result = Paced([])
    open_ = [
        (await loop.create_connection(lambda: _Paced(requests, idle, result), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    began, count = time.perf_counter(), int(rate * seconds)
    for number in range(count):
        due = began + number / rate
        # a few at a time: a timer for each would cost more than the request
        if (ahead := due - time.perf_counter()) > 0.002:
            await asyncio.sleep(ahead)
        (await idle.get()).send(due)
    async with asyncio.timeout(20):
        for _ in range(connections):
            await idle.get()
    for connection in open_:
        connection.close()
    return result


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Callable[[], bytes], status: bytes, latencies: list[float]) -> None:
        self._requests, self._status, self._latencies = requests, status, latencies
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._length = 0
        self._sent = 0.0
        self.running = True
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._requests())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._length:
            self._length = _length(self._buffer)
        if self._length and len(self._buffer) >= self._length:
            self._latencies.append((time.perf_counter() - self._sent) * 1000)
            if not self._buffer.startswith(self._status) or len(self._buffer) != self._length:
                self._fail(AssertionError(f"unexpected answer: {bytes(self._buffer[:400])!r}"))
                return
            self._buffer.clear()
            if self.running:
                self._send()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.running:
            self._fail(ConnectionError("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length(buffer: bytearray) -> int:
    head, separator, _ = buffer.partition(b"\r\n\r\n")
    if not separator:
        return 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(head) + 4 + int(line.split(b":")[1])
    raise AssertionError(f"an answer without a length: {bytes(head)!r}")


async def run(
    port: int, requests: Callable[[], bytes], *, connections: int, seconds: float, status: int = 200
) -> Result:
    """Send what `requests` makes over each connection, one after the other, for so long."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    wanted = f"HTTP/1.1 {status}".encode()
    open_ = [
        (await loop.create_connection(lambda: _Connection(requests, wanted, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.wait([c.failed for c in open_], timeout=seconds * 0.2)  # warm
    latencies.clear()
    began = time.perf_counter()
    await asyncio.wait([c.failed for c in open_], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    took = time.perf_counter() - began
    done = sorted(latencies)
    for connection in open_:
        connection.running = False
        connection.close()
        if connection.failed.done():
            connection.failed.result()
    return Result(len(done) / took, done)


def request(
    method: str, path: str, *, host: str = "localhost", headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return a request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in (headers or {}).items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
