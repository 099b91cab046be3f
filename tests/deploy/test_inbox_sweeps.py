"""What goes by itself of what visitors sent, and of what was sent about it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.deploy import sweeps
from tests.support.deploying import Deploy
from tests.support.inbox import add, url
from tests.support.publishing import fetch, tables, upkeep_of, value

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def test_r85_spam_is_kept_thirty_days_and_then_gone_tests_too(deploy: Deploy, key: str, site: Site) -> None:
    """R85: what is held can be looked at and rescued for a month; what is accepted stays."""
    for status in ("accepted", "spam", "test"):
        for days in (29.9, 30.1, 400):
            await add(deploy, site, {"a": days}, status=status, created_at=ago(days))
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.retire_held() == 4
        assert await upkeep.retire_held() == 0
    left = await fetch(deploy, "SELECT status, count(*) FROM submissions GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in left] == [("accepted", 3), ("spam", 1), ("test", 1)]
    assert (await deploy.call("GET", url(site, "stats"), key=key)).json["totals"]["spam"] == 1


async def test_each_site_keeps_what_its_owner_wants(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "ROWS", 2)
    other = await deploy.publish(key)
    await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"retention": 7})
    for each in (site, other):
        await add(deploy, each, *({"n": n} for n in range(5)), created_at=ago(8))
        await add(deploy, each, {"a": 1}, status="spam", created_at=ago(6.9))
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.retire_submissions() == 5
    assert (await deploy.submissions(key, other))["total"] == 5
    assert (await deploy.submissions(key, site, "?status=spam"))["total"] == 1


async def test_what_was_sent_is_forgotten_a_month_after_it_is_done(deploy: Deploy, site: Site) -> None:
    """In one transaction: no worker sees what is said to wait."""
    async with tables(deploy) as conn, conn.transaction():
        for days in (29, 31):
            for state in ("pending", "delivered", "failed"):
                name = f"{state}{days}"
                await conn.execute(
                    "INSERT INTO deliveries (id, webhook_id, deployment_id, submission_id, state, attempts, created_at)"
                    " VALUES ($1, 'wh', $2, 'sub', $3, 1, $4)",
                    f"dlv_{name}", site["id"], state, ago(days),
                )  # fmt: skip
                await conn.execute(
                    "INSERT INTO delivery_attempts VALUES ($1, $2, 'wh', 'sub', 1, $3, 200, 1, NULL, '', NULL, 'r')",
                    f"att_{name}", f"dlv_{name}", ago(days),
                )  # fmt: skip
            await conn.execute(
                "INSERT INTO mails VALUES ($1, 'mlg', $2, 'a@b.example', $3)", f"msg_{days}", site["id"], ago(days)
            )
            for mailing in (None, "mlg"):
                await conn.execute(
                    "INSERT INTO notices (submission_id, deployment_id, created_at, mailing_id)"
                    " VALUES ($1, $2, $3, $4)",
                    f"{days}{mailing}",
                    site["id"],
                    ago(days),
                    mailing,
                )
        assert [await sweeps.forget_sent(conn), await sweeps.forget_sent(conn)] == [4, 0]
        assert await conn.fetchval("SELECT array_agg(id ORDER BY id) FROM deliveries") == [
            "dlv_delivered29", "dlv_failed29", "dlv_pending29", "dlv_pending31",
        ]  # fmt: skip
        assert await conn.fetchval("SELECT count(*) FROM delivery_attempts") == 4
        assert await conn.fetchval("SELECT array_agg(id) FROM mails") == ["msg_29"]
        told = await conn.fetchval("SELECT array_agg(submission_id ORDER BY 1) FROM notices")
        assert told == ["29None", "29mlg", "31None"]


async def test_days_are_forgotten_after_two_years_at_every_site(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "ROWS", 2)
    sites = [site, *[await deploy.publish(key) for _ in range(4)]]
    for each in sites:
        for days in (1, 729, 732):
            day = datetime.now(UTC).date() - timedelta(days=days)
            await fetch(deploy, "INSERT INTO form_ledger VALUES ($1, $2, '', 'accepted', '', 0, 1)", each["id"], day)
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.forget_days() == 5
    assert await value(deploy, "SELECT count(*) FROM form_ledger") == 10
    oldest: date = await value(deploy, "SELECT min(day) FROM form_ledger")
    assert oldest >= datetime.now(UTC).date() - timedelta(days=730)
