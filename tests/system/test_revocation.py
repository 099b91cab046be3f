"""R45: a revoked key is refused by every replica within a second, and within 30 s whatever else is broken.

auth is a process of its own; four replicas of deploy have each their own cache and links. With a fault, an answer
stands for `STANDS` seconds instead of 30: what is tested is that this bound holds, not that it is 30.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from shared import auth_client
from tests.support.minted import Minted, minted
from tests.support.processes import TOKEN, Process
from tests.support.proxy import Proxy, between
from tests.support.replicas import Replica, all_refuse, replicas
from tests.support.timing import once_within

STANDS = 3.0
#: A restart of auth on a busy machine takes part of the time in which an answer stands.
STANDS_WITH_RESTART = 10.0
#: What finding out costs: a round of four requests, on a busy machine.
POLLING = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """auth and the replicas; the broker is reached through `all_links`, by the first replica through `its_link`."""

    auth: Process
    replicas: list[Replica]
    keys: list[Minted]
    all_links: Proxy
    its_link: Proxy

    async def revoke(self, target: Minted) -> float:
        """Revoke a key with the account's first, and return when that was answered."""
        headers = {"Authorization": f"Bearer {self.keys[0].key}", "Host": "localhost:8080"}
        async with (
            aiohttp.ClientSession(self.auth.url) as session,
            session.delete(f"/keys/{target.id}", headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
        return time.monotonic()

    async def use(self, key: Minted) -> list[int]:
        """Use a key on every replica."""
        return list(await asyncio.gather(*(replica.status(key.key) for replica in self.replicas)))


@pytest.fixture
async def system(database_url: str, amqp_url: str, bus_prefix: str, tmp_path: Path) -> AsyncIterator[System]:
    """Start them all."""
    prefix = bus_prefix.rstrip(".")
    async with between(amqp_url) as all_links, between(all_links.url) as its_link:
        auth = Process(
            "auth",
            tmp_path,
            INVOKER_DATABASE_URL=database_url,
            INVOKER_AMQP_URL=all_links.url,
            INVOKER_AMQP_PREFIX=prefix,
            INVOKER_SERVICE_TOKEN=TOKEN,
            INVOKER_RATE_LIMITS="off",
            INVOKER_DEPLOY_INTERNAL_URL="http://127.0.0.1:9",
        )
        try:
            await asyncio.to_thread(auth.start)
            _, keys = await minted(database_url, 41)
            ways = [its_link.url] + [all_links.url] * 3
            async with replicas(
                ways, database_url=database_url, blobs=tmp_path / "blobs", auth_url=auth.internal_url, prefix=prefix
            ) as opened:
                yield System(auth=auth, replicas=opened, keys=keys, all_links=all_links, its_link=its_link)
        finally:
            await asyncio.to_thread(auth.close)


async def test_r45_every_replica_refuses_within_a_second(system: System) -> None:
    """R45, healthy: revocations under way of use, from the answer to the last replica's refusal."""
    targets = iter(system.keys[1:])

    async def measure() -> float:
        target = next(targets)
        assert await system.use(target) == [200] * 4
        answered = await system.revoke(target)
        took = max(await all_refuse(system.replicas, target.key)) - answered
        assert await system.use(target) == [401] * 4
        return took

    for _ in range(8):
        await once_within(1.0, measure)


async def refused_in_time(system: System, target: Minted, *, within: float) -> list[float]:
    """Revoke a key, and check that each replica refuses it in time; return the seconds it took each."""
    answered = await system.revoke(target)
    took = [when - answered for when in await all_refuse(system.replicas, target.key)]
    assert max(took) <= within + POLLING, took
    assert await system.use(target) == [401] * 4
    return took


async def test_r45_refused_in_time_with_the_broker_gone(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """R45: nobody hears of the revocation; and once the broker is back, what was known before is not trusted."""
    monkeypatch.setattr(auth_client, "POSITIVE", STANDS)
    target, other = system.keys[1:3]
    system.all_links.cut()
    system.all_links.blackhole()
    assert await system.use(target) == [200] * 4
    took = await refused_in_time(system, target, within=STANDS)
    assert min(took) > 0.5, "the fault was none"
    monkeypatch.setattr(auth_client, "POSITIVE", 1000.0)
    assert await system.use(other) == [200] * 4
    await system.revoke(other)
    system.all_links.cut()
    system.all_links.heal()
    answered = time.monotonic()
    assert max(await all_refuse(system.replicas, other.key)) - answered < 30


async def test_r45_refused_in_time_by_a_replica_whose_link_is_a_black_hole(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R45: the other three hear of it, the one does not."""
    monkeypatch.setattr(auth_client, "POSITIVE", STANDS)
    target = system.keys[1]
    assert await system.use(target) == [200] * 4
    system.its_link.blackhole()
    deaf, *others = await refused_in_time(system, target, within=STANDS)
    assert max(others) < deaf
    system.its_link.heal()
    assert deaf > 1.0, "the fault was none"


async def test_r45_refused_in_time_when_auth_is_killed_right_after(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R45: the message is with the commit, so it leaves when auth is back; until then a known key goes on (R49)."""
    monkeypatch.setattr(auth_client, "POSITIVE", STANDS_WITH_RESTART)
    target = system.keys[1]
    assert await system.use(target) == [200] * 4
    system.all_links.blackhole()  # so that the relay is not faster than the kill
    answered = await system.revoke(target)
    await asyncio.to_thread(system.auth.kill)
    system.all_links.heal()
    assert await system.use(target) == [200] * 4
    await asyncio.to_thread(system.auth.start)
    assert max(await all_refuse(system.replicas, target.key)) - answered <= STANDS_WITH_RESTART + POLLING
