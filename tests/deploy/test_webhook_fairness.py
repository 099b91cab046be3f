"""R79: receivers that are slow, or never answer, take no time from others; and what was lost on the way comes again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from services.deploy import rooms
from services.deploy.rooms import MOST, OTHERS, TOTAL, Rooms
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.hook_world import HookWorld, hook_world


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HookWorld]:
    async with hook_world(database_url, tmp_path, auth, monkeypatch) as running:
        yield running


async def hang(_request: web.BaseRequest) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def waits(world: HookWorld, site: dict[str, Any], path: str, count: int) -> list[float]:
    """Send so many submissions, one after the other, and return how long each was on its way."""
    loop, sent = asyncio.get_running_loop(), {}
    for n in range(count):
        answer = await world.deploy.submit(site, json={"n": n})
        sent[answer.json["id"]] = loop.time()
        await asyncio.sleep(0.02)

    def all_there() -> dict[str, float]:
        got = {each.json["data"]["id"]: each.at for each in world.receiver.at(path)}
        assert sent.keys() <= got.keys()
        return got

    arrived = await eventually(all_there)
    return sorted(arrived[submission] - at for submission, at in sent.items())


async def test_r79_one_slow_receiver_delays_no_other(world: HookWorld) -> None:
    """R79: 1,000 wait for one that hangs; the p95 of another, on the same site and on another one, is within 2 s."""
    world.receiver.answers["/hangs"] = hang
    await world.queue(await world.add("/hangs"), 1000)
    await world.add("/quick")
    elsewhere = await world.deploy.publish(world.key)
    body = {"url": world.receiver.url("/elsewhere")}
    await world.deploy.call("POST", f"/webhooks/{elsewhere['id']}", key=world.key, json=body)
    await eventually(lambda: world.receiver.at("/hangs"))
    for site, path in ((world.site, "/quick"), (elsewhere, "/elsewhere")):
        took = await waits(world, site, path, 60)
        assert took[57] <= 2, took
    assert len(world.receiver.at("/hangs")) == 1, "one at a time for who has never answered"


async def test_r79_receivers_that_hang_in_crowds_leave_places_for_the_others(
    world: HookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R79: more hanging webhooks than places; one that has answered before goes on."""
    monkeypatch.setattr(rooms, "TOTAL", 32)
    monkeypatch.setattr(rooms, "OTHERS", 16)
    proven = await world.add("/quick")
    await world.call("POST", f"/{proven['id']}/test")
    world.receiver.answers["/hangs"] = hang
    await world.fetch(
        "INSERT INTO webhooks (id, deployment_id, url, type, events, secret)"
        " SELECT 'wh_' || lpad(n::text, 16, '0'), $1, $2, 'generic', '{submission}', 'whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4'"
        " FROM generate_series(1, 50) AS n",
        world.site["id"], world.receiver.url("/hangs"),
    )  # fmt: skip
    took = await waits(world, world.site, "/quick", 30)
    assert took[28] <= 2, took
    assert len(world.receiver.at("/hangs")) == 16


async def test_a_receiver_that_answers_well_gets_more_at_once(world: HookWorld) -> None:
    """One at first, then up to eight; and one again after a failure."""
    at_once, most = 0, 0

    async def slow(_request: web.BaseRequest) -> web.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return web.Response()

    world.receiver.answers["/"] = slow
    await world.queue(await world.add("/"), 100)
    await eventually(lambda: len(world.receiver.got) == 100)
    assert most == MOST


def test_rooms_are_given_by_how_a_webhook_answered() -> None:
    given = Rooms()
    assert (given.left().total, given.left().others, given.left().known) == (TOTAL, OTHERS, {})
    given.begin("a")
    assert (given.left().busy, given.left().others) == (["a"], OTHERS - 1)
    given.end("a", delivered=True)
    assert given.left().known == {"a": 2}
    for _ in range(20):
        given.begin("a")
        given.end("a", delivered=True)
    assert given.left().known == {"a": MOST}
    for _ in range(MOST):
        given.begin("a")
    left = given.left()
    assert (left.total, left.busy, left.known, left.others) == (TOTAL - MOST, ["a"], {}, OTHERS)
    given.end("a", delivered=False)
    assert given.left().busy == ["a"], "what is under way still is"
    for _ in range(MOST - 1):
        given.end("a", delivered=False)
    assert (given.left().busy, given.left().known) == ([], {})


