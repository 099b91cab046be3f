"""What owners decide about submissions: read, spam, rescued, deleted; one, many, all."""

import asyncio
from typing import Any

import pytest

from services.deploy import submissions
from services.deploy.service.inbox import Inbox
from services.deploy.store import marks
from tests.support.deploying import Deploy
from tests.support.inbox import add, add_many, url
from tests.support.publishing import fetch, value

Site = dict[str, Any]
HOOK = (
    "INSERT INTO webhooks (id, deployment_id, url, type, events, secret, active, backlogged)"
    " VALUES ($1, $2, 'https://hooks.example.com/x', 'generic', $3, 'whsec_x', $4, $5)"
)


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def mark(deploy: Deploy, key: str, site: Site, sid: str, **given: Any) -> Any:
    answer = await deploy.call("PATCH", url(site, sid), key=key, json=given)
    assert answer.status == 200, answer.text
    return answer.json


async def totals(deploy: Deploy, key: str, site: Site) -> dict[str, int]:
    found: dict[str, int] = (await deploy.call("GET", url(site, "stats"), key=key)).json["totals"]
    return found


async def test_read_is_when_it_was_first_read_until_it_is_taken_back(deploy: Deploy, key: str, site: Site) -> None:
    (sid,) = await add(deploy, site, {"a": 1})
    assert (await totals(deploy, key, site))["unread"] == 1
    first = (await mark(deploy, key, site, sid, read=True))["read_at"]
    assert first.endswith("Z")
    assert (await mark(deploy, key, site, sid, read=True))["read_at"] == first
    assert await totals(deploy, key, site) == {"accepted": 1, "spam": 0, "unread": 0}
    assert (await mark(deploy, key, site, sid, read=False))["read_at"] is None


async def test_spam_and_back_moves_between_lists_and_counts(deploy: Deploy, key: str, site: Site) -> None:
    (sid,) = await add(deploy, site, {"a": 1}, status="spam", spam_reason="links")
    assert await totals(deploy, key, site) == {"accepted": 0, "spam": 1, "unread": 0}
    row = await mark(deploy, key, site, sid, status="accepted", read=False)
    assert (row["status"], row["spam_reason"]) == ("accepted", None)
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json["submission_count"] == 1
    assert (await mark(deploy, key, site, sid, status="spam"))["spam_reason"] is None
    assert await totals(deploy, key, site) == {"accepted": 0, "spam": 1, "unread": 0}


async def test_what_is_rescued_goes_where_it_would_have_gone_once(deploy: Deploy, key: str, site: Site) -> None:
    for name, events, active, backlogged in (
        ("wh_live", ["submission"], True, False), ("wh_off", ["submission"], False, False),
        ("wh_full", ["submission"], True, True), ("wh_else", ["other"], True, False),
    ):  # fmt: skip
        await fetch(deploy, HOOK, name, site["id"], events, active, backlogged)
    accepted, held = await add(deploy, site, {"a": 1}), await add(deploy, site, {"a": 2}, status="spam")
    assert await value(deploy, "SELECT array_agg(submission_id) FROM deliveries") == accepted
    for _ in range(2):
        await mark(deploy, key, site, held[0], status="accepted")
        await mark(deploy, key, site, accepted[0], status="spam")
        await mark(deploy, key, site, accepted[0], status="accepted")
        await mark(deploy, key, site, held[0], status="spam")
    rows = await fetch(deploy, "SELECT id, webhook_id, submission_id FROM deliveries ORDER BY created_at")
    assert [(row["webhook_id"], row["submission_id"]) for row in rows] == [
        ("wh_live", accepted[0]), ("wh_live", held[0]),
    ]  # fmt: skip
    assert rows[1]["id"] == await value(deploy, "SELECT 'dlv_' || left(md5($1 || 'wh_live'), 24)", held[0])
    assert await value(deploy, "SELECT count(*) FROM notices WHERE submission_id = $1", held[0]) == 1


async def test_a_rescue_tells_nobody_where_the_owner_wants_no_mails(deploy: Deploy, key: str, site: Site) -> None:
    await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"notify_email": False})
    (sid,) = await add(deploy, site, {"a": 1}, status="spam")
    await mark(deploy, key, site, sid, status="accepted")
    assert await value(deploy, "SELECT count(*) FROM notices") == 0


async def test_a_test_stays_a_test(deploy: Deploy, key: str, site: Site) -> None:
    (sid,) = await add(deploy, site, {"a": 1}, status="test")
    answer = await deploy.call("PATCH", url(site, sid), key=key, json={"status": "accepted"})
    assert (answer.status, answer.json["code"]) == (409, "test_submission")
    many = await deploy.call("PATCH", url(site), key=key, json={"ids": [sid], "status": "spam", "read": True})
    assert many.json == {"changed": 1}
    row = (await deploy.submissions(key, site, "?status=test"))["submissions"][0]
    assert (row["status"], row["read_at"] is None) == ("test", False)


