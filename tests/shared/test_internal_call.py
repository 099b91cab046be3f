"""Calls between services: connections kept, given up in time, and never a wrong call's answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared import internal_call
from shared.internal_call import InternalCalls
from tests.support.eventually import PATIENCE

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server that does with each connection what the test says."""

    def __init__(self) -> None:
        self.connections = 0
        self.script: Script = answering(b'{"ok":1}')
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.script(reader, writer)
        finally:
            writer.close()


def answering(body: bytes, *, status: bytes = b"200 OK", times: int = 1000) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
            await writer.drain()

    return script


def sending(raw: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return script


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """Give a server under the test's control."""
    made = Peer()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


@pytest.fixture
async def calls(peer: Peer) -> AsyncIterator[InternalCalls]:
    """Give a client of it."""
    made = InternalCalls(f"http://127.0.0.1:{peer.port}", "token")
    yield made
    made.close()


async def post(calls: InternalCalls) -> tuple[int, bytes]:
    async with asyncio.timeout(PATIENCE):
        return await calls.post("/x", b"{}", request_id="req_1")


async def test_a_connection_is_used_again(peer: Peer, calls: InternalCalls) -> None:
    assert [await post(calls) for _ in range(3)] == [(200, b'{"ok":1}')] * 3
    assert peer.connections == 1


async def test_many_calls_at_once_each_get_an_answer(peer: Peer, calls: InternalCalls) -> None:
    assert await asyncio.gather(*(post(calls) for _ in range(50))) == [(200, b'{"ok":1}')] * 50
    assert peer.connections <= 50


async def test_a_connection_closed_meanwhile_is_replaced(peer: Peer, calls: InternalCalls) -> None:
    peer.script = answering(b"a", times=1)
    assert [await post(calls) for _ in range(3)] == [(200, b"a")] * 3
    assert peer.connections == 3


async def test_an_idle_connection_is_given_up_in_time(
    peer: Peer, calls: InternalCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internal_call, "KEEP", 0.0)
    await post(calls)
    await post(calls)
    assert peer.connections == 2


async def test_a_call_given_up_leaves_no_answer_for_the_next(peer: Peer, calls: InternalCalls) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await answering(b"late")(reader, writer)

    peer.script = slow
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await calls.post("/x", b"{}", request_id="req_1")
    peer.script = answering(b"mine")
    assert await post(calls) == (200, b"mine")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"",
        b"x" * 20_000,
    ],
)
async def test_what_is_no_answer_is_an_error(peer: Peer, calls: InternalCalls, raw: bytes) -> None:
    peer.script = sending(raw)
    with pytest.raises((OSError, ValueError)):
        await post(calls)


async def test_nobody_there_is_an_error(peer: Peer) -> None:
    calls = InternalCalls("http://127.0.0.1:1", "token")
    with pytest.raises(OSError, match="Connect"):
        await post(calls)


async def test_a_status_is_handed_on(peer: Peer, calls: InternalCalls) -> None:
    peer.script = answering(b"{}", status=b"503 Service Unavailable")
    assert await post(calls) == (503, b"{}")
