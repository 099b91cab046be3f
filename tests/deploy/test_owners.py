"""What deploy makes of accounts that change, end and come back: by their revisions, whatever arrives when."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.deploy import owners
from services.deploy.service import upkeep
from shared import db, outbox
from shared.auth_client import Caller
from shared.events import AccountChanged, AccountDeleted, Audited, Envelope, Event, SiteChanged
from shared.ids import new_id
from tests.support.deploying import Deploy
from tests.support.eventually import eventually

SOON = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
async def pool(deploy: Deploy) -> AsyncIterator[db.Pool]:
    """Give connections to the service's tables."""
    async with db.pool(deploy.database_url, "deploy", size=4) as opened:
        yield opened


@pytest.fixture
def account() -> str:
    """Give an account's id."""
    return new_id("acc")


def changed(account: str, revision: int) -> AccountChanged:
    return AccountChanged(account_id=account, email=f"r{revision}@example.com", plan="free", revision=revision)


def deleted(account: str, revision: int) -> AccountDeleted:
    return AccountDeleted(account_id=account, revision=revision, ends_at=SOON)


def seen(account: str, revision: int) -> Caller:
    return Caller(
        account_id=account, email=f"r{revision}@example.com", plan="free", kind="key", credential_id="key_x",
        scopes=frozenset({"full"}), revision=revision,
    )  # fmt: skip


async def known(pool: db.Pool, account: str) -> tuple[Any, ...] | None:
    row = await pool.fetchrow("SELECT email, revision, ends_at FROM accounts WHERE id = $1", account)
    return tuple(row) if row else None


async def hear(pool: db.Pool, fact: AccountChanged | AccountDeleted | Caller) -> None:
    async with db.transaction(pool) as conn:
        match fact:
            case AccountChanged():
                await owners.change(conn, fact)
            case AccountDeleted():
                await owners.end(conn, fact)
            case Caller():
                await owners.keep(conn, fact)


async def test_in_any_order_and_however_often_the_newest_fact_stands(pool: db.Pool) -> None:
    """A caller that a cache remembers is a fact of its revision too, and no news when it is old."""
    for order in itertools.permutations(range(4)):
        account = new_id("acc")
        facts = (seen(account, 1), changed(account, 2), deleted(account, 3), changed(account, 4))
        for number in (*order, *order[:2]):
            await hear(pool, facts[number])
        assert await known(pool, account) == ("r4@example.com", 4, None)


async def test_an_old_caller_neither_renames_nor_revives_a_deleted_account(pool: db.Pool, account: str) -> None:
    await hear(pool, changed(account, 2))
    await hear(pool, deleted(account, 3))
    for revision in (1, 2, 3):
        await hear(pool, seen(account, revision))
    row = await known(pool, account)
    assert row is not None
    assert row[1:] == (3, SOON)
    await hear(pool, seen(account, 4))
    assert await known(pool, account) == ("r4@example.com", 4, None), "who logged in again is back"