# Replay


async def test_r80_a_delivery_is_replayed_under_its_own_id(world: HookWorld) -> None:
    """R80: named by itself or by an attempt; its schedule begins anew."""
    world.receiver.answer("/", 500)
    added = await world.add("/")
    await world.submit(n=1)
    (row,) = await world.attempted(added, 1)
    for number, named in enumerate((row["id"], row["delivery_id"]), start=2):
        answer = await world.call("POST", f"/{added['id']}/deliveries/{named}/replay")
        assert (answer.status, answer.json) == (200, {"queued": 1})
        rows = await world.attempted(added, number)
        assert rows[0]["attempt"] == 1
    world.receiver.answer("/", 200)
    await world.call("POST", f"/{added['id']}/deliveries/{row['id']}/replay")
    rows = await world.attempted(added, 4)
    assert (rows[0]["state"], rows[0]["status"]) == ("delivered", 200)
    assert {got.headers["webhook-id"] for got in world.receiver.got} == {row["delivery_id"]}
    other = await world.add("/other")
    for wrong in (f"/{other['id']}/deliveries/{row['id']}", f"/{added['id']}/deliveries/dlv_0123456789abcdef"):
        refused = await world.call("POST", f"{wrong}/replay")
        assert (refused.status, refused.json["code"]) == (404, "delivery_not_found")


async def test_r80_all_that_failed_is_replayed_together(world: HookWorld) -> None:
    """R80: and nothing else."""
    added = await world.add("/")
    await world.submit(fine=True)
    await world.attempted(added, 1)
    await world.fetch("UPDATE deployments SET taken_down_at = now() WHERE id = $1", world.site["id"])
    await world.queue(added, 30)
    await world.fetch("UPDATE deliveries SET state = 'failed', attempts = 8 WHERE state = 'pending'")
    await world.fetch("UPDATE deployments SET taken_down_at = NULL WHERE id = $1", world.site["id"])
    answer = await world.call("POST", f"/{added['id']}/replay-failed")
    assert (answer.status, answer.json) == (200, {"queued": 30})
    await world.attempted(added, 31)
    assert (await world.call("POST", f"/{added['id']}/replay-failed")).json == {"queued": 0}
    assert len(world.receiver.got) == 31


async def test_a_log_is_paged_and_narrowed(world: HookWorld) -> None:
    """Contract: every attempt, newest first; a delivery that had none is a row as well."""
    world.receiver.answer("/", 500)
    added = await world.add("/")
    for n in range(5):
        await world.submit(n=n)
        await world.attempted(added, n + 1)
    await world.fetch("UPDATE deployments SET taken_down_at = now() WHERE id = $1", world.site["id"])
    await world.queue(added, 1)
    path, seen = f"/{added['id']}/deliveries?limit=2", []
    page = (await world.call("GET", path)).json
    seen += page["deliveries"]
    while page["next_cursor"]:
        page = (await world.call("GET", f"{path}&cursor={page['next_cursor']}")).json
        seen += page["deliveries"]
    assert seen == await world.log(added)
    assert [row["attempt"] for row in seen] == [0, 1, 1, 1, 1, 1]
    assert (seen[0]["at"], seen[0]["status"], seen[0]["id"]) == (None, None, seen[0]["delivery_id"])
    assert page["pending"] == 6
    assert await world.log(added, "?status=pending") == seen
    for state in ("failed", "delivered"):
        assert await world.log(added, f"?status={state}") == []
    for wrong in ("status=x", "limit=0", "limit=201", "cursor=x"):
        assert (await world.call("GET", f"/{added['id']}/deliveries?{wrong}")).status == 422
