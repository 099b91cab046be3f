"""R75: requests to addresses that other people name reach public ones alone, judged at each connection."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from shared import outbound
from shared.resolver import Resolver
from tests.support import dns_server
from tests.support.dns_server import NameServer

HOSTILE = [
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://127.0.1:{port}/", "http://2130706433:{port}/",
    "http://0x7f000001:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/", "http://017700000001:{port}/",
    "http://0:{port}/", "http://0.0.0.0:{port}/", "http://127.255.255.254:{port}/", "http://127.0.0.1.:{port}/",
    "http://[::1]:{port}/", "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", "http://[fe80::1%25lo]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[2001::1]:{port}/", "http://[fec0::1]:{port}/", "http://[fd00::1]:{port}/", "http://[ff02::1]:{port}/",
    "http://[5f00::1]:{port}/", "http://[3fff::1]:{port}/", "http://[2001:db8::1]:{port}/",
    "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/", "http://inside.test:{port}/",
    "http://both.test:{port}/", "http://user:pass@127.0.0.1:{port}/", "http://public.test@127.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/", "http://metadata.test/", "http://10.0.0.1/", "http://192.168.0.1/",
    "http://172.16.0.1/", "http://100.64.0.1/", "http://198.18.0.1/", "http://192.88.99.1/", "http://224.0.0.1/",
    "http://240.0.0.1/", "http://255.255.255.255/", "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "http:///", "//x",
    "gopher://127.0.0.1:{port}/", "http://%31%32%37.0.0.1:{port}/", "http://①②⑦.0.0.1:{port}/",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:830::200e", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "127.0.0.1", "0.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "168.63.129.16", "::ffff:168.63.129.16", "100.100.100.200", "192.0.0.192",
    "::", "::1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:db8::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "nobody", "",
]  # fmt: skip


@dataclass
class Canary:
    """A server on this machine's inside that counts who gets through to it."""

    port: int = 0
    reached: list[str] = field(default_factory=list)


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    it = Canary()

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        it.reached.append(request.path)
        return await behave(request)

    runner = web.ServerRunner(web.Server(note))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.port = runner.addresses[0][1]
    yield it
    await runner.cleanup()


async def behave(request: web.BaseRequest) -> web.StreamResponse:
    match request.path:
        case "/redirect":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        case "/big":
            return web.Response(body=bytes(10 * outbound.MAX_ANSWER))
        case "/bomb":
            return web.Response(body=b"\x1f\x8b small", headers={"Content-Encoding": "gzip"})
        case "/slow":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b".")
                await asyncio.sleep(0.05)
        case _:
            return web.Response(text="the inside", headers={"Set-Cookie": "a=b"})


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with dns_server.serving() as server:
        server.a("inside.test", "127.0.0.1")
        server.a("both.test", "127.0.0.1", "10.0.0.1")
        server.a("metadata.test", "169.254.169.254")
        yield server


@asynccontextmanager
async def client(names: NameServer, *, allow_private: bool = False) -> AsyncIterator[outbound.Outbound]:
    """Open a client that asks the test's name server."""
    async with outbound.opened(
        user_agent="tests", allow_private=allow_private, resolver=Resolver([names.address])
    ) as opened:
        yield opened


async def test_r75_hostile_addresses_reach_nothing_inside(canary: Canary, names: NameServer) -> None:
    """R75: literals of every kind, names that lead inside, userinfo, other schemes: 0 connections."""
    assert len(HOSTILE) >= 40
    async with client(names) as it:
        for url in HOSTILE:
            with pytest.raises(outbound.Unreachable):
                await it.request("GET", url.format(port=canary.port), timeout=1)
    assert canary.reached == []


async def test_r75_a_name_server_that_changes_its_mind_gains_nothing(
    canary: Canary, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R75: the address is judged when it is connected to, not when it was looked up."""
    # stands for a public address; nothing listens there
    monkeypatch.setattr(outbound, "is_public", lambda address: address == "127.0.0.2")
    answers = itertools.cycle(["127.0.0.2", "127.0.0.1"])
    names.changing["rebinding.test"] = lambda: next(answers)
    problems = set()
    async with client(names) as it:
        for _ in range(8):
            with pytest.raises(outbound.Unreachable) as caught:
                await it.request("GET", f"http://rebinding.test:{canary.port}/")
            problems.add(str(caught.value))
    assert problems == {"no connection", "the address is not a public one"}
    assert canary.reached == []


async def test_r77_redirects_are_answers(canary: Canary, names: NameServer) -> None:
    """R77: never followed."""
    async with client(names, allow_private=True) as it:
        found = await it.request("GET", f"http://inside.test:{canary.port}/redirect")
    assert found.status == 302
    assert canary.reached == ["/redirect"]


async def test_r77_answers_are_read_up_to_64_kib_and_not_expanded(canary: Canary, names: NameServer) -> None:
    """R77: what is more is left; a compressed answer stays as it is."""
    async with client(names, allow_private=True) as it:
        big = await it.request("GET", f"http://inside.test:{canary.port}/big")
        bomb = await it.request("GET", f"http://inside.test:{canary.port}/bomb")
    assert len(big.body) == outbound.MAX_ANSWER
    assert bomb.body == b"\x1f\x8b small"


async def test_r77_an_answer_that_trickles_ends_at_the_deadline(canary: Canary, names: NameServer) -> None:
    """R77: the whole exchange has one."""
    async with client(names, allow_private=True) as it:
        with pytest.raises(outbound.Unreachable, match=r"no answer within 0\.3 seconds"):
            await it.request("GET", f"http://inside.test:{canary.port}/slow", timeout=0.3)


async def test_r77_a_connection_has_a_deadline_of_its_own(names: NameServer) -> None:
    """R77: whoever does not even take it is given up long before the whole exchange would be."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as taken:
        port = server.getsockname()[1]
        for _ in range(2):
            # nobody accepts these, and there is no room for more
            waiting = taken.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        async with outbound.opened(user_agent="tests", allow_private=True, connect_timeout=0.3) as it:
            began = asyncio.get_running_loop().time()
            with pytest.raises(outbound.Unreachable, match="no connection"):
                await it.request("GET", f"http://127.0.0.1:{port}/", timeout=15)
    assert asyncio.get_running_loop().time() - began < 3


async def test_a_network_of_ones_own_can_be_allowed(canary: Canary, names: NameServer) -> None:
    async with client(names, allow_private=True) as it:
        found = await it.request("POST", f"http://inside.test:{canary.port}/hook", data=b"{}")
    assert (found.status, found.body) == (200, b"the inside")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_known(address: str) -> None:
    assert outbound.is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_s2_addresses_that_are_nobodys_or_somebodys_own_are_known(address: str) -> None:
    """S2: Python takes several of them for global."""
    assert not outbound.is_public(address)


async def test_what_went_wrong_is_said_without_our_own_network(canary: Canary, names: NameServer) -> None:
    async with client(names) as it:
        for url, why in (
            ("http://nowhere.test/", "the name has no address"),
            (f"http://inside.test:{canary.port}/", "the address is not a public one"),
            ("http://[", "the address cannot be read"),
            ("ftp://inside.test/", "it is no http or https address"),
        ):
            with pytest.raises(outbound.Unreachable, match=why):
                await it.request("GET", url)
