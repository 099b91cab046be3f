"""Everything that a webhook has to do with: the service, receivers of somebody else's, and time that passes by hand."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from services.deploy import sender
from tests.support.client import Answer
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth

Behaviour = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Got:
    """What a receiver got."""

    path: str
    headers: dict[str, str]
    raw: bytes
    #: By the event loop's clock.
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(slots=True)
class Receiver:
    """Somebody else's server: takes what comes, and answers 200 unless a path has a behaviour of its own."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: dict[str, Behaviour] = field(default_factory=dict)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Got]:
        """Return what came to a path."""
        return [each for each in self.got if each.path == path]

    def answer(self, path: str, status: int, **headers: str) -> None:
        """Let a path answer so from now on; `retry_after` is written as headers are."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def same(_request: web.BaseRequest) -> web.Response:
            return web.Response(status=status, text=f"answer {status}", headers=named)

        self.answers[path] = same

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path, headers, raw, asyncio.get_running_loop().time()))
        if behaviour := self.answers.get(request.path):
            return await behaviour(request)
        return web.Response(text="thanks")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Give a receiver."""
    receiver = Receiver()
    # more at once than a service sends
    runner = web.ServerRunner(web.Server(receiver.take, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Later:
    """The time, and how much later it is said to be."""

    by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class HookWorld:
    """A service, a site with its owner's key, and a receiver."""

    deploy: Deploy
    receiver: Receiver
    later: Later
    key: str
    site: dict[str, Any]

    async def call(self, method: str, path: str = "", **given: Any) -> Answer:
        """Call the site's `/webhooks/…`."""
        return await self.deploy.call(method, f"/webhooks/{self.site['id']}{path}", key=self.key, **given)

    async def add(self, path: str = "/", **given: Any) -> dict[str, Any]:
        """Add a webhook that leads to a path of the receiver, or to a whole address."""
        body = {"url": path if "://" in path else self.receiver.url(path), **given}
        answer = await self.call("POST", json=body)
        assert answer.status == 200, answer.text
        added: dict[str, Any] = answer.json
        return added

    async def submit(self, **data: Any) -> str:
        """Send something through the site's form; return its id."""
        answer = await self.deploy.submit(self.site, json=data)
        assert answer.status == 200, answer.text
        return str(answer.json["id"])

    async def webhook(self, webhook: dict[str, Any]) -> dict[str, Any]:
        """Return a webhook as the list has it now."""
        listed = (await self.call("GET")).json["webhooks"]
        found: dict[str, Any] = next(each for each in listed if each["id"] == webhook["id"])
        return found

    async def log(self, webhook: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        """Return a webhook's log."""
        answer = await self.call("GET", f"/{webhook['id']}/deliveries{query}")
        assert answer.status == 200, answer.text
        rows: list[dict[str, Any]] = answer.json["deliveries"]
        return rows

    async def attempted(self, webhook: dict[str, Any], count: int) -> list[dict[str, Any]]:
        """Wait until a webhook has had so many attempts, and return its log."""

        async def enough() -> list[dict[str, Any]]:
            rows = [row for row in await self.log(webhook, "?limit=200") if row["attempt"]]
            assert len(rows) >= count, rows
            return rows

        return await eventually(enough)

    async def fetch(self, sql: str, *values: Any) -> Any:
        """Ask the database, or change what it has. Return the first value."""
        conn = await asyncpg.connect(self.deploy.database_url, server_settings={"search_path": "deploy"})
        try:
            return await conn.fetchval(sql, *values)
        finally:
            await conn.close()

    async def queue(self, webhook: dict[str, Any], count: int) -> None:
        """Let so many submissions wait for a webhook, without sending them all."""
        await queue(self.fetch, self.site["id"], webhook["id"], count)

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of messages of a kind, once all that were written are out."""

        async def out() -> bool:
            return not await self.fetch("SELECT true FROM outbox LIMIT 1")

        await eventually(out)
        return [envelope.data for envelope in self.deploy.bus.published if envelope.type == kind]


async def queue(fetch: Callable[..., Awaitable[Any]], site: str, webhook: str, count: int) -> None:
    """Write submissions and their deliveries into the tables."""
    prefix = hashlib.sha256(f"{site}{webhook}".encode()).hexdigest()[:10]
    await fetch(
        "WITH sent AS (INSERT INTO submissions (id, deployment_id, status, data, version, created_at)"
        "   SELECT 'sub_' || $1 || lpad(n::text, 8, '0'), $2, 'accepted', json_build_object('n', n), 1, now()"
        "   FROM generate_series(1, $4::int) AS n RETURNING id)"
        " INSERT INTO deliveries (id, webhook_id, deployment_id, submission_id)"
        " SELECT 'dlv_' || left(md5(id || $3), 24), $3, $2, id FROM sent",
        prefix, site, webhook, count,
    )  # fmt: skip


@asynccontextmanager
async def hook_world(
    database_url: str, home: Path, auth: FakeAuth, patch: pytest.MonkeyPatch, **given: Any
) -> AsyncIterator[HookWorld]:
    """Run it; webhooks may lead to this machine unless it is said that they may not."""
    later = Later()
    patch.setattr(sender, "utc_now", later.now)
    patch.setattr(sender, "POLL", 0.05)
    patch.setattr(sender, "CLOSE_TIMEOUT", 0.2)
    settings = {"webhook_allow_private": True, "rate_limits": False, **given}
    async with receiving() as receiver, deploying(database_url, home / "blobs", auth, **settings) as deploy:
        key = deploy.key()
        site = await deploy.publish(key)
        yield HookWorld(deploy=deploy, receiver=receiver, later=later, key=key, site=site)
