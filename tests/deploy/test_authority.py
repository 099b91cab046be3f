"""Certificates from a real ACME server: Pebble, which looks at domains over HTTP-01 as Let's Encrypt does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from services.deploy.authority import Authority, AuthorityError, Issued
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
        # a busy authority refuses many a nonce (RFC 8555 6.5)
        given = {"http_port": port, "name_server": names.address, "life": 3600, "refused_nonces": 40}
        with servers.running_pebble(tmp_path, **given) as pebble:
            yield World(names, pebble, answers)
    await runner.cleanup()


async def obtain(world: World, authority: Authority, domain: str, key: bytes) -> Issued:
    order = await authority.order(domain, key)
    world.answers.update({challenge.token: challenge.text for _, challenge in order.pending})
    return await authority.finish(order)


async def test_the_account_is_used_again(world: World, tmp_path: Path) -> None:
    world.names.a("shop.example.com", "127.0.0.1")
    key = Certificates(tmp_path / "certificates").key("shop.example.com")
    authority = Authority(world.pebble.directory, "ops@example.com", world.pebble.ca_file)
    state = await authority.connect(None)
    first = await obtain(world, authority, "shop.example.com", key)
    again = Authority(world.pebble.directory, "ops@example.com", world.pebble.ca_file)
    assert await again.connect(state) == state
    second = await obtain(world, again, "shop.example.com", key)
    assert first.chain != second.chain
    assert second.ends - second.begins == timedelta(seconds=3599)


async def test_a_refusal_is_told_in_the_authoritys_words(world: World, tmp_path: Path) -> None:
    key = Certificates(tmp_path / "certificates").key("nowhere.example.com")
    authority = Authority(world.pebble.directory, "", world.pebble.ca_file)
    await authority.connect(None)
    with pytest.raises(AuthorityError, match="could not resolve"):
        await obtain(world, authority, "nowhere.example.com", key)


@pytest.mark.parametrize("address", ["https://localhost:1/dir", "https://nowhere.invalid/dir"])
async def test_an_authority_that_is_not_there_is_an_error_with_words(address: str) -> None:
    with pytest.raises(AuthorityError, match="cannot be reached"):
        await Authority(address, "", None).connect(None)


async def test_an_authority_with_a_certificate_of_somebody_else_is_not_believed(world: World) -> None:
    with pytest.raises(AuthorityError, match="cannot be reached"):
        await Authority(world.pebble.directory, "", None).connect(None)
