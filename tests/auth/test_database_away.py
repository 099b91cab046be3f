"""R30: the link to the database swallows everything; every request is answered in time, and all comes back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared import db
from shared.errors import Unavailable
from tests.support.auth import Auth, an_address, running_auth
from tests.support.eventually import eventually
from tests.support.keys import works
from tests.support.proxy import Proxy, between
from tests.support.timing import once_within

#: Statements are given up five times as fast as otherwise.
HURRY = 5
#: What 20 requests at once take on a busy machine.
SLACK = 0.5


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(db.COMMAND_TIMEOUT, db.ACQUIRE_TIMEOUT) + db.RELEASE_TIMEOUT <= 5
    for name in ("COMMAND_TIMEOUT", "ACQUIRE_TIMEOUT", "RELEASE_TIMEOUT"):
        monkeypatch.setattr(db, name, getattr(db, name) / HURRY)


@asynccontextmanager
async def swallowed(link: Proxy) -> AsyncIterator[None]:
    """Let nothing through while the context is open."""
    link.blackhole()
    try:
        yield
    finally:
        link.heal()


async def test_r30_over_a_black_hole_every_request_is_answered_in_time(database_url: str) -> None:
    """R30: 503 within 5 s, whoever holds how many connections; healthy within 5 s once the link is."""
    async with between(database_url) as link, running_auth(link.url) as auth:
        key = await auth.log_in(an_address())
        async with swallowed(link):

            async def longest() -> float:
                return max(await asyncio.gather(*(refused(auth, key, number) for number in range(20))))

            await once_within(5 / HURRY + SLACK, longest)
        healed = time.monotonic()
        await eventually(lambda: works(auth, key))
        assert time.monotonic() - healed <= 5


async def test_r30_nobody_waits_for_the_end_of_a_transaction_that_cannot_be_ended(database_url: str) -> None:
    """R30: a rollback would wait for as long as the statement did."""
    async with between(database_url) as link, db.pool(link.url, "auth") as pool:

        async def lose() -> None:
            async with db.transaction(pool) as conn:
                link.blackhole()
                await conn.fetchval("SELECT 1")

        async def measure() -> float:
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await lose()
            link.heal()
            return time.monotonic() - began

        await once_within(5 / HURRY + SLACK, measure)
        assert await pool.fetchval("SELECT 1") == 1


async def refused(auth: Auth, key: str, number: int) -> float:
    """Look at keys, or make one; return how long the 503 took."""
    began = time.monotonic()
    method, given = ("GET", {}) if number % 2 else ("POST", {"json": {"name": f"n{number}"}})
    answer = await auth.call(method, "/keys", key=key, **given)
    assert answer.status == 503, answer.text
    return time.monotonic() - began
