"""A long answer is sent while it is made; one that breaks off is no whole document."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from shared import http, server, streaming
from shared.errors import Unavailable
from tests.support.eventually import PATIENCE

Pieces = Callable[[], AsyncGenerator[bytes, None]]


@asynccontextmanager
async def serving(pieces: Pieces, *, deadline: float = 10.0) -> AsyncIterator[str]:
    @http.rules(deadline=deadline)
    async def answer(request: web.Request) -> web.StreamResponse:
        return await streaming.json(request, pieces(), headers={"X-Own": "yes"})

    app = http.application()
    app.router.add_get("/", answer)
    taken = server.bind("127.0.0.1", 0)
    async with server.serving(app) as served, server.listening(served, taken):
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


async def get(url: str, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as response:
        return response.status, await response.read(), dict(response.headers)


async def numbers() -> AsyncGenerator[bytes, None]:
    yield b"[0"
    for number in range(1, 50_000):
        yield b",%d" % number
    yield b"]"


async def test_a_whole_answer_arrives_whole_with_the_headers_of_every_answer() -> None:
    async with serving(numbers) as url:
        status, body, headers = await get(url)
    assert (status, body) == (200, b"[" + b",".join(b"%d" % number for number in range(50_000)) + b"]")
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"X-Request-ID", "X-Own"} <= set(headers)


async def test_a_head_is_the_head_alone() -> None:
    async with serving(numbers) as url:
        status, body, headers = await get(url, "HEAD")
    assert (status, body, headers["X-Own"]) == (200, b"", "yes")


async def test_what_goes_wrong_before_the_first_piece_is_an_ordinary_error() -> None:
    async def away() -> AsyncGenerator[bytes, None]:
        if asyncio.get_running_loop().is_running():
            raise Unavailable
        yield b"[]"

    async with serving(away) as url:
        status, body, headers = await get(url)
    assert (status, headers["Retry-After"]) == (503, "1")
    assert b'"unavailable"' in body


@pytest.mark.parametrize("error", [Unavailable(), OSError("gone"), ZeroDivisionError()])
async def test_what_goes_wrong_later_cuts_the_connection(error: Exception) -> None:
    async def breaks() -> AsyncGenerator[bytes, None]:
        yield b"[0"
        yield b",1" * streaming.PIECE
        raise error

    async with serving(breaks) as url:
        with pytest.raises(aiohttp.ClientError):
            await get(url)


async def test_the_deadline_holds_in_the_middle_too() -> None:
    async def stuck() -> AsyncGenerator[bytes, None]:
        yield b"[0" * streaming.PIECE
        await asyncio.sleep(30)

    async with serving(stuck, deadline=0.3) as url, asyncio.timeout(20):
        with pytest.raises(aiohttp.ClientError):
            await get(url)


async def test_nothing_is_made_that_nobody_reads_and_the_end_is_told() -> None:
    """A reader who stops keeps no more than the sockets' buffers waiting; one who goes away ends it."""
    made, closed = 0, asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        nonlocal made
        try:
            while True:
                made += streaming.PIECE
                yield b"x" * streaming.PIECE
        finally:
            closed.set()

    async with serving(endless) as url:
        async with aiohttp.ClientSession(read_bufsize=1024) as session, session.get(url) as response:
            await response.content.readexactly(10)
            before = -1
            while before != made:
                before = made
                await asyncio.sleep(0.2)
            assert made < 32 * http.MIB
            response.close()
        async with asyncio.timeout(PATIENCE):
            await closed.wait()
