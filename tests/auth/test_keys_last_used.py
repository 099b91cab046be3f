"""When a key was used last: seen soon, written seldom, lost by no outage (R52)."""

import timeit
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.auth.service import last_used
from services.auth.service.last_used import LastUsed
from services.auth.store import last_used as store
from shared import credentials, db
from shared.errors import Unavailable
from tests.support.auth import TOKEN, Auth, an_address, running_auth
from tests.support.eventually import eventually
from tests.support.keys import a_key, cookie

SEEN = b'{"ip":"192.0.2.7","client":"curl/8"}'


@pytest.fixture
async def key(auth: Auth) -> str:
    return await auth.log_in(an_address())


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Counted(LastUsed):
    """Notes and writes by a clock of the test's, and counts statements."""

    def __init__(self, pool: db.Pool) -> None:
        self.time = Clock()
        super().__init__(pool, clock=self.time)
        self.pool = pool


@pytest.fixture
async def noted(database_url: str) -> AsyncIterator[Counted]:
    async with db.pool(database_url, "auth") as pool:
        await pool.execute("INSERT INTO accounts (id, email) VALUES ('acc_1', 'a@example.com')")
        await pool.execute(
            "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via)"
            " SELECT 'key_' || n, 'acc_1', n::text, '', '', '{full}', 'api' FROM generate_series(1, 3000) n"
        )
        yield Counted(pool)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the statements, by how many rows each had."""
    write, counted = store.write, []

    async def count(conn: db.Connection, kind: Any, uses: Any) -> None:
        counted.append(len(uses))
        await write(conn, kind, uses)

    monkeypatch.setattr(store, "write", count)
    return counted


async def test_r52_ten_thousand_uses_of_a_key_are_two_writes_a_minute(noted: Counted, writes: list[int]) -> None:
    """R52: 10,000 uses over a minute, looked at every second; the last of them is not lost."""
    for second in range(60):
        for _ in range(167):
            noted.time.now += 1 / 167
            noted.note("key", "key_1", SEEN)
        await noted.flush()
        if second == 0:
            assert writes == [1], "the first use is there at once"
    assert writes == [1, 1]
    await noted.flush(all_of_it=True)
    moment = await noted.pool.fetchval("SELECT extract(epoch FROM last_used_at)::float FROM keys WHERE id = 'key_1'")
    assert moment == pytest.approx(noted.time.now, abs=0.001)


async def test_r52_nothing_used_is_nothing_written(noted: Counted, writes: list[int]) -> None:
    noted.note("key", "key_1", SEEN)
    for _ in range(100):
        noted.time.now += 1
        await noted.flush()
    assert writes == [1]


async def test_many_keys_are_written_together(noted: Counted, writes: list[int]) -> None:
    for number in range(1, 3001):
        noted.note("key", f"key_{number}", SEEN)
    noted.note("key", "key_gone", SEEN)
    await noted.flush()
    assert writes == [500] * 6 + [1]
    row = await noted.pool.fetchrow("SELECT count(last_used_at) AS used, min(last_used_client) AS client FROM keys")
    assert row is not None
    assert tuple(row) == (3000, "curl/8")


async def test_what_the_database_did_not_take_is_written_later_and_does_not_pile_up(
    noted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(last_used, "MAX_NOTED", 10)
    with monkeypatch.context() as patched:
        patched.setattr(store, "write", away)
        for round_ in range(3):
            for number in range(1, 31):
                noted.note("key", f"key_{number}", b'{"ip":"192.0.2.%d"}' % round_)
            with pytest.raises(Unavailable):
                await noted.flush()
        assert len(noted._noted["key"]) == 10
    await noted.flush()
    assert await noted.pool.fetchval("SELECT count(*) FROM keys WHERE last_used_ip = '192.0.2.2'") == 10
    assert noted._noted == {"key": {}, "session": {}}


async def test_an_older_use_does_not_overwrite_a_newer_one(noted: Counted) -> None:
    """Another process may have written meanwhile."""
    noted.note("key", "key_1", SEEN)
    await noted.pool.execute("UPDATE keys SET last_used_at = '2100-01-01', last_used_ip = 'newer' WHERE id = 'key_1'")
    await noted.flush()
    assert await noted.pool.fetchval("SELECT last_used_ip FROM keys WHERE id = 'key_1'") == "newer"


NONSENSE = [
    b"",
    b"{",
    b"[]",
    b"1",
    b'{"ip":1,"client":[]}',
    b'{"ip":"a\\u0000","client":"b\\n"}',
    b"\xff\xfe",
    b"x" * 3000,
]


async def test_nonsense_about_the_place_does_not_hide_the_time(noted: Counted) -> None:
    for number, seen in enumerate(NONSENSE, 1):
        noted.note("key", f"key_{number}", seen)
    await noted.flush()
    rows = await noted.pool.fetch("SELECT last_used_ip, last_used_client FROM keys WHERE last_used_at IS NOT NULL")
    assert [tuple(row) for row in rows] == [(None, None)] * len(NONSENSE)


async def test_what_is_long_is_cut(noted: Counted) -> None:
    noted.note("key", "key_1", b'{"ip":"%s","client":"%s"}' % (b"1" * 100, b"c" * 1000))
    await noted.flush()
    row = await noted.pool.fetchrow(
        "SELECT length(last_used_ip), length(last_used_client) FROM keys WHERE id = 'key_1'"
    )
    assert row is not None
    assert tuple(row) == (45, 200)


def test_noting_a_use_costs_less_than_a_microsecond() -> None:
    noted = LastUsed(None)  # type: ignore[arg-type]  # nothing is written
    best = min(timeit.repeat(lambda: noted.note("key", "key_1", SEEN), number=10_000, repeat=5)) / 10_000
    assert best < 1e-6


async def test_a_key_shows_its_first_use_within_seconds(auth: Auth, key: str) -> None:
    """By auth's own API, and by deploy, which says for whom it asks."""
    made, other = await a_key(auth, key), await a_key(auth, key)
    assert made["last_used_at"] is None
    await auth.call("GET", "/auth/me", key=made["key"], headers={"User-Agent": "tests/1"})
    question = b'{"digest":"%s","seen":%s}' % (credentials.digest(other["key"]).encode(), SEEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    await auth.call("POST", f"{auth.internal_url}/internal/verify", data=question, headers=headers)

    async def both() -> list[Any]:
        shown = [(await auth.call("GET", f"/keys/{each['id']}", key=key)).json for each in (made, other)]
        return shown if all(row["last_used_at"] for row in shown) else []

    first, second = await eventually(both, within=10)
    assert (first["last_used_ip"], first["last_used_client"]) == ("127.0.0.1", "tests/1")
    assert (second["last_used_ip"], second["last_used_client"]) == ("192.0.2.7", "curl/8")


async def test_a_browser_shows_when_it_was_seen(auth: Auth) -> None:
    browser = auth.browser()
    await browser.log_in(an_address())
    await auth.db.execute("UPDATE sessions SET last_seen_at = now() - interval '1 day', last_seen_ip = ''")
    await auth.call("GET", "/auth/me", headers=cookie(browser))
    seen = "SELECT last_seen_ip = '127.0.0.1' AND last_seen_at > now() - interval '1 minute' FROM sessions"
    await eventually(lambda: auth.db.fetchval(seen), within=10)


async def test_what_is_noted_when_the_process_ends_is_written(database_url: str) -> None:
    async with running_auth(database_url) as auth:
        made = await a_key(auth, await auth.log_in(an_address()))
        await auth.call("GET", "/auth/me", key=made["key"])
    conn = await asyncpg.connect(database_url)
    assert await conn.fetchval("SELECT last_used_at IS NOT NULL FROM auth.keys WHERE id = $1", made["id"]) is True
    await conn.close()


async def test_a_refused_credential_is_not_noted(auth: Auth, key: str) -> None:
    made = await a_key(auth, key)
    await auth.call("DELETE", f"/keys/{made['id']}", key=key)
    await auth.call("GET", "/auth/me", key=made["key"])
    used = "SELECT count(*) FROM keys WHERE last_used_at IS NOT NULL"
    await eventually(lambda: auth.db.fetchval(used), within=10)
    assert await auth.db.fetchval(used) == 1
