"""R89 on the real thing: the machine of keys and cache, with auth's own service and tables behind it.

The tables' time is the machine's: a function `now` of the test's own goes before PostgreSQL's.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import asyncpg
import orjson
import pytest
from hypothesis import settings

from services.auth.keys import NewKey
from services.auth.service.checks import Checks
from services.auth.service.keys import Keys
from services.auth.service.last_used import LastUsed
from shared import db, ids
from shared.auth_client import Caller
from shared.events import CredentialsChanged, Envelope, Event, KeyRevoked
from shared.outbox import Outbox
from shared.relay import Relay
from tests.support.clock import Clock
from tests.support.fake_bus import FakeBus
from tests.support.key_machine import SEARCH, THOROUGH, KeysAndCache, examine

#: `now` as the machine has it; what PostgreSQL itself does goes by its own clock.
NOW = """
CREATE TABLE auth.machine_clock (at timestamptz NOT NULL);
INSERT INTO auth.machine_clock VALUES (now());
CREATE FUNCTION auth.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM auth.machine_clock';
"""
QUICK = settings(THOROUGH, max_examples=60, stateful_step_count=50)


@dataclass
class Real:
    """auth's keys, for one account that nobody had before."""

    loop: asyncio.AbstractEventLoop
    pool: db.Pool
    clock: Clock
    key_ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = ids.new_id("acc")
        email = f"{self.account}@x.example"
        self.loop.run_until_complete(
            self.pool.execute(
                "INSERT INTO accounts (id, email, plan) VALUES ($1, $2, 'free')",
                self.account,
                f"{self.account}@x.example",
            )
        )
        session = ids.new_id("ses")
        self.loop.run_until_complete(
            self.pool.execute(
                "INSERT INTO sessions (id, account_id, digest, ip, client, last_seen_ip, expires_at)"
                " VALUES ($1, $2, $1, '::1', '', '::1', 'infinity')",
                session,
                self.account,
            )
        )
        self.checks = Checks(self.pool, LastUsed(self.pool))
        self.keys = Keys(self.pool, Outbox(self.pool, Relay(self.pool, FakeBus())), app_url="http://localhost:8080")
        # a browser: no mail is written for what it does
        self.person = Caller(
            account_id=self.account, email=email, plan="free", kind="session",
            credential_id=session, scopes=frozenset({"full"}),
        )  # fmt: skip

    async def create(self, _plaintext: str, expires_in: float | None) -> str:
        await self._set_clock()
        life = None if expires_in is None else timedelta(seconds=expires_in)
        made = await self.keys.create(self.person, NewKey(name="k", expires_in=life, created_via="test"), ip="::1")
        self.key_ids[made.plaintext] = made.key.id
        return made.plaintext

    async def rotate(self, key: str, grace: float) -> str:
        await self._set_clock()
        made = await self.keys.rotate(
            self.person, self.key_ids[key], grace=timedelta(seconds=grace), expires_in=None, ip="::1"
        )
        self.key_ids[made.plaintext] = made.key.id
        return made.plaintext

    async def revoke(self, key: str, *, by_holder: bool) -> None:
        await self._set_clock()
        if by_holder:
            await self.keys.revoke_held(key, ip="::1")
        else:
            await self.keys.revoke(self.person, self.key_ids[key], ip="::1")

    async def revoke_all(self) -> None:
        await self._set_clock()
        await self.keys.revoke_all(self.person, keep_current=True, ip="::1")

    async def answer(self, question: bytes) -> bytes:
        await self._set_clock()
        caller = await self.checks.check(question[11:75].decode())
        return orjson.dumps({"valid": True, "caller": caller.wire()} if caller else {"valid": False})

    async def take_events(self) -> list[Event]:
        rows = await self.pool.fetch("DELETE FROM outbox RETURNING envelope")
        events = [Envelope.model_validate(row["envelope"]).event() for row in rows]
        return [event for event in events if isinstance(event, KeyRevoked | CredentialsChanged)]

    async def _set_clock(self) -> None:
        await self.pool.execute("UPDATE machine_clock SET at = $1", self.clock.moment())


class Silent(Real):
    """Ends all keys and tells nobody."""

    async def revoke_all(self) -> None:
        await super().revoke_all()
        await self.take_events()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Give a loop for all runs of a test."""
    opened = asyncio.new_event_loop()
    yield opened
    opened.close()


@pytest.fixture
def pool(database_url: str, loop: asyncio.AbstractEventLoop) -> Iterator[db.Pool]:
    """Give auth's pool, in which the time is the machine's."""

    async def prepare() -> None:
        conn = await asyncpg.connect(database_url)
        await conn.execute(NOW)
        await conn.close()

    loop.run_until_complete(prepare())
    # before PostgreSQL's own functions, which otherwise come first
    opening = db.pool(database_url, "auth,pg_catalog", size=2)
    yield loop.run_until_complete(opening.__aenter__())
    loop.run_until_complete(opening.__aexit__(None, None, None))


def test_r89_the_services_own_keys_keep_the_promises(loop: asyncio.AbstractEventLoop, pool: db.Pool) -> None:
    """R89, smaller: the rules that the machine takes for granted are those of auth's tables."""
    examine(partial(KeysAndCache, loop, partial(Real, loop, pool)), QUICK)


@pytest.mark.parametrize("planted", [Silent])
def test_r89_the_machine_finds_a_fault_of_the_service(
    loop: asyncio.AbstractEventLoop, pool: db.Pool, planted: Callable[..., Real]
) -> None:
    with pytest.raises(AssertionError, match="no cache would hear of"):
        examine(partial(KeysAndCache, loop, partial(planted, loop, pool)), settings(SEARCH, max_examples=25))
