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


async def test_who_was_told_is_forgotten_with_the_mails_and_what_waits_is_not(deploy: Deploy, site: Site) -> None:
    """In one transaction: nobody tells meanwhile what waits."""
    async with tables(deploy) as conn, conn.transaction():
        for days in (89, 91):
            for mailing in (None, "mlg"):
                await conn.execute(
                    "INSERT INTO notices (submission_id, deployment_id, created_at, mailing_id)"
                    " VALUES ($1, $2, $3, $4)",
                    f"{days}{mailing}", site["id"], ago(days), mailing,
                )  # fmt: skip
        assert [await sweeps.forget_notices(conn), await sweeps.forget_notices(conn)] == [1, 0]
        told = await conn.fetchval("SELECT array_agg(submission_id ORDER BY 1) FROM notices")
        assert told == ["89None", "89mlg", "91None"]


async def test_days_are_forgotten_after_two_years_at_every_site(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "ROWS", 2)
    sites = [site, *[await deploy.publish(key) for _ in range(4)]]
    # in one transaction: the service's own worker, which begins with a round, finds none of them before
    async with tables(deploy) as conn, conn.transaction():
        for each in sites:
            for days in (1, 729, 732):
                day = datetime.now(UTC).date() - timedelta(days=days)
                await conn.execute("INSERT INTO form_ledger VALUES ($1, $2, '', 'accepted', '', 0, 1)", each["id"], day)
        gone = 0
        last: str | None = ""
        while last is not None:
            count, last = await sweeps.forget_days(conn, last)
            gone += count
        assert gone == 5
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.forget_days() == 0
    assert await value(deploy, "SELECT count(*) FROM form_ledger") == 10
    oldest: date = await value(deploy, "SELECT min(day) FROM form_ledger")
    assert oldest >= datetime.now(UTC).date() - timedelta(days=730)
