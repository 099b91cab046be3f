"""Following submissions: each once, whatever becomes of the stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from invoker_mcp import follow as follow_module
from invoker_mcp.api import Api
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ApiError
from invoker_mcp.follow import follow
from invoker_mcp.settings import Settings

Lying = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[Settings]]
CREDENTIAL = Credential(key="inv_" + "a1" * 18, source="environment")
SITE = "dep_" + "a" * 16


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "LOOK_AGAIN", 0.05)


async def first(rows: AsyncIterator[dict[str, Any]], count: int) -> list[str]:
    """Return the ids of the first rows."""
    found: list[str] = []
    async with asyncio.timeout(10):
        async for row in rows:
            found.append(row["id"])
            if len(found) == count:
                break
    return found


def listed(*ids: str) -> web.Response:
    return web.json_response({"submissions": [{"id": each} for each in ids]})


async def test_where_no_stream_gets_through_the_list_is_read_again(lying: Lying) -> None:
    pages = iter([["old"], ["one", "old"], ["two", "one", "old"]])

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/events"):
            return web.json_response({"error": "Too many streams"}, status=429, headers={"Retry-After": "9"})
        return listed(*next(pages))

    async with Api(await lying(answer), CREDENTIAL) as api:
        assert await first(follow(api, SITE), 2) == ["one", "two"]


async def test_a_stream_that_breaks_goes_on_after_the_last_one(lying: Lying) -> None:
    asked: list[str | None] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/events"):
            return listed("old")
        asked.append(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        rows = [["one"], ["one", "two"]][min(len(asked), 2) - 1]
        text = ": hello\n\n" + "".join(
            f"event: submission\nid: {each}\ndata: {json.dumps({'id': each})}\n\n" for each in rows
        )
        for sign in (text + "data: half").encode():
            await response.write(bytes([sign]))
        return response

    async with Api(await lying(answer), CREDENTIAL) as api:
        assert await first(follow(api, SITE), 2) == ["one", "two"]
    assert asked == ["old", "one"]


async def test_events_that_are_none_are_passed_over(lying: Lying) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/events"):
            return listed()
        events = ["data: {", "data: 5", 'data: {"id": 5}', "event: x", "data: \xff", 'data: {"id":\r\ndata: "good"}']
        return web.Response(body="\n\n".join([*events, ""]).encode("latin-1"), content_type="text/event-stream")

    async with Api(await lying(answer), CREDENTIAL) as api:
        assert await first(follow(api, SITE), 1) == ["good"]


async def test_a_site_that_is_gone_ends_it(lying: Lying) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": "Deployment not found"}, status=404)

    async with Api(await lying(answer), CREDENTIAL) as api:
        with pytest.raises(ApiError, match="not found"):
            await first(follow(api, SITE), 1)
