"""Large files on their way to visitors: by the kernel from a directory, else piece by piece as they are taken."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import FileIO
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from services.deploy.blobs import Blobs
from shared.errors import AppError, Unavailable

#: Seconds for sending a large file to a slow visitor (R24).
DEADLINE: Final = 300.0
#: Bytes that the kernel is asked to send at once: other visitors wait while it reads them.
_AT_ONCE: Final = 512 * 1024


class Large(web.StreamResponse):
    """An answer whose bytes are sent from the store; one that cannot be read from the beginning is none."""

    def __init__(self, status: int, headers: CIMultiDict[str], length: int) -> None:
        super().__init__(status=status, headers=headers)
        self.content_length = length
        self._length = length

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it all."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self._send(request)
        except (AppError, OSError, TimeoutError) as error:
            # the status is out: all that can still be told is that this was not the whole file
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError from error
        return None

    async def _send(self, request: web.BaseRequest) -> None:
        raise NotImplementedError


class FromFile(Large):
    """Bytes of a file, which the kernel sends: they never come into this process."""

    def __init__(self, status: int, headers: CIMultiDict[str], file: FileIO, span: tuple[int, int]) -> None:
        start, end = span
        super().__init__(status, headers, end - start)
        self._file = file
        self._span = span

    async def _send(self, request: web.BaseRequest) -> None:
        with self._file as file:
            transport = request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError
            self._keep_alive = request.keep_alive and request.version == HttpVersion11
            # what was answered before on this connection goes first
            while transport.get_write_buffer_size():  # noqa: ASYNC110 - nobody tells when it is empty
                await asyncio.sleep(0.005)
            # a descriptor of our own: the event loop does not let others wait for that of its transport
            own = transport.get_extra_info("socket")
            with socket.fromfd(own.fileno(), own.family, own.type) as out:
                out.setblocking(False)
                await _all(out, self._head(), file.fileno(), *self._span)
        self._eof_sent = True

    def _head(self) -> bytes:
        self.headers[hdrs.DATE] = rfc822_formatted_time()
        if not self._keep_alive:
            self.headers[hdrs.CONNECTION] = "close"
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{n}: {v}" for n, v in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    async def write_eof(self, data: bytes = b"") -> None:
        """It has been sent."""


async def _all(out: socket.socket, head: bytes, file: int, start: int, end: int) -> None:
    """Send the head and the file's bytes. Raise Unavailable when the file has fewer."""
    while head:
        try:
            head = head[out.send(head, socket.MSG_MORE) :]
        except BlockingIOError:
            await _writable(out)
    while start < end:
        try:
            sent = os.sendfile(out.fileno(), file, start, min(end - start, _AT_ONCE))
        except BlockingIOError:
            await _writable(out)
            continue
        if sent == 0:
            raise Unavailable
        start += sent
        if start < end:
            await asyncio.sleep(0)


async def _writable(out: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(out, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(out)


class FromPieces(Large):
    """Bytes from elsewhere, each piece fetched when the one before is taken."""

    def __init__(
        self, status: int, headers: CIMultiDict[str], first: bytes, rest: AsyncGenerator[bytes, None], length: int
    ) -> None:
        super().__init__(status, headers, length)
        self._first = first
        self._rest = rest

    async def _send(self, request: web.BaseRequest) -> None:
        async with aclosing(self._rest) as rest:
            await web.StreamResponse.prepare(self, request)
            await self.write(self._first)
            sent = len(self._first)
            async for piece in rest:
                await self.write(piece)
                sent += len(piece)
        if sent != self._length:
            raise Unavailable


async def large(
    request: web.BaseRequest, blobs: Blobs, name: str, span: tuple[int, int], *, status: int, headers: CIMultiDict[str]
) -> Large:
    """Return the answer with these bytes of a blob. Raise Unavailable when they cannot be had."""
    if (path := blobs.path(name)) is not None and _plain(request):
        try:
            return FromFile(status, headers, FileIO(path), span)
        except OSError as error:
            raise Unavailable from error
    pieces = blobs.stream(name, span)
    # the first piece before the status: a file that cannot be read is a 503
    first = await anext(pieces, b"")
    return FromPieces(status, headers, first, pieces, span[1] - span[0])


def _plain(request: web.BaseRequest) -> bool:
    """Tell whether the connection is a socket to which the kernel may write."""
    transport = request.transport
    return transport is not None and transport.get_extra_info("sslcontext") is None and hasattr(os, "sendfile")
