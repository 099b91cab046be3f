"""Large files: whole and in parts, to slow and impatient visitors, from a directory and from elsewhere."""

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from services.deploy import transfer
from services.deploy.blobs import Blobs
from tests.support.deploying import Deploy
from tests.support.eventually import PATIENCE, eventually
from tests.support.visitor import raw

SIZE: Final = 700_000
CONTENT: Final = "".join(f"{number:09d}\n" for number in range(SIZE // 10))


@pytest.fixture
async def host(deploy: Deploy, key: str) -> str:
    """Give the host of a site with a large file and a small one."""
    files = [{"path": "large.zip", "content": CONTENT}, {"path": "small.zip", "content": "small"}]
    return f"{(await deploy.publish(key, files=files))['slug']}.sites.localhost"


@pytest.fixture(params=["directory", "elsewhere"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernel send, or fetch pieces as from a bucket."""
    if request.param == "elsewhere":
        monkeypatch.setattr(Blobs, "path", lambda _self, _name: None)


def request(host: str, path: str = "/large.zip", *lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", f"Host: {host}", *lines, "", ""]).encode()


def split(answer: bytes) -> tuple[str, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body


async def test_a_large_file_comes_whole_and_in_parts(deploy: Deploy, host: str, way: None) -> None:
    head, body = split(await raw(deploy, request(host, "/large.zip", "Connection: close")))
    assert head.startswith("HTTP/1.1 200 OK")
    assert (body.decode(), f'"{hashlib.sha256(body).hexdigest()}"' in head) == (CONTENT, True)
    for part, wanted in (("0-9", CONTENT[:10]), ("-10", CONTENT[-10:]), ("650000-", CONTENT[650_000:])):
        head, body = split(await raw(deploy, request(host, "/large.zip", f"Range: bytes={part}", "Connection: close")))
        assert head.startswith("HTTP/1.1 206 Partial Content")
        assert (body.decode(), f"Content-Length: {len(wanted)}" in head) == (wanted, True)


async def test_a_connection_goes_on_after_a_large_file(deploy: Deploy, host: str, way: None) -> None:
    """Requests that come at once are answered one after the other, each whole."""
    some = request(host, "/small.zip") + request(host) + request(host, "/small.zip") + request(host)
    answer = await raw(deploy, some + request(host, "/small.zip", "Connection: close"))
    assert answer.count(b"HTTP/1.1 200 OK") == 5
    assert answer.count(CONTENT.encode()) == 2
    assert answer.endswith(b"\r\n\r\nsmall")


async def test_an_old_client_gets_it_and_the_end(deploy: Deploy, host: str, way: None) -> None:
    head, body = split(await raw(deploy, request(host, version="1.0")))
    assert (" 200 OK" in head, body.decode()) == (True, CONTENT)


@asynccontextmanager
async def connected(deploy: Deploy, size: int = 4096) -> AsyncIterator[socket.socket]:
    """Connect with a small window, so that an answer does not fit into the network."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", urlsplit(deploy.url).port))
        yield sock


async def test_a_slow_visitor_gets_all_and_holds_up_nobody(deploy: Deploy, host: str, way: None) -> None:
    loop = asyncio.get_running_loop()
    async with connected(deploy) as slow:
        await loop.sock_sendall(slow, request(host, "/large.zip", "Connection: close"))
        got = b""
        while piece := await loop.sock_recv(slow, 40_000):
            got += piece
            if len(got) < 200_000:
                assert (await deploy.call("GET", "/small.zip", headers={"Host": host})).text == "small"
    assert split(got)[1].decode() == CONTENT


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_r21_who_goes_away_leaves_nothing_behind(deploy: Deploy, host: str, way: None) -> None:
    """R21: no descriptor of a file or a socket stays open, and no task."""
    loop = asyncio.get_running_loop()
    await raw(deploy, request(host, "/large.zip", "Connection: close"))
    before, tasks = descriptors(), len(asyncio.all_tasks())
    for number in range(20):
        async with connected(deploy) as gone:
            await loop.sock_sendall(gone, request(host))
            if number % 2:
                await loop.sock_recv(gone, 1000)
    await eventually(lambda: descriptors() <= before and len(asyncio.all_tasks()) <= tasks)


async def test_r24_who_takes_nothing_is_cut_off(
    deploy: Deploy, host: str, way: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R24: sending has a deadline."""
    monkeypatch.setattr(transfer, "DEADLINE", 0.3)
    loop = asyncio.get_running_loop()
    async with connected(deploy) as stuck:
        # the network takes a part, whatever the visitor does
        await loop.sock_sendall(stuck, request(host) * 8)
        await asyncio.sleep(0.6)
        got = 0
        async with asyncio.timeout(PATIENCE):
            try:
                while piece := await loop.sock_recv(stuck, 1 << 20):
                    got += len(piece)
            except ConnectionResetError:
                pass
        assert got < 8 * SIZE


async def test_a_file_that_is_shorter_than_it_should_be_is_cut_off(deploy: Deploy, host: str, way: None) -> None:
    (path,) = (path for path in deploy.blobs.rglob("*") if path.is_file() and path.stat().st_size == SIZE)
    path.write_bytes(CONTENT.encode()[:500_000])
    head, body = split(await raw(deploy, request(host)))
    assert f"Content-Length: {SIZE}" in head
    assert len(body) <= 500_000


async def test_a_file_that_is_gone_is_503(deploy: Deploy, host: str, way: None) -> None:
    for path in deploy.blobs.rglob("*"):
        if path.is_file():
            path.unlink()
    head, _ = split(await raw(deploy, request(host, "/large.zip", "Connection: close")))
    assert head.startswith("HTTP/1.1 503")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_many_downloads_cost_no_memory(deploy: Deploy, key: str, way: None) -> None:
    """200 at once of 1 MiB, whose visitors read when all are under way: the process grows by less than 50 MiB."""
    content: Any = "0123456789abcdef" * 65_536
    site = await deploy.publish(key, files=[{"path": "a.zip", "content": content[:900_000]}])
    host = f"{site['slug']}.sites.localhost"
    await raw(deploy, request(host, "/a.zip", "Connection: close"))
    loop = asyncio.get_running_loop()
    before = resident()
    open_: list[socket.socket] = []
    for _ in range(200):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", urlsplit(deploy.url).port))
        await loop.sock_sendall(sock, request(host, "/a.zip"))
        open_.append(sock)
    await asyncio.sleep(0.3)
    grown = resident() - before
    for sock in open_:
        sock.close()
    assert grown <= 50 * 1024 * 1024, grown
