"""The edge of every service: limits, deadlines, errors, request ids, behind a real listener."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import BaseModel

from shared import bodies, http, server
from shared.errors import Unavailable

LIMIT = 64 * http.KIB


class Body(BaseModel):
    name: str


@http.rules(deadline=0.2)
async def sleep(_request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return http.json({})


async def crash(_request: web.Request) -> web.Response:
    raise RuntimeError("inv_" + "s" * 36)


async def lose(_request: web.Request) -> web.Response:
    raise asyncio.CancelledError


async def unavailable(_request: web.Request) -> web.Response:
    raise Unavailable(retry_after=7)


async def take(request: web.Request) -> web.Response:
    return http.json((await bodies.read_model(request, Body)).model_dump())


async def take_bytes(request: web.Request) -> web.Response:
    return http.json({"size": len(await bodies.read(request, LIMIT))})


@http.rules(cors=True)
async def public(_request: web.Request) -> web.Response:
    raise Unavailable


async def address(request: web.Request) -> web.Response:
    return http.json({"ip": http.client_ip(request, int(request.query["proxies"]))})


@pytest.fixture
async def edge() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client of an application with one route for each behaviour."""
    app = http.application()
    app.router.add_get("/sleep", sleep)
    app.router.add_get("/crash", crash)
    app.router.add_get("/lose", lose)
    app.router.add_get("/unavailable", unavailable)
    app.router.add_post("/take", take)
    app.router.add_post("/bytes", take_bytes)
    app.router.add_get("/public", public)
    app.router.add_get("/address", address)
    taken = server.bind("127.0.0.1", 0)
    async with (
        server.serving(app) as serving,
        server.listening(serving, taken),
        aiohttp.ClientSession(f"http://127.0.0.1:{taken.getsockname()[1]}") as session,
    ):
        yield session


async def ask(edge: aiohttp.ClientSession, method: str, path: str, **given: Any) -> tuple[int, Any, Any]:
    async with edge.request(method, path, **given) as response:
        return response.status, await response.json(), response.headers


async def test_r18_a_body_at_the_limit_passes_and_one_byte_more_is_413(edge: aiohttp.ClientSession) -> None:
    """R18: with a stated length, and in chunks without one."""
    assert (await ask(edge, "POST", "/bytes", data=b"x" * LIMIT))[:2] == (200, {"size": LIMIT})
    assert (await ask(edge, "POST", "/bytes", data=b"x" * (LIMIT + 1)))[0] == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 1024):
            yield b"x" * 1024
        yield b"x"

    status, body, _ = await ask(edge, "POST", "/bytes", data=chunks())
    assert (status, body["code"]) == (413, "too_large")


async def test_r18_a_gzip_bomb_is_413(edge: aiohttp.ClientSession) -> None:
    """R18: what counts are the bytes after decompression: 50 MB in 50 KB."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < LIMIT
    assert (await ask(edge, "POST", "/bytes", data=bomb, headers={"Content-Encoding": "gzip"}))[0] == 413


async def test_r18_broken_compression_is_400(edge: aiohttp.ClientSession) -> None:
    assert (await ask(edge, "POST", "/bytes", data=b"nonsense", headers={"Content-Encoding": "gzip"}))[0] == 400


async def test_r24_a_handler_past_its_deadline_is_504(edge: aiohttp.ClientSession) -> None:
    """R24: the caller gets an answer, with the hint to look before repeating."""
    status, body, headers = await ask(edge, "GET", "/sleep")
    assert (status, body["code"]) == (504, "deadline_exceeded")
    assert int(headers["Retry-After"]) >= 1


def test_r24_every_route_has_a_deadline_of_ten_seconds_or_less() -> None:
    """R24: what states nothing has the default."""
    assert http.DEFAULT.deadline == 10


async def test_a_crash_tells_the_caller_nothing_and_the_log_no_secret(
    edge: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    from shared import logs

    logs.configure("tests", json=True)
    status, body, _ = await ask(edge, "GET", "/crash")
    assert (status, body["error"]) == (500, "Internal error")
    logged = capsys.readouterr().out
    assert body["request_id"] in logged
    assert "inv_sss" not in str(body) + logged
    assert "inv_[redacted]" in logged


async def test_r5_a_foreign_cancellation_is_503_and_no_dropped_connection(edge: aiohttp.ClientSession) -> None:
    assert (await ask(edge, "GET", "/lose"))[0] == 503


async def test_errors_say_when_to_come_back(edge: aiohttp.ClientSession) -> None:
    status, body, headers = await ask(edge, "GET", "/unavailable")
    assert (status, headers["Retry-After"]) == (503, "7")
    assert set(body) == {"error", "code", "request_id", "hint"}
    assert headers["X-Request-ID"] == body["request_id"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "invoker"


async def test_open_routes_show_their_errors_to_any_origin(edge: aiohttp.ClientSession) -> None:
    _, _, headers = await ask(edge, "GET", "/public")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "given,status",
    [
        ({"data": b"{"}, 400),
        ({"data": b'{"name": "\xff"}'}, 400),
        ({"data": b'{"name": "a\\u0000b"}'}, 422),
        ({"data": b'{"name": "\\ud800"}'}, 400),
        ({"data": b"[1]"}, 422),
        ({"data": b'{"name": 1}'}, 422),
        ({"data": b""}, 400),
        ({"data": b"[" * 10_000}, 400),
        ({"data": b"{}", "headers": {"Content-Type": "application/xml"}}, 415),
        ({"data": b'{"name": "x"}', "headers": {"Content-Type": "text/plain"}}, 415),
        ({"data": b'{"name": "x"}', "headers": {"Content-Type": "garbage"}}, 415),
        ({"data": b'{"name": "x"}', "headers": {"Content-Type": "application/problem+json"}}, 200),
        ({"data": b'{"name": "x"}', "headers": {"Content-Type": "application/octet-stream"}}, 200),
        ({"data": b'{"name": "x"}', "headers": {"Content-Encoding": "compress"}}, 415),
        ({"json": {"name": "x", "more": 1}}, 200),
    ],
)
async def test_a_body_is_what_the_route_takes_or_a_4xx(
    edge: aiohttp.ClientSession, given: dict[str, Any], status: int
) -> None:
    assert (await ask(edge, "POST", "/take", **given))[0] == status


@pytest.mark.parametrize(
    "proxies,forwarded,ip",
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "spoofed, 203.0.113.9", "203.0.113.9"),
        (2, "spoofed, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "10.0.0.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
async def test_only_our_own_proxies_tell_who_calls(
    edge: aiohttp.ClientSession, proxies: int, forwarded: str, ip: str
) -> None:
    """R60: counted from the right; what a caller writes itself changes nothing."""
    _, body, _ = await ask(edge, "GET", f"/address?proxies={proxies}", headers={"X-Forwarded-For": forwarded})
    assert body == {"ip": ip}


async def test_unknown_paths_and_methods_are_told_apart(edge: aiohttp.ClientSession) -> None:
    assert (await ask(edge, "GET", "/nothing"))[0] == 404
    status, _, headers = await ask(edge, "DELETE", "/take")
    assert (status, headers["Allow"]) == (405, "POST")


async def test_a_body_that_cannot_be_unpacked_is_nobody_elses_error(
    edge: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with edge.post("/take", data=b"not gzip", headers=headers, skip_auto_headers=("Accept-Encoding",)) as answer:
        assert answer.status == 400
    assert (await ask(edge, "GET", "/unavailable"))[0] == 503
    assert not caplog.records
