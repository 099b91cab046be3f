"""Certificates from a real ACME server: Pebble, which looks at domains over HTTP-01 as Let's Encrypt does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from services.deploy.authority import Authority, AuthorityError
from services.deploy.certificates import Certificates
from tests.support import dns_server, servers
from tests.support.servers import Pebble


class World:
    """A name server, a web server that answers challenges, and the authority that asks both."""

    def __init__(self, names: dns_server.NameServer, pebble: Pebble, answers: dict[str, str]) -> None:
        self.names, self.pebble, self.answers = names, pebble, answers


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    answers: dict[str, str] = {}

    async def challenge(request: web.Request) -> web.Response:
        return web.Response(text=answers.get(request.match_info["token"], ""))

    app = web.Application()
    app.add_routes([web.get("/.well-known/acme-challenge/{token}", challenge)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with dns_server.serving() as names:
        with servers.running_pebble(tmp_path, http_port=port, name_server=names.address, life=3600) as pebble:
            yield World(names, pebble, answers)
    await runner.cleanup()


async def obtain(world: World, authority: Authority, domain: str, key: bytes) -> object:
    order = await authority.order(domain, key)
    world.answers.update({challenge.token: challenge.text for _, challenge in order.pending})
    return await authority.finish(order)


async def test_it(world: World, tmp_path: Path) -> None:
    world.names.a("shop.example.com", "127.0.0.1")
    t = asyncio.get_running_loop().time()
    authority = Authority(world.pebble.directory, "ops@example.com", world.pebble.ca_file)
    state = await authority.connect(None)
    files = Certificates(tmp_path / "certs")
    issued = await obtain(world, authority, "shop.example.com", files.key("shop.example.com"))
    print(issued, asyncio.get_running_loop().time() - t)
    again = Authority(world.pebble.directory, "ops@example.com", world.pebble.ca_file)
    assert (await again.connect(state)) == state
    issued = await obtain(world, again, "shop.example.com", files.key("shop.example.com"))
    print(issued, asyncio.get_running_loop().time() - t)
    with pytest.raises(AuthorityError) as e:
        await obtain(world, again, "nowhere.example.com", files.key("nowhere.example.com"))
    print(repr(e.value))
