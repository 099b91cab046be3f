"""R84: who sends too much is told so, costs nobody else anything, and is counted without a write for each post."""

import asyncio
import time
from typing import Any

import pytest

from services.deploy import dropped
from services.deploy.dropped import Dropped, FormNames
from services.deploy.store import drops
from services.deploy.store.sites import Site as Served
from shared import db
from shared.errors import Unavailable
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually
from tests.support.forms import MULTIPART, body, ledger, many_visitors, part, stored, visitor
from tests.support.publishing import change
from tests.support.timing import once_within

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form."""
    return await deploy.publish(key)


async def test_r84_one_visitor_past_their_limit_never_closes_the_form(deploy: Deploy, site: Site) -> None:
    """R84: of 200 posts by one visitor ten are taken, and fifty are left for the others."""
    async with many_visitors(deploy) as behind:
        greedy = [await behind.submit(site, json={}, headers=visitor(0)) for _ in range(200)]
        assert [answer.status for answer in greedy] == [200] * 10 + [429] * 190
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in greedy[10:])
        others = [await behind.submit(site, json={}, headers=visitor(n)) for n in range(1, 52)]
        assert [answer.status for answer in others] == [200] * 50 + [429]


async def test_r84_a_network_is_one_visitor_and_each_form_counts_by_itself(
    deploy: Deploy, key: str, site: Site
) -> None:
    """R84: the /64 of an IPv6 address; another site's form is open to the same visitor."""
    other = await deploy.publish(key)
    async with many_visitors(deploy) as behind:
        same = [await behind.submit(site, json={}, headers={"X-Forwarded-For": f"2001:db8::{n:x}"}) for n in range(11)]
        assert [answer.status for answer in same] == [200] * 10 + [429]
        for address, where in (("2001:db8:0:1::1", site), ("2001:db8::1", other)):
            assert (await behind.submit(where, json={}, headers={"X-Forwarded-For": address})).status == 200


async def test_r84_a_flooded_site_leaves_the_others_their_speed(deploy: Deploy, key: str, site: Site) -> None:
    """R84: p99 of another site is at most twice what it is without the flood, of some milliseconds."""
    quiet = await deploy.publish(key)
    async with many_visitors(deploy) as behind:
        number = 0

        async def p99() -> float:
            nonlocal number
            took = []
            for _ in range(50):
                number += 1
                began = time.monotonic()
                await behind.submit(quiet, json={}, headers=visitor(number))
                took.append(time.monotonic() - began)
            return max(took)

        async def flood() -> None:
            while True:
                await behind.submit(site, json={"a": "b" * 1000}, headers=visitor(1))

        alone = min([await p99() for _ in range(3)])
        floods = [asyncio.create_task(flood()) for _ in range(4)]
        try:
            await once_within(2 * alone + 0.02, p99)
        finally:
            for each in floods:
                each.cancel()
            await asyncio.wait(floods)


async def test_what_is_dropped_is_counted_by_reason(deploy: Deploy, key: str, site: Site) -> None:
    headers = {"Content-Type": "application/json"}
    async with many_visitors(deploy) as behind:
        posts: list[dict[str, Any]] = [
            {"data": b"{", "headers": headers},
            {"json": [1]},
            {"data": b"x", "headers": {"Content-Type": "text/csv"}},
            {"json": {str(n): n for n in range(101)}},
            {"data": body(part("f", b"x", "a.txt")), "headers": MULTIPART},
            {"json": {"a": 1, "_form": "contact"}, "headers": {"Idempotency-Key": "k"}},
            {"json": {"a": 2, "_form": "contact"}, "headers": {"Idempotency-Key": "k"}},
        ]
        for number, given in enumerate(posts):
            await behind.submit(site, **{**given, "headers": {**given.get("headers", {}), **visitor(number)}})
        await change(deploy, key, site["id"], allowed_origins=["https://mine.example"])
        elsewhere = {"Origin": "https://evil.example"}
        assert (await deploy.submit(site, json={}, headers=elsewhere)).status == 403

        async def counted() -> None:
            assert await ledger(deploy, site) == {
                ("", "dropped", "unreadable"): 2,
                ("", "dropped", "unknown_type"): 1,
                ("", "dropped", "too_large"): 1,
                ("", "dropped", "files_not_taken"): 1,
                ("contact", "accepted", ""): 1,
                ("contact", "dropped", "key_reused"): 1,
                ("", "dropped", "origin_not_allowed"): 1,
            }

        await eventually(counted, within=dropped.EVERY * 3)


async def test_a_refused_post_writes_nothing_and_a_stop_loses_no_count(
    deploy: Deploy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    real = drops.add

    async def counted(*given: Any) -> None:
        nonlocal writes
        writes += 1
        await real(*given)

    monkeypatch.setattr(drops, "add", counted)
    monkeypatch.setattr(dropped, "EVERY", 60.0)
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus) as other:
        for _ in range(110):
            await other.submit(site, json={})
        assert writes == 0
    assert writes == 1
    assert (await ledger(deploy, site))["", "dropped", "rate_limited"] == 100
    assert len(await stored(deploy, site)) == 10


A_SITE = Served(id="dep_1", slug="a", version=1, is_spa=False, email="a@b.example")


async def test_counts_wait_for_the_database_and_are_bounded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_given: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(dropped, "MAX_WAITING", 100)
    async with db.pool(database_url, "deploy") as pool:
        counts = Dropped(pool, FormNames())
        for number in range(300):
            counts.note(A_SITE, None, f"reason {number % 150}")
        with monkeypatch.context() as patch:
            patch.setattr(drops, "add", away)
            with pytest.raises(Unavailable):
                await counts.flush()
        assert await counts.flush() == 100
        assert await counts.flush() == 0
        counts.note(A_SITE, None, "reason 0")
        await counts.flush()
        assert await pool.fetchval("SELECT sum(count)::int FROM form_ledger WHERE reason = 'reason 0'") == 3