async def test_many_are_marked_and_deleted_at_once_and_nobody_elses(deploy: Deploy, key: str, site: Site) -> None:
    other = await deploy.publish(deploy.key())
    own, foreign = await add(deploy, site, *({"n": n} for n in range(5))), await add(deploy, other, {"a": 1})
    ids = [*own[:3], *foreign, "sub_0000000000000000"]
    changed = await deploy.call("PATCH", url(site), key=key, json={"ids": ids, "read": True, "status": "spam"})
    assert changed.json == {"changed": 3}
    deleted = await deploy.call("POST", url(site, "delete"), key=key, json={"ids": ids[1:]})
    assert deleted.json == {"deleted": 2, "more": False}
    assert await value(deploy, "SELECT count(*) FROM submissions WHERE status = 'accepted' AND read_at IS NULL") == 3
    assert await totals(deploy, key, site) == {"accepted": 2, "spam": 1, "unread": 2}


async def test_one_is_deleted_with_all_that_waits_to_be_sent_about_it(deploy: Deploy, key: str, site: Site) -> None:
    await fetch(deploy, HOOK, "wh_live", site["id"], ["submission"], True, False)
    (sid,) = await add(deploy, site, {"a": 1})
    gone = await deploy.call("DELETE", url(site, sid), key=key)
    assert (gone.json["id"], gone.json["deleted_at"][-1]) == (sid, "Z")
    assert await value(deploy, "SELECT count(*) FROM deliveries") == 0
    for method in ("GET", "PATCH", "DELETE"):
        again = await deploy.call(method, url(site, sid), key=key, json={"read": True})
        assert (again.status, again.json["code"]) == (404, "submission_not_found"), method


async def test_all_of_a_status_or_before_a_time_are_deleted_in_small_steps(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_many(deploy, site, 1200)
    await add_many(deploy, site, 700, status="spam")
    await add(deploy, site, {"a": 1}, status="test")

    async def delete(**given: Any) -> Any:
        return (await deploy.call("POST", url(site, "delete"), key=key, json=given)).json

    assert await delete(status="spam", before="2020-01-01T00:00:00Z") == {"deleted": 0, "more": False}
    assert await delete(status="spam") == {"deleted": 700, "more": False}
    delete_all = Inbox.delete_all

    async def in_a_hurry(self: Inbox, *args: Any, **given: Any) -> Any:
        return await delete_all(self, *args, **(given | {"seconds": 0.0}))

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "delete_all", in_a_hurry)
        assert await delete(before="2100-01-01T00:00:00Z") == {"deleted": marks.ROWS, "more": True}
    assert await totals(deploy, key, site) == {"accepted": 700, "spam": 0, "unread": 700}
    assert await delete(before="2100-01-01T01:00:00+01:00") == {"deleted": 701, "more": False}
    assert await totals(deploy, key, site) == {"accepted": 0, "spam": 0, "unread": 0}


async def test_deleting_twice_at_once_counts_each_once(deploy: Deploy, key: str, site: Site) -> None:
    await add_many(deploy, site, 1500)
    calls = [deploy.call("POST", url(site, "delete"), key=key, json={"status": "accepted"}) for _ in range(3)]
    answers = await asyncio.gather(*calls)
    assert sum(answer.json["deleted"] for answer in answers) == 1500
    assert await totals(deploy, key, site) == {"accepted": 0, "spam": 0, "unread": 0}


BAD: dict[str, tuple[str, str, Any]] = {
    "nothing to mark": ("PATCH", "sub", {}),
    "no such status": ("PATCH", "sub", {"status": "test"}),
    "something else": ("PATCH", "sub", {"read": True, "data": {}}),
    "no ids": ("PATCH", "", {"read": True}),
    "empty ids": ("PATCH", "", {"read": True, "ids": []}),
    "an id of something else": ("PATCH", "", {"read": True, "ids": ["dep_0000000000000000"]}),
    "too many ids": ("PATCH", "", {"read": True, "ids": ["sub_0000000000000000"] * 1001}),
    "nothing to delete": ("POST", "delete", {}),
    "both ways to delete": ("POST", "delete", {"ids": ["sub_0000000000000000"], "status": "spam"}),
    "a time without an offset": ("POST", "delete", {"before": "2026-01-01T00:00:00"}),
    "a time that is none": ("POST", "delete", {"before": "yesterday"}),
    "a time beyond all": ("POST", "delete", {"before": "0001-01-01T00:00:00+14:00"}),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    deploy: Deploy, key: str, site: Site, name: str
) -> None:
    (sid,) = await add(deploy, site, {"a": 1})
    method, where, body = BAD[name]
    path = url(site, sid) if where == "sub" else url(site, where) if where else url(site)
    answer = await deploy.call(method, path, key=key, json=body)
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert await totals(deploy, key, site) == {"accepted": 1, "spam": 0, "unread": 1}


async def test_a_repeated_post_whose_first_is_deleted_meanwhile_is_stored(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = (await deploy.submit(site, json={"a": 1}, headers=headers)).json["id"]
    forget_key = submissions.forget_key

    async def deleted_first(*args: Any) -> bool:
        await fetch(deploy, "DELETE FROM submissions")
        return await forget_key(*args)

    monkeypatch.setattr(submissions, "forget_key", deleted_first)
    second = await deploy.submit(site, json={"a": 1}, headers=headers)
    assert second.status == 200
    assert [row["id"] for row in (await deploy.submissions(key, site))["submissions"]] == [second.json["id"]] != [first]
