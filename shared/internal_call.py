"""Calls to another service's internal port: HTTP/1.1 over connections kept open, and nothing that it does not need.

A key that no cache knows waits for one of these. aiohttp's client serves every case of HTTP and costs as much as the
other service's whole answer; both ends of this call are ours.
"""

import asyncio
import time
from typing import Final

from yarl import URL

#: Seconds that an idle connection is kept: well below the 20 s after which the other side closes it.
KEEP: Final = 10.0
#: Connections kept open while idle.
MAX_IDLE: Final = 64
#: An answer's head is this many bytes at most; more is not ours.
_MAX_HEAD: Final = 16 * 1024


class _Connection(asyncio.Protocol):
    """One connection, with at most one exchange on it."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.closed = False
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._body_at = self._end = 0
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._fail(exc or ConnectionResetError("the service closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            whole = self._parse()
        except ValueError as error:
            self._fail(error)
            self.close()
            return
        if whole and self._answer is not None and not self._answer.done():
            body = bytes(self._buffer[self._body_at : self._end])
            self._answer.set_result((int(self._buffer[9:12]), body))

    def _parse(self) -> bool:
        """Tell whether the answer is here whole. Raise ValueError for what is no answer of ours."""
        if not self._end:
            head, separator, _ = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                if len(self._buffer) > _MAX_HEAD:
                    raise ValueError("an answer without an end of its head")
                return False
            if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
                raise ValueError("an answer that is not HTTP")
            self._body_at = len(head) + 4
            self._end = self._body_at + _content_length(head)
        return len(self._buffer) >= self._end

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body of its answer. Raise OSError or ValueError."""
        if self.closed or self._transport is None:
            raise ConnectionResetError("the service closed the connection")
        self._buffer.clear()
        self._body_at = self._end = 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """Close the connection."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytearray) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("an answer without a length")


class InternalCalls:
    """Posts JSON to one service's internal port."""

    def __init__(self, url: str, token: str) -> None:
        where = URL(url)
        self._host, self._port = where.host or "localhost", where.port or 80
        self._head = f"Host: {where.authority}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self._idle: list[_Connection] = []

    async def post(self, path: str, body: bytes, *, request_id: str) -> tuple[int, bytes]:
        """Return status and body of the answer. Raise OSError or ValueError; the caller has the deadline.

        Sent again once where a kept connection turns out to be closed: only for calls that change nothing.
        """
        head = f"POST {path} HTTP/1.1\r\n{self._head}X-Request-ID: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        request = head.encode() + body
        while (kept := self._take()) is not None:
            try:
                return await self._exchange(kept, request)
            except ConnectionError:
                continue
        _, fresh = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        return await self._exchange(fresh, request)

    async def _exchange(self, connection: _Connection, request: bytes) -> tuple[int, bytes]:
        try:
            answer = await connection.exchange(request)
        except BaseException:
            # whatever arrives on it later would be taken for another call's answer
            connection.close()
            raise
        if len(self._idle) < MAX_IDLE and not connection.closed:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _take(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and time.monotonic() - connection.idle_since < KEEP:
                return connection
            connection.close()
        return None

    def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().close()
