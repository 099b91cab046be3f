"""Webhooks over the API: added, listed, changed, removed, and nobody else's (contract, section 5)."""

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.deploy import webhooks
from services.deploy.service import webhooks as service
from services.deploy.service.webhook_upkeep import WebhookUpkeep
from shared import db
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.hook_world import HookWorld, hook_world

GOOD = "https://hooks.example.com/"


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HookWorld]:
    async with hook_world(database_url, tmp_path, auth, monkeypatch) as running:
        yield running


async def test_a_new_webhook_comes_with_its_secret_once(world: HookWorld, capsys: pytest.CaptureFixture[str]) -> None:
    answer = await world.call("POST", json={"url": "https://hooks.example.com/in"})
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    added = answer.json
    assert added["deployment_id"] == world.site["id"]
    assert (added["url"], added["type"]) == ("https://hooks.example.com/in", "generic")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", added["secret"])
    assert len(base64.b64decode(added["secret"].removeprefix("whsec_"))) == 32
    listed = (await world.call("GET")).json["webhooks"]
    shown = {name: value for name, value in added.items() if name not in {"secret", "deployment_id"}}
    assert listed == [shown]
    assert listed[0]["events"] == ["submission"]
    assert listed[0]["active"] is True
    assert added["secret"] not in (await world.call("GET")).text + capsys.readouterr().out


