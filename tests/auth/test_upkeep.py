"""What auth does by itself: notices of keys that end, purges, and jobs that outlive their failures."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator

import pytest

from services.auth import worker
from services.auth.service import upkeep as module
from services.auth.service.upkeep import Upkeep
from shared import db, logs, outbox
from shared import jobs as shared_jobs
from shared.errors import Unavailable
from shared.events import KeyExpiringMail
from shared.jobs import Job
from tests.support.auth import RecordingBus
from tests.support.eventually import eventually


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[db.Pool]:
    async with db.pool(database_url, "auth", size=4) as opened:
        await opened.execute("INSERT INTO accounts (id, email) VALUES ('acc_1', 'a@example.com')")
        yield opened


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
async def upkeep(pool: db.Pool, bus: RecordingBus) -> AsyncIterator[Upkeep]:
    async with outbox.open_outbox(pool, bus) as box:
        yield Upkeep(pool, box, app_url="https://app.example")


async def add_key(pool: db.Pool, name: str, *, made: str, ends: str | None, more: str = "") -> None:
    """Add a key that was made so long ago and ends in so long."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    await pool.execute(
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via, created_at, expires_at)"
        " VALUES ($1, 'acc_1', $2, $1, 'h', '{full}', 'api', now() - $3::text::interval, now() + $4::text::interval)",
        name, digest, made, ends,
    )  # fmt: skip
    if more:
        await pool.execute(f"UPDATE keys SET {more} WHERE id = $1", name)


async def test_an_account_is_told_once_of_a_key_that_ends_within_a_week(
    pool: db.Pool, bus: RecordingBus, upkeep: Upkeep
) -> None:
    await add_key(pool, "soon", made="30 days", ends="6 days")
    await add_key(pool, "later", made="30 days", ends="8 days")
    await add_key(pool, "never", made="30 days", ends=None)
    await add_key(pool, "short", made="1 day", ends="5 days")
    await add_key(pool, "over", made="30 days", ends="-1 days")
    await add_key(pool, "revoked", made="30 days", ends="1 day", more="revoked_at = now()")
    await add_key(pool, "replaced", made="30 days", ends="1 day", more="replaced_by = 'never'")
    assert [await upkeep.notice_expiring_keys() for _ in range(2)] == [1, 0]
    (mail,) = await eventually(lambda: bus.events(KeyExpiringMail))
    assert (mail.to, mail.name, mail.hint) == ("a@example.com", "soon", "h")
    assert mail.dashboard_url == "https://app.example/dashboard"
    assert bus.published[0].expires_at == mail.expires_at, "a notice that comes after the end is none"


async def test_a_deleted_account_is_told_nothing(pool: db.Pool, upkeep: Upkeep) -> None:
    await add_key(pool, "soon", made="30 days", ends="6 days")
    await pool.execute("UPDATE accounts SET deleted_at = now()")
    assert await upkeep.notice_expiring_keys() == 0


