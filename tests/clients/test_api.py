"""Calls: errors in sentences, tries again where that is safe, and servers that lie."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from invoker_mcp import api as api_module
from invoker_mcp.api import Api, segment
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn, Unreachable
from invoker_mcp.settings import Settings
from tests.support.ports import free_port

KEY = "inv_" + "a1" * 18
CREDENTIAL = Credential(key=KEY, source="environment")
Lying = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[Settings]]


async def test_an_answer_is_an_object(api: Api) -> None:
    assert (await api.get("/auth/me"))["usage"]["deployments"] == 0


async def test_a_refusal_has_its_code_hint_and_request(api: Api) -> None:
    with pytest.raises(ApiError) as refused:
        await api.call("POST", "/deploy", json={})
    error = refused.value
    assert (error.status, error.message) == (400, "html is required")
    assert error.code
    assert error.request_id
    assert error.request_id.startswith("req_")


async def test_a_key_that_is_not_taken_is_said_to_be(settings: Settings) -> None:
    async with Api(settings, CREDENTIAL) as api:
        with pytest.raises(NotLoggedIn, match="INVOKER_API_KEY") as refused:
            await api.get("/deploy")
    assert refused.value.request_id
    assert KEY not in f"{refused.value!r}{refused.value.hint}"


async def test_without_a_key_nothing_is_sent(nobody: Api) -> None:
    with pytest.raises(NotLoggedIn, match="not logged in"):
        await nobody.get("/deploy")


async def test_nobody_listening_is_unreachable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "TRIES", 2)
    async with Api(replace(settings, api_url=f"http://127.0.0.1:{free_port()}")) as api:
        with pytest.raises(Unreachable, match="cannot be reached"):
            await api.get("/deploy", authenticated=False)


async def test_what_is_repeatable_is_tried_again_after_the_named_time(lying: Lying) -> None:
    tried: list[str] = []

    async def twice_away(request: web.Request) -> web.Response:
        tried.append(request.method)
        if len(tried) < 3:
            return web.json_response({"error": "Later"}, status=503, headers={"Retry-After": "0"})
        return web.json_response({"ok": True})

    async with Api(await lying(twice_away), CREDENTIAL) as api:
        assert await api.get("/deploy") == {"ok": True}
        tried.clear()
        with pytest.raises(ApiError):
            await api.call("POST", "/deploy", json={})
        assert tried == ["POST"]
        tried.clear()
        await api.call("POST", "/deploy", json={}, headers={"Idempotency-Key": "1"})
        assert tried == ["POST"] * 3


async def test_the_key_does_not_follow_a_redirect(lying: Lying) -> None:
    told: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        told.append(request.headers.get("Authorization"))
        raise web.HTTPFound("/stolen")

    async with Api(await lying(elsewhere), CREDENTIAL) as api:
        with pytest.raises(Unreachable, match="302"):
            await api.get("/deploy")
    assert told == [f"Bearer {KEY}"]


@pytest.mark.parametrize("body", ["<html>", "5", '"text"', "[" * 100_000, '{"a": '])
async def test_what_is_not_the_apis_answer_is_said_to_be(lying: Lying, body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    async with Api(await lying(answer), CREDENTIAL) as api:
        with pytest.raises(Unreachable):
            await api.get("/deploy")


async def test_an_echoed_key_and_terminal_codes_do_not_get_through(lying: Lying) -> None:
    async def echo(request: web.Request) -> web.Response:
        said = f"\x1b]0;owned\x07 {request.headers['Authorization']}"
        return web.json_response({"error": said, "hint": said, "code": said, "request_id": said}, status=400)

    async with Api(await lying(echo), CREDENTIAL) as api:
        with pytest.raises(ApiError) as refused:
            await api.get("/deploy")
    shown = f"{refused.value!r} {vars(refused.value)}"
    assert KEY not in shown
    assert "\\x1b" not in shown
    assert "\x1b" not in shown


async def test_an_answer_without_an_end_is_cut_off(lying: Lying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "MOST_BYTES", 100_000)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65536)

    async with Api(await lying(endless), CREDENTIAL) as api:
        with pytest.raises(Unreachable, match="no end"):
            await api.call("POST", "/deploy")


async def test_an_answer_that_unpacks_to_more_is_not_unpacked(lying: Lying) -> None:
    async def bomb(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"})

    async with Api(await lying(bomb), CREDENTIAL) as api:
        with pytest.raises(Unreachable, match="packed"):
            await api.call("POST", "/deploy")


async def test_an_answer_that_does_not_come_is_given_up(lying: Lying) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    settings = await lying(drip)
    started = time.monotonic()
    async with Api(settings, CREDENTIAL) as api:
        with pytest.raises(Unreachable, match="too long"):
            await api.call("POST", "/deploy", within=0.3)
    assert time.monotonic() - started < 5


def test_a_name_is_one_part_of_a_path() -> None:
    assert segment("a/../b?c#d%2e") == "a%2F..%2Fb%3Fc%23d%252e"
    for name in ("", ".", ".."):
        with pytest.raises(ClientError):
            segment(name)