async def test_notices_go_to_the_new_address(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    account = deploy.auth.account(key)
    await deploy.bus.publish(Envelope.of(changed(account, 7)))
    deploy.bus.gap()
    await deploy.submit(site, json={"name": "Ada"})
    assert (await eventually(lambda: deploy.bus.notices))[0].to == "r7@example.com"


async def test_r51_publishes_and_deletes_are_told_to_the_audit_trail(deploy: Deploy, key: str) -> None:
    """R51: in the transaction of the change: by whom, with what, from where."""
    site = await deploy.publish(key, slug="bakery")
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<p>2</p>"})
    cookie = deploy.auth.session(account=deploy.auth.account(key))
    headers = {"Cookie": f"invoker_session={cookie}", "Sec-Fetch-Site": "same-origin"}
    assert (await deploy.call("DELETE", f"/deploy/{site['id']}", headers=headers)).status == 200
    told = await eventually(lambda: found if len(found := audited(deploy)) == 3 else [])
    assert [(event.action, event.detail["version"]) for event in told] == [
        ("site.published", 1), ("site.published", 2), ("site.deleted", 2),
    ]  # fmt: skip
    assert {(event.account_id, event.ip) for event in told} == {(deploy.auth.account(key), "127.0.0.1")}
    assert told[0].key_id == told[0].actor == told[1].actor
    assert told[0].actor.startswith("key_")
    assert (told[2].actor[:4], told[2].key_id) == ("ses_", None)
    assert told[0].detail == {"site": site["id"], "slug": "bakery", "version": 1}


def audited(deploy: Deploy) -> list[Audited]:
    return [event for envelope in deploy.bus.published if isinstance(event := envelope.event(), Audited)]


async def test_what_was_refused_or_repeated_is_not_audited(deploy: Deploy, key: str) -> None:
    once = {"Idempotency-Key": "once"}
    for _ in range(2):
        await deploy.call("POST", "/deploy", key=key, json={"html": "x", "slug": "bakery"}, headers=once)
    assert (await deploy.call("POST", "/deploy", key=key, json={"html": "x", "slug": "bakery"})).status == 409
    assert (await deploy.call("DELETE", f"/deploy/{new_id('dep')}", key=key)).status == 404
    await deploy.publish(key, slug="last")
    told = await eventually(lambda: found if len(found := audited(deploy)) >= 2 else [])
    assert [event.detail["slug"] for event in told] == ["bakery", "last"]


async def leave(deploy: Deploy, pool: db.Pool, key: str, *, ago: str) -> None:
    """Delete the key's account; its sites should have gone this long ago."""
    await deploy.bus.publish(Envelope.of(deleted(deploy.auth.account(key), 2)))
    await pool.execute(
        f"UPDATE accounts SET ends_at = now() - interval '{ago}' WHERE id = $1", deploy.auth.account(key)
    )


async def work(pool: db.Pool, deploy: Deploy) -> int:
    """Do what a replica's worker does at a look."""
    async with outbox.open_outbox(pool, deploy.bus) as messages:
        return await upkeep.end_accounts(messages)


async def test_until_the_week_is_over_sites_stay_up_and_take_forms(deploy: Deploy, key: str, pool: db.Pool) -> None:
    """And an hour longer: what brings the account back may be on its way."""
    site = await deploy.publish(key)
    await deploy.submit(site, json={"name": "Ada"})
    for ago in ("-7 days", "59 minutes"):
        await leave(deploy, pool, key, ago=ago)
        assert await work(pool, deploy) == 0
        deploy.bus.gap()
        assert (await deploy.site(site["slug"])).status == 200
    await deploy.bus.publish(Envelope.of(changed(deploy.auth.account(key), 3)))
    await pool.execute("UPDATE deployments SET updated_at = updated_at - interval '30 days'")
    assert await work(pool, deploy) == 0
    assert (await deploy.submissions(key, site))["total"] == 1


async def test_then_they_are_down_on_every_replica_and_nothing_is_left_but_the_names(
    deploy: Deploy, key: str, pool: db.Pool
) -> None:
    other = deploy.key()
    kept = await deploy.publish(other)
    sites = [await deploy.publish(key, title="Ada's") for _ in range(3)]
    for site in (*sites, kept):
        for number in range(3):
            await deploy.submit(site, json={"name": f"Visitor {number}"})
    await deploy.call("DELETE", f"/deploy/{sites[2]['id']}", key=key)
    await leave(deploy, pool, key, ago="2 hours")
    assert await work(pool, deploy) == 0, "what may be under way settles first"
    for site in sites:
        assert (await deploy.site(site["slug"])).status == 404
        assert (await deploy.submit(site, json={"name": "late"})).status == 404
    assert {site["id"] for site in sites} <= {event.deployment_id for event in site_changes(deploy)}
    system = [event for event in audited(deploy) if event.actor == "system"]
    assert {event.detail["site"] for event in system} == {site["id"] for site in sites[:2]}
    await pool.execute("UPDATE deployments SET deleted_at = deleted_at - interval '2 minutes'")
    assert await work(pool, deploy) == 1
    assert await left(pool, deploy.auth.account(key)) == (0, 0, 0, "", None)
    assert await left(pool, deploy.auth.account(other)) == (1, 3, 1, deploy.auth.email(other), None)
    taken = await deploy.call("POST", "/deploy", key=other, json={"html": "x", "slug": sites[0]["slug"]})
    assert taken.status == 409


def site_changes(deploy: Deploy) -> list[SiteChanged]:
    return [event for envelope in deploy.bus.published if isinstance(event := envelope.event(), SiteChanged)]


async def left(pool: db.Pool, account: str) -> tuple[Any, ...]:
    """Return what there is of an account: versions, submissions, settings and live sites, address, end."""
    row = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM versions JOIN deployments d ON d.id = deployment_id WHERE d.account_id = a.id),"
        " (SELECT count(*) FROM submissions s JOIN deployments d ON d.id = s.deployment_id WHERE d.account_id = a.id),"
        " (SELECT count(*) FROM deployments d WHERE d.account_id = a.id"
        "  AND (settings <> '{}' OR live_version IS NOT NULL)), email, ends_at FROM accounts a WHERE a.id = $1",
        account,
    )
    assert row is not None
    return tuple(row.values())


async def test_many_replicas_and_crashes_end_each_account_once(
    deploy: Deploy, pool: db.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "SITES", 1)
    monkeypatch.setattr(owners, "ROWS", 2)
    keys = [deploy.key() for _ in range(3)]
    for key in keys:
        for _ in range(2):
            site = await deploy.publish(key)
            for number in range(3):
                await deploy.submit(site, json={"n": str(number)})
        await leave(deploy, pool, key, ago="2 hours")
    await _crash_once(pool, deploy, monkeypatch)
    async with outbox.open_outbox(pool, deploy.bus) as messages:
        assert await asyncio.gather(*(upkeep.end_accounts(messages) for _ in range(3))) == [0, 0, 0]
        await pool.execute("UPDATE deployments SET deleted_at = deleted_at - interval '2 minutes'")
        assert sum(await asyncio.gather(*(upkeep.end_accounts(messages) for _ in range(3)))) == 3
    for key in keys:
        assert await left(pool, deploy.auth.account(key)) == (0, 0, 0, "", None)
    down = [event.detail["site"] for event in audited(deploy) if event.actor == "system"]
    assert len(down) == len(set(down)) == 6


async def _crash_once(pool: db.Pool, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_conn: db.Connection, _event: Event) -> None:
        raise asyncpg.InternalClientError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "add", breaks)
        with pytest.raises(Exception, match="Temporarily unavailable"):
            await work(pool, deploy)
    assert await pool.fetchval("SELECT count(*) FROM deployments WHERE deleted_at IS NOT NULL") == 0
