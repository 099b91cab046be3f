"""What publishing takes from whom, how slowly, how large, and what a client that goes away leaves behind."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from services.deploy.versions import MAX_FILE
from shared import bodies, http
from tests.support.deploying import Deploy
from tests.support.publishing import digest, fetch, named, replace, swept
from tests.support.whole import judge, judge_swept

#: Routes that take a body, and how much.
ROUTES = {
    ("POST", "/deploy"): 25 * http.MIB,
    ("PUT", "/deploy/{id}"): 25 * http.MIB,
    ("PATCH", "/deploy/{id}"): 25 * http.MIB,
    ("PATCH", "/deploy/{id}/settings"): 64 * http.KIB,
    ("POST", "/deploy/{id}/publish"): 64 * http.KIB,
    ("PUT", "/deploy/{id}/blobs/{sha256}"): MAX_FILE,
    ("POST", "/claim"): 64 * http.KIB,
}
DATA = b"0123456789" * 50


async def opened(deploy: Deploy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", urlsplit(deploy.url).port)


def head(method: str, path: str, key: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: api.localhost:8080", f"Authorization: Bearer {key}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def slowly(deploy: Deploy, method: str, path: str, key: str, *, chunked: bool) -> int:
    """Send a body a byte at a time, and return the status of what comes back."""
    reader, writer = await opened(deploy)
    writer.write(head(method, path, key, "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(DATA)}"))
    answer = asyncio.create_task(reader.readline())
    while not answer.done():
        writer.write(b"1\r\n0\r\n" if chunked else b"0")
        await asyncio.wait([answer], timeout=0.1)
    writer.close()
    return int((await answer).split()[1])


async def test_r17_a_body_a_byte_at_a_time_is_408_on_every_route(
    deploy: Deploy, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R17: with or without a length; the whole of it has 15 s, here 0.5."""
    site = await deploy.publish(key, files=named({"a.bin": DATA}))
    monkeypatch.setattr(bodies, "BODY_DEADLINE", 0.5)
    async with asyncio.timeout(5):
        statuses = await asyncio.gather(
            *(
                slowly(deploy, method, path.format(id=site["id"], sha256=digest(DATA)), key, chunked=chunked)
                for method, path in ROUTES
                for chunked in (False, True)
            )
        )
    assert set(statuses) == {408}


async def zeros(size: int) -> AsyncIterator[bytes]:
    while size:
        piece = bytes(min(size, http.MIB))
        size -= len(piece)
        yield piece


async def test_r18_one_byte_more_than_a_route_takes_is_413(deploy: Deploy, key: str) -> None:
    """R18: as a length and as bytes that keep coming; nothing is written."""
    site = await deploy.publish(key, files=[named({"a.bin": DATA})[0] | {"size": MAX_FILE}])
    before = await fetch(deploy, "SELECT count(*), max(last_version) FROM deployments")
    for (method, path), limit in ROUTES.items():
        for given in ({"Content-Length": str(limit + 1)}, {}):
            answer = await deploy.call(
                method, path.format(id=site["id"], sha256=digest(DATA)), key=key, data=zeros(limit + 1), headers=given
            )
            assert (answer.status, answer.json["code"]) == (413, "too_large"), (method, path, given)
    assert await fetch(deploy, "SELECT count(*), max(last_version) FROM deployments") == before


async def test_a_file_as_large_as_it_may_be_is_taken(deploy: Deploy, key: str) -> None:
    data = random.Random(1).randbytes(MAX_FILE)
    site = await deploy.publish(key, files=named({"a.bin": data}))
    answer = await deploy.call("PUT", f"/deploy/{site['id']}/blobs/{digest(data)}", key=key, data=zeros(1))
    assert answer.json["code"] == "size_mismatch"

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), http.MIB):
            yield data[start : start + http.MIB]

    answer = await deploy.call("PUT", f"/deploy/{site['id']}/blobs/{digest(data)}", key=key, data=pieces())
    assert (answer.status, answer.json["missing"]) == (200, 0)
    coded = await deploy.call(
        "PUT", f"/deploy/{site['id']}/blobs/{digest(data)}", key=key, data=b"x", headers={"Content-Encoding": "gzip"}
    )
    assert coded.status == 415


async def cut_off(deploy: Deploy, request: bytes, moment: float) -> None:
    """Send a part of a request, or all of it and wait a little, and be gone."""
    _, writer = await opened(deploy)
    writer.write(request[: int(len(request) * min(1.0, moment * 2))])
    await writer.drain()
    await asyncio.sleep(max(0.0, moment - 0.5) / 20)
    writer.transport.abort()


def request_of(method: str, path: str, key: str, body: bytes | dict[str, Any]) -> bytes:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return head(method, path, key, f"Content-Length: {len(data)}") + data


async def test_r21_a_client_gone_in_mid_deploy_leaves_all_or_nothing(deploy: Deploy, key: str) -> None:
    """R21: at 50 moments of chance, of deploys, new versions and uploads."""
    chance = random.Random(21)
    site = await deploy.publish(key, html="<title>0</title>")
    for number in range(50):
        text = f"<title>{number}</title>" + "words " * 200
        files = {"index.html": text.encode(), "a.txt": b"a%d " % number * 300, "b.txt": b"b%d " % number * 300}
        inline = [{"path": path, "content": data.decode()} for path, data in files.items()]
        path = f"/deploy/{site['id']}"
        if number % 3 == 0:
            request = request_of("POST", "/deploy", deploy.key(), {"files": inline})
        elif number % 3 == 1:
            request = request_of("PUT", path, key, {"files": inline})
        else:
            await replace(deploy, key, site["id"], files=named(files))
            data = files["a.txt"]
            request = request_of("PUT", f"{path}/blobs/{digest(data)}", key, data)
        await cut_off(deploy, request, chance.random())
        if number % 10 == 9:
            await judge(deploy)
    # what arrived whole goes on without its client
    await asyncio.sleep(0.5)
    await judge(deploy)
    for row in await fetch(deploy, "SELECT slug, live_version AS live FROM deployments WHERE live_version IS NOT NULL"):
        for path in ("/", "/a.txt", "/b.txt") if row["live"] > 1 or row["slug"] != site["slug"] else ("/",):
            assert (await deploy.site(row["slug"], path)).status == 200
    await swept(deploy)
    await judge_swept(deploy)
