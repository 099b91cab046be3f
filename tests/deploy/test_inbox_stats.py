"""What came to a site's forms on each day, and what became of it: counted when it came, whatever happens later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.deploy.store import ledgers
from tests.support.deploying import Deploy
from tests.support.inbox import add, url
from tests.support.publishing import fetch

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def stats(deploy: Deploy, key: str, site: Site, query: str = "") -> Any:
    answer = await deploy.call("GET", url(site, "stats") + query, key=key)
    assert answer.status == 200, answer.text
    return answer.json


async def test_every_day_is_there_oldest_first_in_utc(deploy: Deploy, key: str, site: Site) -> None:
    days = (await stats(deploy, key, site))["days"]
    today = datetime.now(UTC).date()
    assert [day["day"] for day in days] == [(today - timedelta(days=29 - n)).isoformat() for n in range(30)]
    assert days[0] == {"day": days[0]["day"], "accepted": 0, "held": 0, "dropped": 0, "reasons": {}}
    assert len((await stats(deploy, key, site, "?days=365"))["days"]) == 365
    for query in ("days=0", "days=366", "days=x", f"form={'x' * 101}"):
        assert (await deploy.call("GET", f"{url(site, 'stats')}?{query}", key=key)).status == 422


async def test_what_came_is_counted_by_outcome_and_reason(deploy: Deploy, key: str, site: Site) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await add(deploy, site, {"a": 1}, created_at=yesterday)
    await add(deploy, site, {"a": 1}, created_at=yesterday, form="contact")
    for reason in ("honeypot", "honeypot", "links"):
        await add(deploy, site, {"a": 1}, status="spam", spam_reason=reason)
    await add(deploy, site, {"a": 1}, status="test")
    await fetch(
        deploy, "INSERT INTO form_ledger SELECT $1, (now() AT TIME ZONE 'UTC')::date, '', 'dropped', 'rate_limited',"
        " n, 2 FROM generate_series(0, 1) n", site["id"],
    )  # fmt: skip
    found = await stats(deploy, key, site, "?days=2")
    assert [{**day, "day": ""} for day in found["days"]] == [
        {"day": "", "accepted": 2, "held": 0, "dropped": 0, "reasons": {}},
        {"day": "", "accepted": 0, "held": 3, "dropped": 4,
         "reasons": {"dropped.rate_limited": 4, "held.honeypot": 2, "held.links": 1}},
    ]  # fmt: skip
    assert found["forms"] == ["", "contact"]
    assert found["totals"] == {"accepted": 2, "spam": 3, "unread": 2}
    of_one = await stats(deploy, key, site, "?days=2&form=contact")
    assert [day["accepted"] for day in of_one["days"]] == [1, 0]


async def test_the_ledger_stays_whatever_is_deleted_or_rescued(deploy: Deploy, key: str, site: Site) -> None:
    held, accepted = await add(deploy, site, {"a": 1}, status="spam"), await add(deploy, site, {"a": 1})
    await deploy.call("PATCH", url(site, held[0]), key=key, json={"status": "accepted"})
    await deploy.call("DELETE", url(site, accepted[0]), key=key)
    found = await stats(deploy, key, site, "?days=1")
    assert [(day["accepted"], day["held"]) for day in found["days"]] == [(1, 1)]
    assert found["totals"] == {"accepted": 1, "spam": 0, "unread": 1}


async def test_unread_is_counted_as_far_as_it_is_cheap(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "UNREAD", 2)
    await add(deploy, site, {"a": 1}, {"a": 2}, {"a": 3})
    assert (await stats(deploy, key, site))["totals"] == {"accepted": 3, "spam": 0, "unread": 2}
