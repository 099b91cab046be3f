"""The database short of connections, and the process killed in the middle of its work."""

import asyncio
import hashlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from shared import db, rabbitmq
from shared.bus import Delivery
from shared.events import LoginCodeMail
from tests.support.auth import TOKEN, Auth, an_address, running_auth
from tests.support.client import Answer
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.timing import once_within, seconds


@pytest.mark.parametrize("path", ["/auth/session", "/keys", "/login/ls_0000000000000000"])
async def test_r26_with_no_connection_free_a_request_gets_503_soon(
    database_url: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R26: within 2.5 s, with Retry-After, and all is well once connections are free again."""
    assert db.ACQUIRE_TIMEOUT <= 2
    monkeypatch.setattr(db, "ACQUIRE_TIMEOUT", 0.5)  # leaves a busy machine the rest
    async with running_auth(database_url, database_pool_size=1) as auth:
        key = await auth.log_in(an_address())
        async with auth.db.acquire() as blocker:
            await blocker.execute("BEGIN; LOCK TABLE auth.accounts IN ACCESS EXCLUSIVE MODE")
            holding = asyncio.create_task(auth.call("GET", "/auth/me", key=key))
            await eventually(lambda: waits_for_lock(blocker))
            began = time.monotonic()
            answer = await ask(auth, path, key)
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert time.monotonic() - began <= 2.5
            await blocker.execute("ROLLBACK")
        assert (await holding).status in {200, 503}

        async def answered() -> None:
            assert (await ask(auth, path, key)).status in {200, 201, 404}

        await once_within(1, lambda: seconds(answered))


async def ask(auth: Auth, path: str, key: str) -> Answer:
    if path == "/auth/session":
        return await auth.call("POST", path, json={"verifier_hash": "0" * 64})
    return await auth.call("GET", path, key=key)


async def waits_for_lock(conn: asyncpg.pool.PoolConnectionProxy) -> bool:
    return await conn.fetchval("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted") is True


async def test_r33_killed_at_any_moment_every_answered_request_leads_to_its_mail(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path: Path
) -> None:
    """R33: 200 login requests, five kills: an answered 202 has its message, and no message lacks its code's row."""
    process = Process(
        "auth",
        tmp_path,
        INVOKER_DATABASE_URL=database_url,
        INVOKER_AMQP_URL=amqp_url,
        INVOKER_AMQP_PREFIX=bus_prefix.rstrip("."),
        INVOKER_SERVICE_TOKEN=TOKEN,
        INVOKER_RATE_LIMITS="off",
        INVOKER_DEPLOY_INTERNAL_URL="http://127.0.0.1:9",
    )
    mails: Counter[str] = Counter()
    answered: set[str] = set()

    async def note(mail: LoginCodeMail, _delivery: Delivery) -> None:
        mails[mail.link.rpartition("/")[2]] += 1
        arrived.add(mail.to)

    arrived: set[str] = set()
    async with (
        rabbitmq.connect(amqp_url, prefix=bus_prefix.rstrip(".")) as bus,
        bus.consume("mailer", {LoginCodeMail: note}),
    ):
        try:
            await asyncio.to_thread(process.start)
            waiting = [an_address() for _ in range(200)]
            for _ in range(5):
                part, waiting = waiting[:40], waiting[40:]
                callers = asyncio.gather(*(log_in_somehow(process.url, email, answered) for email in part))
                await asyncio.sleep(random.uniform(0.02, 0.25))
                os.kill(process.pid, signal.SIGKILL)
                await callers
                await asyncio.to_thread(process.close)
                await asyncio.to_thread(process.start)
            await log_in_somehow(process.url, an_address(), answered)
            await eventually(lambda: answered <= arrived)
            assert answered
            rows = await link_digests(database_url)
            assert {hashlib.sha256(link.encode()).hexdigest() for link in mails} <= rows
        finally:
            await asyncio.to_thread(process.close)


async def log_in_somehow(url: str, email: str, answered: set[str]) -> None:
    """Start a login and ask for a code; note the address when that was answered with 202."""
    try:
        async with aiohttp.ClientSession(url) as session:
            async with session.post("/auth/session", json={"verifier_hash": "0" * 64}) as response:
                login_id = (await response.json())["session_id"]
            async with session.post("/auth/otp", json={"session_id": login_id, "email": email}) as response:
                await response.read()
                if response.status == 202:
                    answered.add(email)
    except (aiohttp.ClientError, OSError):
        return  # killed before it answered: nothing was promised


async def link_digests(database_url: str) -> set[str]:
    conn = await asyncpg.connect(database_url)
    try:
        return {row["link_digest"] for row in await conn.fetch("SELECT link_digest FROM auth.login_codes")}
    finally:
        await conn.close()