async def test_slack_and_discord_have_no_secret(world: HookWorld) -> None:
    for url, kind in (
        ("https://hooks.slack.com/services/T0/B0/x", "slack"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
    ):
        added = await world.add(url)
        assert (added["type"], added["secret"]) == (kind, None)
        refused = await world.call("POST", f"/{added['id']}/rotate")
        assert (refused.status, refused.json["code"]) == (409, "not_signed")
    named = await world.add("/chat", type="slack")
    assert named["type"] == "slack"


@pytest.mark.parametrize(
    "body, status",
    [
        ({}, 422), ({"url": 1}, 422), ({"url": GOOD, "type": "email"}, 422), ({"url": GOOD, "events": ["site"]}, 422),
        ({"url": GOOD, "events": []}, 422), ({"url": "ftp://x.example.com/"}, 400), ({"url": ""}, 400),
        ({"url": GOOD + "x" * 2000}, 400),
    ],
)  # fmt: skip
async def test_what_is_no_webhook_is_refused(world: HookWorld, body: dict[str, Any], status: int) -> None:
    answer = await world.call("POST", json=body)
    assert answer.status == status, answer.text
    assert answer.json["code"] == ("bad_webhook_url" if status == 400 else "invalid")


async def test_a_webhook_is_changed_and_removed(world: HookWorld) -> None:
    added = await world.add()
    path = f"/{added['id']}"
    changed = await world.call("PATCH", path, json={"url": world.receiver.url("/new"), "events": ["submission"]})
    assert (changed.status, changed.json["url"]) == (200, world.receiver.url("/new"))
    assert (await world.call("PATCH", path, json={"url": "ftp://x"})).status == 400
    for wrong in ({}, {"secret": "x"}, {"active": "yes"}, {"active": None}):
        assert (await world.call("PATCH", path, json=wrong)).status == 422
    removed = await world.call("DELETE", path)
    assert (removed.status, removed.json["id"]) == (200, added["id"])
    assert removed.json["deleted_at"].endswith("Z")
    assert (await world.call("GET")).json == {"webhooks": []}
    assert (await world.call("DELETE", path)).status == 404


async def test_a_webhook_that_is_switched_off_gets_nothing_until_it_is_on(world: HookWorld) -> None:
    world.receiver.answer("/", 503)
    added = await world.add()
    await world.submit(n=1)
    await world.attempted(added, 1)
    off = (await world.call("PATCH", f"/{added['id']}", json={"active": False})).json
    assert (off["active"], off["pending"], off["disabled_why"]) == (False, 0, "You switched it off.")
    await world.submit(n=2)
    for path in ("/test", "/replay-failed", f"/deliveries/{(await world.log(added))[0]['id']}/replay"):
        refused = await world.call("POST", f"/{added['id']}{path}")
        assert (refused.status, refused.json["code"]) == (409, "webhook_off")
    (row,) = await world.log(added)
    assert (row["state"], row["next_at"], row["error"]) == ("failed", None, "the webhook was switched off")
    on = (await world.call("PATCH", f"/{added['id']}", json={"active": True})).json
    assert [on[name] for name in ("active", "failing_since", "disabled_at", "disabled_why")] == [True, None, None, None]
    world.receiver.answer("/", 200)
    await world.submit(n=3)
    await eventually(lambda: len(world.receiver.got) == 2)
    assert world.receiver.got[-1].json["data"]["data"] == {"n": 3}


async def test_a_site_has_20_webhooks_at_most(world: HookWorld) -> None:
    for number in range(webhooks.MAX_WEBHOOKS):
        await world.add(f"https://n{number}.example.com/")
    refused = await world.call("POST", json={"url": "https://one-more.example.com/"})
    assert (refused.status, refused.json["code"]) == (403, "webhook_limit_reached")


async def test_webhooks_are_their_sites_owners(world: HookWorld) -> None:
    """Foreign ones are 404, whoever asks and however they are named."""
    added, other = await world.add(), world.deploy.key()
    own = await world.deploy.publish(other)
    reader = world.deploy.key(account=world.deploy.auth.account(world.key), scopes=("deploy", "submissions"))
    row = f"/{added['id']}/deliveries/dlv_0123456789abcdef/replay"
    calls = [("PATCH", f"/{added['id']}"), ("DELETE", f"/{added['id']}"), ("GET", f"/{added['id']}/deliveries")]
    calls += [("POST", f"/{added['id']}/{name}") for name in ("rotate", "test", "replay-failed")] + [("POST", row)]
    for method, path in calls:
        for site, text in ((world.site, "Deployment not found"), (own, "Webhook not found")):
            url, body = f"/webhooks/{site['id']}{path}", {"active": True} if method == "PATCH" else None
            answer = await world.deploy.call(method, url, key=other, json=body)
            assert (answer.status, answer.json["error"]) == (404, text), (method, path)
        url = f"/webhooks/{world.site['id']}{path}"
        assert (await world.deploy.call(method, url, key=reader, json={"active": True})).status == 403
    for unknown in ("wh_0123456789abcdef", "wh_x", "x"):
        answer = await world.call("GET", f"/{unknown}/deliveries")
        assert (answer.status, answer.json["error"]) == (404, "Webhook not found")
    assert (await world.webhook(added))["active"] is True


async def test_what_is_done_to_webhooks_is_in_the_audit_trail_without_secrets(world: HookWorld) -> None:
    added = await world.add("https://hooks.slack.com/services/T0/B0/very-secret", type="generic")
    await world.call("PATCH", f"/{added['id']}", json={"active": False})
    await world.call("POST", f"/{added['id']}/rotate")
    await world.call("DELETE", f"/{added['id']}")
    told = [data for data in await world.told("audit.recorded") if data["action"].startswith("webhook.")]
    assert [data["action"].removeprefix("webhook.") for data in told] == ["created", "changed", "rotated", "deleted"]
    assert {data["detail"]["webhook"] for data in told} == {added["id"]}
    assert "very-secret" not in str(told)
    assert "whsec" not in str(told)


async def test_a_test_delivery_takes_the_way_of_all_others_and_is_marked(world: HookWorld) -> None:
    """Contract: a test delivery has `"test": true` in its body; it goes to this webhook alone and is not counted."""
    added, other = await world.add("/mine"), await world.add("/other")
    answer = await world.call("POST", f"/{added['id']}/test")
    row = answer.json["delivery"]
    assert (answer.status, row["status"], row["test"], row["state"]) == (200, 200, True, "delivered")
    (got,) = world.receiver.got
    assert (got.path, got.json["test"]) == ("/mine", True)
    assert got.json["data"]["id"] == answer.json["submission_id"] == row["submission_id"]
    assert got.headers["webhook-id"] == row["delivery_id"]
    assert await world.log(other) == []
    assert (await world.deploy.submissions(world.key, world.site))["total"] == 0


async def test_a_test_delivery_goes_before_what_waits_and_does_not_wait_for_ever(
    world: HookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TRIAL", 0.3)
    added = await world.add()
    await world.fetch("UPDATE deployments SET taken_down_at = now() WHERE id = $1", world.site["id"])
    await world.queue(added, 30)
    waiting = (await world.call("POST", f"/{added['id']}/test")).json
    assert waiting["delivery"] is None
    assert world.receiver.got == [], "nothing leaves a site that was taken down"
    await world.fetch("UPDATE deployments SET taken_down_at = NULL WHERE id = $1", world.site["id"])
    await eventually(lambda: len(world.receiver.got) == 31)
    assert world.receiver.got[0].json["data"]["id"] == waiting["submission_id"]


async def test_r80_a_backlog_is_bounded_and_seen(world: HookWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """R80: past the cap nothing more is queued, the list says so, and below half of it things go on."""
    monkeypatch.setattr("services.deploy.store.webhooks.MAX_PENDING", 20)
    added = await world.add()
    await world.fetch("UPDATE deployments SET taken_down_at = now() WHERE id = $1", world.site["id"])
    await world.queue(added, 20)
    async with db.pool(world.deploy.database_url, "deploy", size=1) as pool:
        upkeep = WebhookUpkeep(pool)
        assert await upkeep.mark_backlogs() == 1
        assert await upkeep.mark_backlogs() == 0
        shown = await world.webhook(added)
        assert (shown["pending"], shown["backlogged"]) == (20, True)
        await world.fetch("UPDATE deployments SET taken_down_at = NULL WHERE id = $1", world.site["id"])
        await eventually(lambda: len(world.receiver.got) == 20)
        await world.submit(too="many")
        assert (await world.webhook(added))["pending"] == 0
        assert await upkeep.mark_backlogs() == 1
    await world.submit(again="welcome")
    await eventually(lambda: world.receiver.got[-1].json["data"]["data"] == {"again": "welcome"})
    assert (await world.webhook(added))["backlogged"] is False


async def test_deliveries_of_30_days_ago_are_swept_with_their_attempts(world: HookWorld) -> None:
    added = await world.add()
    for n in range(3):
        await world.submit(n=n)
    await world.attempted(added, 3)
    old = (await world.log(added))[-1]["delivery_id"]
    await world.fetch("UPDATE deliveries SET created_at = created_at - interval '31 days' WHERE id = $1", old)
    async with db.pool(world.deploy.database_url, "deploy", size=1) as pool:
        assert await WebhookUpkeep(pool).sweep() == 1
    assert old not in {row["delivery_id"] for row in await world.log(added)}
    assert await world.fetch("SELECT count(*) FROM delivery_attempts") == 2


async def test_spam_is_not_sent_and_what_is_deleted_takes_its_log_along(world: HookWorld) -> None:
    """Spam is not sent; a submission that is deleted takes its deliveries with it."""
    added = await world.add()
    await world.submit(n=1, _hp="robot")
    submission = await world.submit(n=2)
    await world.attempted(added, 1)
    assert [got.json["data"]["id"] for got in world.receiver.got] == [submission]
    await world.fetch("DELETE FROM submissions WHERE id = $1", submission)
    assert await world.log(added) == []


async def test_attempts_are_counted_in_the_metrics(world: HookWorld) -> None:
    world.receiver.answer("/", 500)
    added = await world.add()
    await world.submit(n=1)
    await world.attempted(added, 1)
    async with world.deploy.session.get(f"{world.deploy.internal_url}/metrics") as answer:
        text = await answer.text()
    assert re.search(r'invoker_webhook_attempts_total\{result="retried",type="generic"\} [1-9]', text)
    assert re.search(r"invoker_webhook_attempt_seconds_count [1-9]", text)
