"""R80: `kill -9` of a real sender, and a stop, with deliveries under way: nothing is lost, a repeat is known as one."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from services.deploy.store.deliveries import LEASE
from tests.support.deploying import FORM
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN, FakeAuth
from tests.support.hook_world import Receiver, queue, receiving
from tests.support.processes import Process, a_deploy

WEBHOOKS, EACH = 10, 100


@pytest.fixture
def process(database_url: str, tmp_path: Path, auth: FakeAuth) -> Iterator[Process]:
    """Give a deploy process whose webhooks may lead to this machine."""
    made = a_deploy(
        tmp_path,
        database_url=database_url,
        auth_url=auth.url,
        INVOKER_SERVICE_TOKEN=TOKEN,
        INVOKER_WEBHOOK_ALLOW_PRIVATE="1",
    )
    yield made
    made.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Give a receiver that takes its time, so that deliveries are under way at any moment."""
    async with receiving() as running:

        async def slow(_request: web.BaseRequest) -> web.Response:
            await asyncio.sleep(random.uniform(0.01, 0.15))
            return web.Response(text="thanks")

        running.answers["/"] = slow
        yield running


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url, server_settings={"search_path": "deploy"})
    yield opened
    await opened.close()


async def add_webhooks(process: Process, key: str, url: str) -> tuple[str, list[str]]:
    """Publish a site with webhooks; return its id and theirs."""
    headers = {"Authorization": f"Bearer {key}"}

    async def post(path: str, body: Any) -> Any:
        async with session.post(process.url + path, headers=headers, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async with aiohttp.ClientSession() as session:
        site = (await post("/deploy", {"html": FORM}))["id"]
        return site, [(await post(f"/webhooks/{site}", {"url": url}))["id"] for _ in range(WEBHOOKS)]


async def pending(conn: asyncpg.Connection) -> int:
    found: int = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 'pending'")
    return found


async def test_r80_a_kill_loses_no_delivery(
    process: Process, receiver: Receiver, conn: asyncpg.Connection, auth: FakeAuth
) -> None:
    """R80: 1,000 deliveries, 5 kills at moments of chance: each arrives, and a repeat has the same `webhook-id`."""
    await asyncio.to_thread(process.start)
    site, webhooks = await add_webhooks(process, auth.key(), receiver.url())
    for webhook in webhooks:
        await queue(conn.fetchval, site, webhook, EACH)
    interrupted = 0
    for _ in range(5):
        await asyncio.sleep(random.uniform(0.1, 0.6))
        await asyncio.to_thread(process.kill)
        interrupted += await conn.fetchval(
            "SELECT count(*) FROM deliveries WHERE state = 'pending' AND next_at > now()"
        )
        await asyncio.to_thread(process.start)
    # the leases of the killed: nobody waits half a minute for them here
    await conn.execute("UPDATE deliveries SET next_at = next_at - $1::interval WHERE state = 'pending'", LEASE)

    async def done() -> bool:
        return await pending(conn) == 0

    await eventually(done, every=0.1)
    expected = {row["id"]: row["submission_id"] for row in await conn.fetch("SELECT id, submission_id FROM deliveries")}
    arrived = defaultdict(set)
    for got in receiver.got:
        arrived[got.headers["webhook-id"]].add((got.json["data"]["id"], got.raw))
    assert interrupted > 0, "nothing was under way"
    assert len(expected) == WEBHOOKS * EACH
    assert arrived.keys() == expected.keys()
    assert all(len(bodies) == 1 for bodies in arrived.values())
    assert {name: next(iter(bodies))[0] for name, bodies in arrived.items()} == expected
    logged = Counter(row["delivery_id"] for row in await conn.fetch("SELECT delivery_id FROM delivery_attempts"))
    assert logged.keys() == expected.keys()
    assert await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == len(expected)


async def test_r80_a_stop_ends_what_is_under_way(
    process: Process, receiver: Receiver, conn: asyncpg.Connection, auth: FakeAuth
) -> None:
    """R80: attempts get some seconds, and their results are written: nothing is sent again for that."""
    await asyncio.to_thread(process.start)
    site, webhooks = await add_webhooks(process, auth.key(), receiver.url())
    for webhook in webhooks:
        await queue(conn.fetchval, site, webhook, EACH)
    await eventually(lambda: len(receiver.got) > 50)
    assert await asyncio.to_thread(process.stop) == 0
    delivered = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 'delivered'")
    assert 50 <= delivered < WEBHOOKS * EACH
    assert len(receiver.got) == delivered
    assert await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 'pending' AND next_at > now()") == 0
