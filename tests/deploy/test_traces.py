"""What became of a submission: every hop, in order and in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.deploy import traces
from shared import http
from tests.support.deploying import Deploy
from tests.support.inbox import add, url
from tests.support.publishing import fetch

Site = dict[str, Any]
#: Lately: what was long ago is swept.
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
#: No worker tries before.
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def read(deploy: Deploy, key: str, site: Site, sid: str) -> Any:
    answer = await deploy.call("GET", url(site, sid), key=key)
    assert answer.status == 200, answer.text
    return answer.json


async def mail(deploy: Deploy, site: Site, sid: str, *mails: tuple[str, str | None, str | None]) -> None:
    """Have an owner told, with a mail to each of these addresses and what became of it."""
    mailing = f"mlg_{sid}"
    await fetch(
        deploy,
        "INSERT INTO notices (submission_id, deployment_id, created_at, mailing_id) VALUES ($1, $2, $3, $4)",
        sid,
        site["id"],
        at(1),
        mailing,
    )
    for email, result, reason in mails:
        settled = at(3) if result else None
        await fetch(
            deploy, "INSERT INTO mails VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            f"msg_{email}", mailing, site["id"], email, at(2), settled, result, reason,
        )  # fmt: skip


async def deliver(
    deploy: Deploy, site: Site, sid: str, hook: str, state: str, *attempts: tuple[int | None, str]
) -> None:
    """Have it sent to a webhook: status or error of each attempt."""
    await fetch(
        deploy,
        "INSERT INTO webhooks (id, deployment_id, url, type, events, secret)"
        " VALUES ($1, $2, 'https://' || $1 || '.example.com/s3cret', 'slack', ARRAY['submission'], 'whsec_s3cret')",
        hook, site["id"],
    )  # fmt: skip
    await fetch(
        deploy,
        "INSERT INTO deliveries (id, webhook_id, deployment_id, submission_id, state, attempts, next_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        f"dlv_{hook}", hook, site["id"], sid, state, len(attempts), LATER, at(4),
    )  # fmt: skip
    for number, (status, error) in enumerate(attempts, 1):
        await fetch(
            deploy, "INSERT INTO delivery_attempts VALUES ($1, $2, $3, $4, $5, $6, $7, 12.5, $8, '', NULL, 'req_1')",
            f"att_{hook}{number}", f"dlv_{hook}", hook, sid, number, at(4 + number), status, error,
        )  # fmt: skip


async def test_a_post_is_stored_and_says_how_long_that_took(deploy: Deploy, key: str, site: Site) -> None:
    sent = await deploy.submit(site, json={"a": 1}, headers={"X-Request-ID": "given-by-the-caller"})
    found = await read(deploy, key, site, sent.json["id"])
    assert (found["data"], found["status"], found["request_id"]) == ({"a": 1}, "accepted", "given-by-the-caller")
    hop = found["trace"][0]
    assert (hop["hop"], hop["status"], hop["at"]) == ("stored", "accepted", found["created_at"])
    assert 0 < hop["ms"] < 5000


@pytest.mark.parametrize("reason", [*traces.REASONS, None])
async def test_what_is_held_says_why(deploy: Deploy, key: str, site: Site, reason: str | None) -> None:
    (sid,) = await add(deploy, site, {"a": 1}, status="spam", spam_reason=reason)
    (hop,) = (await read(deploy, key, site, sid))["trace"]
    assert hop["status"] == "spam"
    assert hop["detail"] == "Held as spam: " + traces.REASONS.get(reason or "", "its owner said so")


async def test_each_mail_and_attempt_is_a_hop_in_the_order_of_time(deploy: Deploy, key: str, site: Site) -> None:
    (sid,) = await add(deploy, site, {"a": 1}, created_at=START)
    await mail(deploy, site, sid, ("a@b.example", "sent", None), ("c@d.example", "suppressed", "bounce"))
    await deliver(deploy, site, sid, "wh-a", "delivered", (None, "connection refused"), (200, ""))
    await deliver(deploy, site, sid, "wh-b", "pending", (503, ""))
    trace = (await read(deploy, key, site, sid))["trace"]
    assert [(hop["hop"], hop["status"], hop["ms"], hop["detail"]) for hop in trace[1:]] == [
        ("mail", "sent", 1000.0, "To a@b.example"),
        ("mail", "suppressed", 1000.0, "To c@d.example: bounce"),
        ("webhook", "failed", 12.5, "wh-a.example.com: connection refused (attempt 1)"),
        ("webhook", "503", 12.5, "wh-b.example.com answered (attempt 1)"),
        ("webhook", "200", 12.5, "wh-a.example.com answered (attempt 2)"),
        ("webhook", "waiting", None, "wh-b.example.com: attempt 2 at 2100-01-01T00:00:00.000Z"),
    ]
    assert "s3cret" not in str(trace), "a webhook's path may be a secret"
    times = [hop["at"] for hop in trace[:-1]]
    assert times == sorted(times)


def test_what_waits_to_be_told_says_so() -> None:
    row = {"mailing_id": None, "created_at": at(1), "next_at": None, "email": None}
    for next_at, detail in (
        (None, "To be told together with others"),
        (at(300), f"To be told together with others, at {http.timestamp(at(300))}"),
    ):
        (hop,) = traces.mails([row | {"next_at": next_at}])
        assert (hop.status, hop.detail, hop.ms, hop.at) == ("waiting", detail, None, at(1))
        assert not traces.is_complete([hop])


async def test_a_mail_on_its_way_and_a_webhook_that_is_gone(deploy: Deploy, key: str, site: Site) -> None:
    (sid,) = await add(deploy, site, {"a": 1}, created_at=START)
    await mail(deploy, site, sid, ("a@b.example", None, None))
    await deliver(deploy, site, sid, "wh-a", "failed", (410, ""))
    await fetch(deploy, "DELETE FROM webhooks")
    trace = (await read(deploy, key, site, sid))["trace"]
    assert [(hop["status"], hop["detail"]) for hop in trace[1:]] == [
        ("410", "A webhook that was removed answered (attempt 1)"), ("queued", "To a@b.example"),
    ]  # fmt: skip
    assert await fetch(deploy, "UPDATE notices SET mailing_id = 'mlg_none' RETURNING 1")
    trace = (await read(deploy, key, site, sid))["trace"]
    assert ("mail", "none") in {(hop["hop"], hop["status"]) for hop in trace}


async def test_a_submission_of_another_site_is_not_found(deploy: Deploy, key: str, site: Site) -> None:
    other = await deploy.publish(key)
    (sid,) = await add(deploy, other, {"a": 1})
    for name in (sid, "sub_0000000000000000", "sub_", "nothing", "%00", "stats%2F"):
        answer = await deploy.call("GET", url(site, name), key=key)
        assert (answer.status, answer.json["error"]) == (404, "Submission not found"), name
