"""From a domain to https: DNS, the gateway as it is shipped, deploy, and a certificate authority."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support import fake_auth
from tests.support.client import Answer
from tests.support.domain_world import HERE, domain_world
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN
from tests.support.ports import free_port
from tests.support.servers.nginx import Gateway, Services
from tests.support.servers.pebble import CERTIFICATE

DOMAIN = "shop.example.com"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[tuple[Gateway, int]]:
    """Give the gateway with TLS, and the port at which it looks for deploy."""
    port = free_port()
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    for name in ("app", "sites"):
        for kind in ("crt", "key"):
            shutil.copy(CERTIFICATE, certificates / f"{name}.{kind}")
    services = Services(deploy=[f"127.0.0.1:{port}"])
    one = Gateway(tmp_path / "gateway", services, token=TOKEN, app_url="https://localhost")
    one.with_tls(certificates)
    await asyncio.to_thread(one.start)
    yield one, port
    await asyncio.to_thread(one.stop)


async def visit(gateway: Gateway, root: bytes, name: str = DOMAIN) -> Answer:
    """Ask for a page over https, as a browser does that trusts one authority."""
    trust = ssl.create_default_context(cadata=root.decode())
    url, headers = f"https://127.0.0.1:{gateway.tls_port}/", {"Host": name}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, ssl=trust, server_hostname=name) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.read())


async def by_http(gateway: Gateway) -> int:
    """Ask for the domain's page without TLS, and return the status."""
    headers = {"Host": DOMAIN}
    async with (
        aiohttp.ClientSession() as session,
        session.get(gateway.url, headers=headers, allow_redirects=False) as it,
    ):
        return it.status


async def test_a_custom_domain_is_served_over_https_through_the_gateway(
    gateway: tuple[Gateway, int], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Challenges arrive through nginx, which then finds the certificate by the name that a visitor asks for."""
    front, port = gateway
    async with (
        fake_auth.running() as auth,
        domain_world(
            database_url, tmp_path, auth, monkeypatch, life=3600, front=front.port, port=port,
            gateway_urls=(front.bump_url,),
        ) as world,
    ):  # fmt: skip
        assert world.authority is not None
        root = await asyncio.to_thread(world.authority.root)
        key = auth.key()
        site = await world.deploy.publish(key, html="<title>a shop")
        world.names.a(DOMAIN, HERE)
        with pytest.raises(aiohttp.ClientConnectorError):
            await visit(front, root)
        # by http it is shown until there is a certificate to lead visitors to
        assert await by_http(front) == 404
        await world.proved(key, site, DOMAIN)

        async def has_certificate() -> bool:
            return bool((await world.domains(key, site))[0]["status"] == "active")

        await eventually(has_certificate, within=30.0)
        assert await by_http(front) == 308
        page = await visit(front, root)
        assert (page.status, b"<title>a shop" in page.raw) == (200, True)
        await world.deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<title>a better shop"})
        assert b"<title>a better shop" in (await visit(front, root)).raw
        await world.deploy.call("DELETE", f"/deploy/{site['id']}/domains/{DOMAIN}", key=key)
        with pytest.raises(aiohttp.ClientConnectorError):
            await visit(front, root)
