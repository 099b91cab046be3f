"""The gateway as it is shipped, before a service that a test plays: what is kept, for whom, and for how long."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from services.standalone.routing import Router
from shared.config import BaseConfig
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN
from tests.support.servers.nginx import Gateway, Services, running_gateway
from tests.support.upstream import PUBLIC, Upstream, answering
from tests.support.visiting import SHOP, Visitor

#: One of each kind that a service may be asked.
PATHS = (
    "/", "/dashboard", "/claim", "/claim/shop", "/report", "/reports", "/s/shop/", "/sx", "/deploy", "/submit/dep_x",
    "/api", "/api/", "/api/deploy", "/api/deploy/dep_x/versions", "/api/claim", "/api/submissions/x",
    "/api/submissions/x/events", "/submissions/x/events", "/api/submissions/x/sub_x", "/api/keys",
    "/api/openapi.json", "/apix", "/.well-known/acme-challenge/x", "/.well-known/security.txt",
)  # fmt: skip
#: What is no request id; the third looks like a key.
NO_IDS = ("shrt", "no spaces!", "inv_" + "0" * 36, "x" * 65)


@pytest.fixture
async def deploy() -> AsyncIterator[Upstream]:
    async with answering() as one:
        yield one


@pytest.fixture
async def auth() -> AsyncIterator[Upstream]:
    async with answering() as one:
        yield one


@pytest.fixture
def gateway(tmp_path: Path, deploy: Upstream, auth: Upstream) -> Iterator[Gateway]:
    """Give a gateway before the two."""
    services = Services(deploy=[deploy.address], auth=auth.address)
    with running_gateway(tmp_path, services, token=TOKEN, app_url="https://app.example") as running:
        yield running


@pytest.fixture
async def visitor(gateway: Gateway) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(skip_auto_headers=["Accept-Encoding"], auto_decompress=False) as session:
        yield Visitor(gateway, session)


async def test_public_page_is_asked_for_once(visitor: Visitor, deploy: Upstream) -> None:
    assert [(await visitor.get("/a")).raw for _ in range(3)] == [b"one"] * 3
    assert len(deploy.asked) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"headers": PUBLIC | {"Cache-Control": "private, no-store"}},
        {"headers": {}},
        {"headers": PUBLIC | {"Set-Cookie": "a=b"}},
        {"headers": PUBLIC, "status": 404},
        {"headers": PUBLIC, "status": 451},
        {"headers": PUBLIC | {"Location": "/b"}, "status": 302},
    ],
    ids=lambda given: str(given.get("status", next(iter(set(given["headers"].items()) - set(PUBLIC.items())), ""))),
)
async def test_nothing_else_is_kept(visitor: Visitor, deploy: Upstream, given: dict[str, Any]) -> None:
    deploy.headers, deploy.status = given["headers"], given.get("status", 200)
    for _ in range(2):
        await visitor.get()
    assert len(deploy.asked) == 2


async def test_app_and_api_are_never_kept(visitor: Visitor, deploy: Upstream, auth: Upstream) -> None:
    for host, path in (("localhost", "/"), ("localhost", "/api/keys"), ("api.localhost", "/keys")):
        for _ in range(2):
            await visitor.get(path, host=host)
    for path in ("/api/deploy", "/s/shop/", "/report"):
        for _ in range(2):
            await visitor.get(path, host="localhost")
    assert len(deploy.asked) == len(auth.asked) == 6


async def test_bump_makes_every_page_of_the_host_another(visitor: Visitor, deploy: Upstream) -> None:
    hosts = (SHOP, "shop--v3.sites.localhost", "shop.example")
    for host in (*hosts, "other.sites.localhost"):
        await visitor.get("/a", host=host)
        await visitor.get("/b?c", host=host)
    deploy.body = b"two"
    assert await visitor.bump(SHOP, "shop.example") == 200
    for host in hosts:
        assert [(await visitor.get(path, host=host)).raw for path in ("/a", "/b?c")] == [b"two", b"two"]
    assert (await visitor.get("/a", host="other.sites.localhost")).raw == b"one"


async def test_fetch_that_began_before_a_bump_is_kept_for_nobody(visitor: Visitor, deploy: Upstream) -> None:
    """Decision 6."""
    deploy.gate.clear()
    slow = asyncio.create_task(visitor.get("/a"))
    await eventually(lambda: deploy.asked)
    deploy.body = b"two"
    await visitor.bump(SHOP)
    deploy.gate.set()
    assert (await slow).raw == b"one"
    assert (await visitor.get("/a")).raw == b"two"


async def test_generations_never_come_back(visitor: Visitor, deploy: Upstream) -> None:
    for number in range(30):
        deploy.body = b"%d" % number
        await visitor.bump(SHOP)
        assert [(await visitor.get()).raw for _ in range(2)] == [deploy.body] * 2
    assert len(deploy.asked) == 30


async def test_generations_that_nothing_is_kept_under_are_forgotten(visitor: Visitor, gateway: Gateway) -> None:
    folder = gateway.home / "memory/generations"
    await visitor.bump(SHOP, "old.example", "young.example")
    for name, age in ((".swept", 61), ("old.example", 601), ("young.example", 599)):
        os.utime(folder / name, (time.time() - age,) * 2)
    await visitor.bump(SHOP)
    assert {file.name for file in folder.iterdir()} == {".swept", SHOP, "young.example"}


async def test_lost_bump_is_made_good_within_ten_seconds(visitor: Visitor, deploy: Upstream) -> None:
    await visitor.get("/a")
    deploy.body = b"two"
    assert (await visitor.get("/a")).raw == b"one"

    async def changed() -> None:
        assert (await visitor.get("/a")).raw == b"two"

    await eventually(changed, within=15, every=0.2)


async def test_only_who_has_the_service_token_may_bump(visitor: Visitor, gateway: Gateway) -> None:
    for token in ("", TOKEN[:-1], TOKEN + "x", "x" * len(TOKEN)):
        assert await visitor.bump(SHOP, token=token) == 401
    assert not (gateway.home / "memory/generations").exists()


async def test_bump_of_no_host_is_no_path(visitor: Visitor, gateway: Gateway) -> None:
    assert await visitor.bump("../../pages/x", "", ".swept", "a/b", "x" * 300) == 200
    assert [file.name for file in (gateway.home / "memory/generations").iterdir()] == [".swept"]


async def test_public_listener_takes_no_bumps(visitor: Visitor, deploy: Upstream) -> None:
    await visitor.get("/bump", method="POST", Authorization=f"Bearer {TOKEN}")
    assert len(deploy.asked) == 1


@pytest.mark.parametrize(
    "accepted, coding",
    [
        ("gzip, deflate, br, zstd", "br, gzip"),
        ("br;q=1.0, gzip;q=0.8", "br, gzip"),
        ("gzip;q=0, br;q=0.001", "br"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip;q=0.000", "identity"),
        ("*", "identity"),
        ("xbr, brx, gzipped", "identity"),
    ],
)
async def test_accept_encoding_is_made_one_of_four(
    visitor: Visitor, deploy: Upstream, accepted: str, coding: str
) -> None:
    await visitor.get(Accept_Encoding=accepted)
    assert deploy.asked[0].headers["Accept-Encoding"] == coding


async def test_each_coding_is_kept_by_itself(visitor: Visitor, deploy: Upstream) -> None:
    deploy.headers = PUBLIC | {"Vary": "Accept-Encoding"}
    for accepted in ("br", "gzip", "br, gzip", "identity", "gzip, br, zstd", "br;q=0.9"):
        assert (await visitor.get(Accept_Encoding=accepted)).headers["Vary"] == "Accept-Encoding"
    assert len(deploy.asked) == 4


async def test_ranges_are_cut_from_the_plain_bytes_that_are_kept(visitor: Visitor, deploy: Upstream) -> None:
    """R70."""
    deploy.body = b"0123456789"
    for _ in range(2):
        for wanted, status, raw in (
            ("bytes=2-4", 206, b"234"),
            ("bytes=-3", 206, b"789"),
            ("bytes=7-", 206, b"789"),
            ("bytes=10-", 416, None),
            ("bytes=0-1,3-4", 200, b"0123456789"),
            ("lines=1-2", 200, b"0123456789"),
        ):
            answer = await visitor.get(Range=wanted, Accept_Encoding="br")
            assert (answer.status, answer.raw if raw else None) == (status, raw), wanted
    assert (await visitor.get(Range="bytes=2-4", If_Range='"other"')).raw == b"0123456789"
    assert (await visitor.get(Range="bytes=2-4", If_Range='"one"')).status == 206
    assert [one.headers.get("Range") for one in deploy.asked] == [None]
    assert deploy.asked[0].headers["Accept-Encoding"] == "identity"


async def test_head_and_if_none_match_are_answered_from_what_is_kept(visitor: Visitor, deploy: Upstream) -> None:
    await visitor.get()
    head = await visitor.get(method="HEAD")
    assert (head.status, head.raw, head.headers["Content-Length"]) == (200, b"", "3")
    for tags, status in (('"one"', 304), ('W/"one"', 304), ('"x", "one"', 304), ("*", 304), ('"two"', 200)):
        assert (await visitor.get(If_None_Match=tags)).status == status
    assert len(deploy.asked) == 1


async def test_visitor_gets_their_own_request_id_from_what_is_kept(visitor: Visitor, gateway: Gateway) -> None:
    for given in ("visitor-number-1", "visitor-number-2"):
        assert (await visitor.get(X_Request_ID=given)).headers.getall("X-Request-ID") == [given]
    made = [(await visitor.get(X_Request_ID=bad)).headers["X-Request-ID"] for bad in NO_IDS]
    assert all(re.fullmatch("[0-9.-]{12,64}", one) for one in made)
    # written once a second
    await eventually(lambda: made[-1] in (gateway.home / "access").read_text())
    assert not any(bad in (gateway.home / "access").read_text() for bad in NO_IDS)


async def test_ids_that_the_gateway_makes_are_all_different(visitor: Visitor) -> None:
    made = await asyncio.gather(*(visitor.get() for _ in range(50)))
    assert len({answer.headers["X-Request-ID"] for answer in made}) == 50


async def test_deploy_logs_the_id_that_the_visitor_gets(visitor: Visitor, deploy: Upstream) -> None:
    answer = await visitor.get()
    assert deploy.asked[0].headers["X-Request-ID"] == answer.headers["X-Request-ID"]


async def test_cookies_and_posts_pass(visitor: Visitor, deploy: Upstream) -> None:
    deploy.headers = {"Set-Cookie": "__Host-site=1; Secure; Path=/", "Cache-Control": "private, no-store"}
    answer = await visitor.get(method="POST", Cookie="a=b")
    assert answer.headers["Set-Cookie"].startswith("__Host-site=1")
    assert deploy.asked[0].headers["Cookie"] == "a=b"


async def test_challenges_of_certificate_authorities_go_to_deploy_on_every_host(
    visitor: Visitor, deploy: Upstream, auth: Upstream
) -> None:
    for host in ("localhost", "api.localhost", SHOP, "shop.example"):
        await visitor.get("/.well-known/acme-challenge/token", host=host)
    assert (len(deploy.asked), len(auth.asked)) == (4, 0)


async def test_gateway_and_standalone_send_requests_to_the_same_services(
    visitor: Visitor, deploy: Upstream, auth: Upstream
) -> None:
    config = BaseConfig(database_url=SecretStr(""), service_token=SecretStr(TOKEN))
    router = Router(config, {})
    for host in ("localhost", "127.0.0.1", "api.localhost", "LOCALHOST:8080", SHOP, "shop.example"):
        for path in PATHS:
            await visitor.get(path, host=host)
            asked = {"deploy": deploy.asked, "auth": auth.asked}
            name, inner = router.route(host, path)
            assert [one.path for one in asked[name]] == [inner], (host, path)
            assert len(deploy.asked) + len(auth.asked) == 1
            deploy.asked.clear()
            auth.asked.clear()


async def test_app_on_https_says_to_stay_there(visitor: Visitor) -> None:
    assert (await visitor.get(host="localhost")).headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in (await visitor.get()).headers


async def test_visitor_of_a_site_whose_service_is_away_is_told_to_come_again(
    tmp_path: Path, visitor: Visitor, deploy: Upstream
) -> None:
    services = Services(deploy=["127.0.0.1:1"])
    with running_gateway(tmp_path / "second", services, token=TOKEN) as gateway:
        async with aiohttp.ClientSession() as session:
            answer = await Visitor(gateway, session).get(X_Request_ID="visitor-number-1")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Request visitor-number-1" in answer.text
