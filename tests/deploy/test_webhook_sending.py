"""R77 and R78: what an attempt bears with, when the next one comes, and when there is none any more."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from services.deploy import attempts, deliveries
from shared import outbound
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.hook_world import HookWorld, hook_world

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SCHEDULE = [5, 300, 1800, 7200, 18_000, 36_000, 36_000]


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HookWorld]:
    async with hook_world(database_url, tmp_path, auth, monkeypatch) as running:
        yield running


async def first(world: HookWorld, path: str) -> dict[str, Any]:
    """Send something to a path, and return the row of its first attempt."""
    added = await world.add(path)
    await world.submit(n=1)
    return (await world.attempted(added, 1))[-1]


# R77


async def test_r77_a_redirect_is_a_failure_and_not_followed(world: HookWorld) -> None:
    """R77: wherever it leads."""
    for status in (301, 302, 307, 308):
        world.receiver.answer(f"/{status}", status, Location="/elsewhere")
        row = await first(world, f"/{status}")
        assert (row["status"], row["state"]) == (status, "pending")
        assert "redirect" in row["error"]
    assert not world.receiver.at("/elsewhere")


async def test_r77_of_a_long_answer_64_kib_are_read_and_4_kept(world: HookWorld) -> None:
    """R77: what follows is left where it is."""
    sent = 0

    async def pour(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"0123456789abcdef" * 4096)
            sent += 65536

    world.receiver.answers["/"] = pour
    row = await first(world, "/")
    assert (row["status"], row["state"]) == (200, "delivered")
    assert row["answer"] == "0123456789abcdef" * 256
    # what the sockets of both ends hold comes to that
    assert sent < 32 * outbound.MAX_ANSWER * 4


async def test_r77_a_compressed_bomb_is_not_expanded(world: HookWorld) -> None:
    """R77: nothing compressed is asked for, and nothing is unpacked; bytes that are no text are kept as such."""
    bomb = gzip.compress(bytes(10_000_000))

    async def explode(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    world.receiver.answers["/"] = explode
    row = await first(world, "/")
    assert (row["status"], row["state"]) == (200, "delivered")
    assert world.receiver.got[0].headers["accept-encoding"] == "identity"
    assert row["answer"].startswith("\x1f\ufffd")
    assert "\0" not in row["answer"]


async def test_r77_an_attempt_ends_at_its_deadline(world: HookWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """R77: 15 seconds in all, also for an answer that trickles in; 5 for the connection."""
    assert (attempts.TIMEOUT, attempts.CONNECT_TIMEOUT) == (15, 5)
    monkeypatch.setattr(attempts, "TIMEOUT", 0.3)

    async def trickle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.05)

    world.receiver.answers["/"] = trickle
    row = await first(world, "/")
    assert (row["status"], row["error"]) == (None, "no answer within 0.3 seconds")
    assert 300 <= row["latency_ms"] < 2000


async def test_r77_no_connection_and_no_http_are_failures_in_words(world: HookWorld) -> None:
    """R77: said without what only our own network knows."""

    async def garble(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"SSH-2.0-OpenSSH\r\n")
        request.transport.close()
        return web.Response()

    world.receiver.answers["/garbled"] = garble
    assert (await first(world, "/garbled"))["error"] == "the connection broke, or what came was not HTTP"
    assert (await first(world, "http://127.0.0.1:1999/"))["error"] == "no connection"
    assert (await first(world, f"https://127.0.0.1:{world.receiver.port}/"))["error"] in {
        "its certificate is not valid", "no connection"
    }  # fmt: skip


# R78


async def test_r78_attempts_come_at_their_times_and_end_after_the_eighth(world: HookWorld) -> None:
    """R78: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h, each 20 % sooner or later; never before its time."""
    world.receiver.answer("/", 500)
    added, sentinel = await world.add("/"), await world.add("/sentinel")
    submission = await world.submit(n=1)
    for number in range(1, 9):
        (row, *_) = await world.attempted(added, number)
        assert (row["attempt"], row["status"], row["answer"]) == (number, 500, "answer 500")
        if row["next_at"] is None:
            break
        due = datetime.fromisoformat(row["next_at"])
        world.later.by = due - datetime.now(UTC) - timedelta(seconds=1.5)
        await world.call("POST", f"/{sentinel['id']}/test")
        assert len(world.receiver.at("/")) == number, "before its time"
        world.later.by = due - datetime.now(UTC)
    rows = await world.log(added)
    assert [row["attempt"] for row in rows] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert {row["state"] for row in rows} == {"failed"}
    times = [datetime.fromisoformat(row["at"]) for row in reversed(rows)]
    for (earlier, later), seconds in zip(pairwise(times), SCHEDULE, strict=True):
        assert 0.8 * seconds <= (later - earlier).total_seconds() <= 1.2 * seconds + 2
    ids = {got.headers["webhook-id"] for got in world.receiver.at("/")}
    assert ids == {rows[0]["delivery_id"]}, "the same at each attempt"
    assert len({got.raw for got in world.receiver.at("/")}) == 1
    assert {row["submission_id"] for row in rows} == {submission}


def test_r78_delays_are_spread_by_a_fifth() -> None:
    """R78: evenly, to both sides."""
    for attempt, seconds in enumerate(SCHEDULE, start=1):
        found = [(deliveries.next_at(attempt, 500, None, NOON) or NOON) - NOON for _ in range(500)]
        assert timedelta(seconds=0.8 * seconds) <= min(found) < timedelta(seconds=0.85 * seconds)
        assert timedelta(seconds=1.15 * seconds) < max(found) <= timedelta(seconds=1.2 * seconds)
    assert deliveries.next_at(8, 500, "60", NOON) is None
    assert deliveries.next_at(1, 410, None, NOON) is None


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("3600", 3600), (" 60 ", 60), ("86400", 86_400), ("999999999999999", 86_400), ("0", 0), ("-5", 0), ("1.5", 0),
        (format_datetime(NOON + timedelta(hours=2), usegmt=True), 7200), ("Sat, 28 Nov 2026 14:00:00 GMT", 7200),
        (format_datetime(NOON + timedelta(days=9), usegmt=True), 86_400), ("soon", 0), ("", 0), ("٣", 0),
        (format_datetime(NOON - timedelta(days=9), usegmt=True), 0), ("Sat, 28 Nov 99999 14:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_r78_retry_after_is_honoured_up_to_a_day(text: str, seconds: int) -> None:
    """R78: seconds or a date, where it is later than the schedule."""
    for attempt, own in ((1, 5), (6, 36_000)):
        found = deliveries.next_at(attempt, 429, text, NOON)
        assert found is not None
        assert max(seconds, 0.8 * own) <= (found - NOON).total_seconds() <= max(seconds, 1.2 * own)


async def test_r78_a_receiver_that_asks_for_time_gets_it(world: HookWorld) -> None:
    """R78: over the wire."""
    world.receiver.answer("/", 503, Retry_After="7200")
    row = await first(world, "/")
    waits = datetime.fromisoformat(row["next_at"]) - datetime.fromisoformat(row["at"])
    assert timedelta(hours=2) <= waits < timedelta(hours=2, seconds=5)


async def test_r78_410_ends_a_webhook_at_once(world: HookWorld) -> None:
    """R78: the delivery has failed, what waits is not sent, nothing new is queued, and the owner is told."""
    world.receiver.answer("/", 500)
    added = await world.add("/")
    await world.submit(n=1)
    await world.attempted(added, 1)
    world.receiver.answer("/", 410)
    await world.submit(n=2)

    async def disabled() -> dict[str, Any]:
        shown = await world.webhook(added)
        assert shown["active"] is False
        return shown

    shown = await eventually(disabled)
    assert (shown["pending"], shown["disabled_why"]) == (0, "The receiver answered 410: it wants nothing more.")
    rows = await world.log(added, "?status=failed")
    assert [(row["status"], row["next_at"]) for row in rows] == [(410, None), (500, None)]
    assert rows[1]["error"] == "the webhook was switched off"
    (mail,) = await world.told("mail.webhook_disabled")
    assert mail["to"] == world.deploy.auth.email(world.key)
    assert (mail["slug"], mail["why"]) == (world.site["slug"], shown["disabled_why"])
    assert mail["dashboard_url"].endswith(f"/dashboard/sites/{world.site['id']}/webhooks")
    (audited,) = [data for data in await world.told("audit.recorded") if data["action"] == "webhook.disabled"]
    assert (audited["actor"], audited["detail"]["webhook"]) == ("system", added["id"])
    await world.submit(n=3)
    assert len(await world.log(added)) == 2


async def test_r78_five_days_of_nothing_but_failures_end_a_webhook_and_tell_its_owner(world: HookWorld) -> None:
    """R78: counted from the first failure after the last success."""
    world.receiver.answer("/", 500)
    added = await world.add("/")
    await world.submit(n=1)
    await world.attempted(added, 1)
    assert (await world.webhook(added))["failing_since"] is not None
    world.later.by = timedelta(days=4, hours=23)
    await world.call("POST", f"/{added['id']}/test")
    assert (await world.webhook(added))["active"] is True
    world.later.by = timedelta(days=5, seconds=1)
    await world.call("POST", f"/{added['id']}/test")

    async def disabled() -> bool:
        return not (await world.webhook(added))["active"]

    await eventually(disabled)
    shown = await world.webhook(added)
    assert shown["disabled_why"] == "Every attempt has failed for 5 days. The last one: the answer 500."
    (mail,) = await world.told("mail.webhook_disabled")
    assert (mail["why"], mail["url"]) == (shown["disabled_why"], world.receiver.url().rstrip("/") + "/")


async def test_r78_one_success_in_five_days_is_enough(world: HookWorld) -> None:
    """R78: `failing_since` is forgotten by it; switching a webhook on forgets it too."""
    world.receiver.answer("/", 500)
    added = await world.add("/")
    await world.submit(n=1)
    await world.attempted(added, 1)
    world.later.by = timedelta(days=4)
    world.receiver.answer("/", 200)
    await world.call("POST", f"/{added['id']}/test")
    assert (await world.webhook(added))["failing_since"] is None
    world.receiver.answer("/", 500)
    world.later.by = timedelta(days=6)
    await world.call("POST", f"/{added['id']}/test")
    shown = await world.webhook(added)
    assert (shown["active"], shown["failing_since"] is not None) == (True, True)
    on = await world.call("PATCH", f"/{added['id']}", json={"active": True})
    assert on.json["failing_since"] is None
