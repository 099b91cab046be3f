"""R29: the database restarts under traffic; what was answered is there once, and all is well soon after."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from shared import db
from tests.conftest import SERVICES
from tests.support import servers
from tests.support.auth import Auth, an_address, running_auth
from tests.support.eventually import eventually
from tests.support.keys import works
from tests.support.servers.postgres import run_sync
from tests.support.timing import once_within

#: Requests a second, half of them changes, and for how many seconds.
RATE = 200
LASTING = 6.0
#: Seconds after the database is back in which an answer may still be a 5xx.
SOON = 3.0


@pytest.fixture
def victim() -> Iterator[servers.Postgres]:
    """Give a server to crash, with auth's database on it, that keeps what it committed."""
    with servers.private_postgres() as server:
        server.execute("ALTER ROLE ALL SET synchronous_commit = on")
        for service in SERVICES:
            run_sync(db.migrate(server.dsn, service))
        yield server


@dataclass(slots=True)
class Traffic:
    """What was sent and what came of it: the moment, and the status; by the name of the key for changes."""

    auth: Auth
    key: str
    names: str
    answers: list[tuple[float, int]] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Send at a constant rate, whatever the answers."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in itertools.takewhile(lambda n: n / RATE < LASTING, itertools.count()):
                await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
                group.create_task(self.change(f"{self.names}{number}") if number % 8 == 0 else self.look())

    async def look(self) -> None:
        answer = await self.auth.call("GET", "/keys?limit=1", key=self.key)
        self.answers.append((time.monotonic(), answer.status))

    async def change(self, name: str) -> None:
        """Make a key, and once more under the same Idempotency-Key when nobody knows whether it was made."""
        for _ in range(2):
            answer = await self.auth.call(
                "POST", "/keys", key=self.key, json={"name": name}, headers={"Idempotency-Key": name}
            )
            self.answers.append((time.monotonic(), answer.status))
            if answer.status == 201:
                self.made.add(name)
                return
            await asyncio.sleep(1)


@pytest.mark.alone
async def test_r29_a_restart_of_the_database_costs_seconds_and_nothing_twice(victim: servers.Postgres) -> None:
    """R29: 5xx until the database is back and 3 s more, never anything else; no change is lost or made twice."""
    async with running_auth(victim.dsn) as auth:
        key, tries = await auth.log_in(an_address()), itertools.count()

        async def until_all_is_well() -> float:
            traffic = Traffic(auth, key, f"try {next(tries)}, key ")
            running = asyncio.create_task(traffic.run())
            await eventually(lambda: len(traffic.made) > 20)
            await asyncio.to_thread(victim.crash)
            await eventually(lambda: asyncio.to_thread(victim.answers))
            back = time.monotonic()
            await running
            assert {status for _, status in traffic.answers} == {200, 201, 503}, "no crash, or another fault"
            rows = await auth.db.fetch("SELECT name FROM keys WHERE starts_with(name, $1)", traffic.names)
            made = [row["name"] for row in rows]
            assert len(made) == len(set(made))
            assert traffic.made <= set(made)
            return max(at for at, status in traffic.answers if status >= 500) - back

        await once_within(SOON, until_all_is_well)


async def test_r29_a_look_up_whose_connection_breaks_is_made_once_more(auth: Auth) -> None:
    key = await auth.log_in(an_address())
    async with auth.db.acquire() as blocker:
        await blocker.execute("BEGIN; LOCK TABLE auth.keys IN ACCESS EXCLUSIVE MODE")
        looking = asyncio.create_task(works(auth, key))
        await eventually(lambda: breaks(blocker))
        await blocker.execute("ROLLBACK")
    assert await looking


async def breaks(conn: asyncpg.pool.PoolConnectionProxy) -> bool:
    """Break the connections that wait for a lock, and tell whether there were any."""
    return bool(await conn.fetch("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"))
