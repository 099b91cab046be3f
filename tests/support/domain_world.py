"""Everything that a custom domain has to do with: the service, a name server, and somebody else's web server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from services.deploy import proofs, worker
from tests.support import dns_server, servers
from tests.support.client import Answer
from tests.support.deploying import Deploy, deploying
from tests.support.dns_server import NameServer
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.ports import free_port

#: Addresses of two servers that listen on the same port: ours, and the one where a domain leads now.
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainWorld:
    """What tests of custom domains play with."""

    deploy: Deploy
    names: NameServer
    #: Path to content, on the server at ELSEWHERE.
    files: dict[str, str]
    port: int
    home: Path
    authority: servers.Pebble | None

    async def add(self, key: str, site: dict[str, Any], domain: str) -> dict[str, Any]:
        """Add a domain to a site."""
        answer = await self.deploy.call("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": domain})
        assert answer.status in {200, 201}, answer.text
        added: dict[str, Any] = answer.json
        return added

    async def verify(self, key: str, site: dict[str, Any], domain: str) -> dict[str, Any]:
        """Have a domain looked at now."""
        answer = await self.deploy.call("POST", f"/deploy/{site['id']}/domains/{domain}/verify", key=key)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    async def proved(self, key: str, site: dict[str, Any], domain: str) -> dict[str, Any]:
        """Add a domain, make its record, and have it looked at."""
        added = await self.add(key, site, domain)
        self.names.txt(added["dns"]["name"], added["dns"]["value"])
        return await self.verify(key, site, domain)

    async def domains(self, key: str, site: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what the site's owner sees."""
        listed: list[dict[str, Any]] = (await self.deploy.call("GET", f"/deploy/{site['id']}/domains", key=key)).json[
            "domains"
        ]
        return listed

    async def visit(self, domain: str, path: str = "/", **given: Any) -> Answer:
        """Ask for a page of a domain as a browser does that has arrived here."""
        headers = {"Host": domain, **given.pop("headers", {})}
        return await self.deploy.call(given.pop("method", "GET"), path, headers=headers, **given)

    async def fetch(self, sql: str, *values: Any) -> Any:
        """Ask the database, or change what it has: clocks cannot be waited for. Return the first value."""
        settings = {"search_path": "deploy"}
        connection = await asyncpg.connect(self.deploy.database_url, server_settings=settings)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def later(self, domain: str, by: timedelta) -> None:
        """Let time pass for a domain: all that the worker does for it is due, all that has been is longer ago."""
        await self.fetch(
            "UPDATE domains SET next_at = next_at - $2::interval, failing_since = failing_since - $2::interval,"
            " sought_since = sought_since - $2::interval, verified_at = verified_at - $2::interval,"
            " certificate_next_at = certificate_next_at - $2::interval WHERE domain = $1",
            domain, by,
        )  # fmt: skip


@asynccontextmanager
async def domain_world(
    database_url: str,
    home: Path,
    auth: FakeAuth,
    patch: pytest.MonkeyPatch,
    *,
    life: int | None = None,
    front: int | None = None,
    **given: Any,
) -> AsyncIterator[DomainWorld]:
    """Run it; the worker looks twenty times a second. Certificates are got if it is said how long one lives.

    Visitors, the authority and our own looks arrive at the port `front`, where that is given: a gateway's.
    """
    files: dict[str, str] = {}
    own = given.pop("port", None) or free_port()
    port = front or own
    patch.setattr(proofs, "PORT", port)
    patch.setattr(worker, "DOMAINS_EVERY", 0.05)
    async with dns_server.serving() as names, elsewhere(files, port), AsyncExitStack() as stack:
        settings: dict[str, Any] = {"port": own, "dns_servers": (names.address,), "domains_allow_private": True}
        settings |= {"rate_limits": False, "certificates_dir": home / "certificates", **given}
        pebble = None
        if life is not None:
            run = servers.running_pebble(home, http_port=port, name_server=names.address, life=life)
            pebble = stack.enter_context(run)
            settings |= {"acme_directory": pebble.directory, "acme_ca_file": pebble.ca_file}
        deploy = await stack.enter_async_context(deploying(database_url, home / "blobs", auth, **settings))
        yield DomainWorld(deploy=deploy, names=names, files=files, port=port, home=home, authority=pebble)


@asynccontextmanager
async def elsewhere(files: dict[str, str], port: int) -> AsyncIterator[None]:
    """Run somebody else's web server."""

    async def answer(request: web.BaseRequest) -> web.Response:
        found = files.get(request.path)
        return web.Response(text=found) if found is not None else web.Response(status=404, text="somebody else's page")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, ELSEWHERE, port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def told(world: DomainWorld, kind: str) -> list[dict[str, Any]]:
    """Return the data of messages of a kind, in order, once all that were written are out."""

    async def out() -> bool:
        return not await world.fetch("SELECT true FROM outbox LIMIT 1")

    await eventually(out)
    return [envelope.data for envelope in world.deploy.bus.published if envelope.type == kind]


async def audited(world: DomainWorld) -> list[str]:
    """Return what the audit trail was told, without what sites did."""
    return [data["action"] for data in await told(world, "audit.recorded") if data["action"].startswith("domain.")]
