"""Large files on their way to visitors: by the kernel from a directory, else piece by piece as they are taken."""

import asyncio
import os
import socket
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import FileIO
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from services.deploy.answers import Body
from services.deploy.blobs import Blobs
from shared.errors import AppError, Unavailable

#: Seconds for sending a large file to a slow visitor (R24).
DEADLINE: Final = 300.0
#: Bytes that the kernel is asked to send at once: other visitors wait while it reads them.
_AT_ONCE: Final = 1024 * 1024


class _Sent(web.StreamResponse):
    """An answer whose bytes are sent from the store, all of them or as many as there are before the connection ends."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it all."""
        try:
            await self._send(request)
        except (AppError, OSError, TimeoutError) as error:
            # the status is out: all that can still be told is that this was not the whole file
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError from error
        return None

    @abstractmethod
    async def _send(self, request: web.BaseRequest) -> None:
        """Put it all on the connection. Raise AppError, OSError, TimeoutError where that does not go to its end."""

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - the base's signature
        """It has been sent."""
        self._eof_sent = True


class FromFile(_Sent):
    """Bytes of a file, which the kernel sends: they never come into this process."""

    def __init__(self, status: int, headers: CIMultiDict[str], file: FileIO, span: tuple[int, int]) -> None:
        super().__init__(status=status, headers=headers)
        self.content_length = span[1] - span[0]
        self._file = file
        self._span = span

    async def _send(self, request: web.BaseRequest) -> None:
        with self._file as file:
            transport = request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError
            self._keep_alive = request.keep_alive and request.version == HttpVersion11
            sending = _Sending(self._head(), file.fileno(), *self._span)
            own: socket.socket = transport.get_extra_info("socket")
            if transport.get_write_buffer_size() or not sending.proceed(own.fileno()):
                async with asyncio.timeout(DEADLINE):
                    await sending.finish(transport, own.fileno())

    def _head(self) -> bytes:
        self.headers[hdrs.DATE] = rfc822_formatted_time()
        if not self._keep_alive:
            self.headers[hdrs.CONNECTION] = "close"
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{n}: {v}" for n, v in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()


class QuickFile(FromFile):
    """A whole file to who asks for nothing special, as `Quick` is for a small one."""

    def __init__(self, body: Body, file: FileIO, request_id: str) -> None:  # no parts of the base's
        self._status = 200
        self._ok = body.ok
        self._file = file
        self._span = (0, body.size)
        self._request_id = request_id

    def _head(self) -> bytes:
        last = f"{hdrs.DATE}: {rfc822_formatted_time()}\r\nX-Request-ID: {self._request_id}\r\n\r\n"
        return self._ok + last.encode()


class _Sending:
    """A head and a part of a file, as far as they have been sent."""

    def __init__(self, head: bytes, file: int, start: int, end: int) -> None:
        self._head = head
        self._file = file
        self._start = start
        self._end = end

    def proceed(self, to: int) -> bool:
        """Send as much as a socket takes now, within bounds, and tell whether that is all.

        Raise Unavailable when the file is shorter than it should be.
        """
        try:
            if self._head:
                self._head = self._head[_send(to, self._head) :]
            if not self._head:
                sent = os.sendfile(to, self._file, self._start, min(self._end - self._start, _AT_ONCE))
                if sent == 0:
                    raise Unavailable
                self._start += sent
        except BlockingIOError:
            return False
        return self._start == self._end

    async def finish(self, transport: asyncio.Transport, to: int) -> None:
        """Send the rest, as fast as the visitor takes it."""
        # a descriptor of our own: the event loop lets nobody else wait for that of its transport
        own = os.dup(to)
        try:
            # what was answered before on this connection goes first
            while transport.get_write_buffer_size():  # noqa: ASYNC110 - nobody tells when it is empty
                await asyncio.sleep(0.005)
            await _writable(own)
            while not self.proceed(own):
                await _writable(own)
        finally:
            os.close(own)


def _send(to: int, head: bytes) -> int:
    """Send a head that more follows, in one packet with it."""
    lent = socket.socket(fileno=to)
    try:
        return lent.send(head, socket.MSG_MORE)
    finally:
        lent.detach()


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)


class FromPieces(_Sent):
    """Bytes from elsewhere, each piece fetched when the one before is taken."""

    def __init__(
        self, status: int, headers: CIMultiDict[str], first: bytes, rest: AsyncGenerator[bytes, None], length: int
    ) -> None:
        super().__init__(status=status, headers=headers)
        self.content_length = length
        self._length = length
        self._first = first
        self._rest = rest

    async def _send(self, request: web.BaseRequest) -> None:
        async with asyncio.timeout(DEADLINE), aclosing(self._rest) as rest:
            await web.StreamResponse.prepare(self, request)
            # a piece is let go of before the next is fetched: hundreds of visitors may be this slow
            piece, self._first = self._first, b""
            sent = 0
            while piece:
                sent += len(piece)
                await self.write(piece)
                piece = b""
                piece = await anext(rest, b"")
            if sent != self._length:
                raise Unavailable
            await web.StreamResponse.write_eof(self)


async def large(
    request: web.BaseRequest, blobs: Blobs, body: Body, span: tuple[int, int], *, status: int, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """Return the answer with these bytes of a file. Raise Unavailable when they cannot be had."""
    if blobs.path(body.name) is not None and _plain(request):
        if (file := opened(blobs, body)) is None:
            raise Unavailable
        return FromFile(status, headers, file, span)
    pieces = blobs.stream(body.name, span)
    # the first piece before the status: a file that cannot be read is a 503
    first = await anext(pieces, b"")
    return FromPieces(status, headers, first, pieces, span[1] - span[0])


def quick_file(request: web.BaseRequest, blobs: Blobs, body: Body, request_id: str) -> QuickFile | None:
    """Return the answer to a request that is `quick` with a whole file; None when the kernel cannot send it."""
    file = opened(blobs, body) if _plain(request) else None
    return None if file is None else QuickFile(body, file, request_id)


def opened(blobs: Blobs, body: Body) -> FileIO | None:
    """Open the file that has the bytes; None when there is none."""
    path = blobs.path(body.name)
    try:
        return None if path is None else FileIO(path)
    except OSError:
        return None


def _plain(request: web.BaseRequest) -> bool:
    """Tell whether the connection is a socket to which the kernel may write."""
    transport = request.transport
    return transport is not None and transport.get_extra_info("sslcontext") is None and hasattr(os, "sendfile")