async def test_many_workers_tell_each_key_once(
    pool: db.Pool, bus: RecordingBus, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    for number in range(40):
        await add_key(pool, f"k{number}", made="30 days", ends="6 days")
    counts = await asyncio.gather(*(upkeep.notice_expiring_keys() for _ in range(3)))
    counts.append(await upkeep.notice_expiring_keys())
    assert sum(counts) == 40
    await eventually(lambda: len(bus.events(KeyExpiringMail)) == 40)
    assert len({mail.name for mail in bus.events(KeyExpiringMail)}) == 40


async def test_a_notice_that_fails_is_not_noted_as_sent(
    pool: db.Pool, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise Unavailable

    await add_key(pool, "soon", made="30 days", ends="6 days")
    with monkeypatch.context() as patched:
        patched.setattr("shared.outbox.add", fail)
        with pytest.raises(Unavailable):
            await upkeep.notice_expiring_keys()
    assert await upkeep.notice_expiring_keys() == 1


async def add_login(pool: db.Pool, name: str, *, made: str, ends: str, ended: str | None = None) -> None:
    await pool.execute(
        "INSERT INTO logins (id, kind, verifier_digest, user_code, client_name, client_version, client_host, ip,"
        " created_at, expires_at, ended_at) VALUES ($1, 'client', '', '', '', '', '', '', now() - $2::text::interval,"
        " now() + $3::text::interval, now() - $4::text::interval)",
        name, made, ends, ended,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO login_codes (login_id, email, salt, code_digest, link_digest, expires_at)"
        " VALUES ($1, '', '', '', $1, now())",
        name,
    )


async def test_old_logins_go_with_their_codes(pool: db.Pool, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    await add_login(pool, "open", made="5 minutes", ends="5 minutes")
    await add_login(pool, "yesterday", made="23 hours", ends="-22 hours")
    for number in range(5):
        await add_login(pool, f"old{number}", made="26 hours", ends="-25 hours")
    await add_login(pool, "ended", made="26 hours", ends="-23 hours", ended="25 hours")
    assert [await upkeep.purge_logins() for _ in range(2)] == [6, 0]
    for column, table in (("id", "logins"), ("login_id", "login_codes")):
        left = await pool.fetch(f"SELECT {column} FROM {table} ORDER BY 1")
        assert [row[0] for row in left] == ["open", "yesterday"]


async def test_what_no_limit_counts_and_dead_sessions_go(pool: db.Pool, upkeep: Upkeep) -> None:
    await pool.execute(
        "INSERT INTO code_mails (mailbox, created_at) VALUES"
        " ('new', now() - interval '23 hours'), ('old', now() - interval '25 hours')"
    )
    sessions = {"live": (1, None), "expired": (40, None), "long over": (61, None), "revoked": (40, 35), "just": (40, 5)}
    for name, (made, revoked) in sessions.items():
        await pool.execute(
            "INSERT INTO sessions (id, account_id, digest, created_at, expires_at, revoked_at) VALUES ($1, 'acc_1', $1,"
            " now() - $2 * interval '1 day', now() + (30 - $2) * interval '1 day', now() - $3 * interval '1 day')",
            name, made, revoked,
        )  # fmt: skip
    assert (await upkeep.purge_code_mails(), await upkeep.purge_sessions()) == (1, 2)
    assert await pool.fetchval("SELECT array_agg(mailbox) FROM code_mails") == ["new"]
    assert await pool.fetchval("SELECT array_agg(id ORDER BY id) FROM sessions") == ["expired", "just", "live"]


async def test_a_failing_job_is_tried_again_and_does_not_stop_the_others() -> None:
    out = io.StringIO()
    logs.configure("auth", out=out, json=True)
    runs = {"away": 0, "broken": 0, "fine": 0}

    def job(name: str, error: Exception | None) -> Job:
        async def run() -> int:
            runs[name] += 1
            if error is not None:
                raise error
            return 1

        return Job(name=name, seconds=0.01, run=run)

    jobs = [job("away", Unavailable()), job("broken", RuntimeError("x")), job("fine", None)]
    async with shared_jobs.working(jobs):
        await eventually(lambda: min(runs.values()) >= 3)
    told = out.getvalue()
    assert '"job.failed"' in told
    assert '"job.put_off"' in told
    stopped = dict(runs)
    await asyncio.sleep(0.05)
    assert runs == stopped


async def test_every_job_runs_when_the_service_starts(upkeep: Upkeep, pool: db.Pool, bus: RecordingBus) -> None:
    await add_key(pool, "soon", made="30 days", ends="6 days")
    await add_login(pool, "old", made="26 hours", ends="-25 hours")
    async with shared_jobs.working(worker.jobs(upkeep)):
        await eventually(lambda: bus.events(KeyExpiringMail))
        await eventually(lambda: pool.fetchval("SELECT count(*) = 0 FROM logins"))
