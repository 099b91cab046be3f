"""Trying a form out: one marked submission, followed through every hop, counted nowhere."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from services.deploy import samples
from services.deploy.contracts import Contract, Field, Form
from services.deploy.service import trials
from services.deploy.service.inbox import Inbox
from services.deploy.traces import Hop
from tests.support.deploying import Deploy
from tests.support.inbox import url

Site = dict[str, Any]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def test_a_test_is_stored_marked_and_counted_nowhere(deploy: Deploy, key: str, site: Site) -> None:
    answer = await deploy.call("POST", f"/deploy/{site['id']}/test-form", key=key, json={"wait": 0})
    assert answer.status == 200
    assert (answer.json["trace"][0]["hop"], answer.json["trace"][0]["status"]) == ("stored", "test")
    (row,) = (await deploy.submissions(key, site, "?status=test"))["submissions"]
    assert (row["id"], row["status"], row["spam_reason"]) == (answer.json["id"], "test", None)
    assert row["data"]["email"] == "test@example.com"
    assert (await deploy.submissions(key, site))["total"] == 0
    found = (await deploy.call("GET", url(site, "stats") + "?days=1", key=key)).json
    assert (found["days"][0]["accepted"], found["totals"]["accepted"]) == (0, 0)
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json["submission_count"] == 0


async def test_what_is_given_is_sent_and_checked_like_every_post(deploy: Deploy, key: str, site: Site) -> None:
    async def run(**body: Any) -> Any:
        return await deploy.call("POST", f"/deploy/{site['id']}/test-form", key=key, json={"wait": 0} | body)

    sent = await run(form="contact", data={"x": ["1"], "_hp": "robot", "_next": "/x"})
    row = (await deploy.call("GET", url(site, sent.json["id"]), key=key)).json
    assert (row["data"], row["form"], row["status"]) == ({"x": ["1"]}, "contact", "test")
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    refused: list[dict[str, Any]] = [
        {"data": {"x": deep}},
        {"form": "x" * 101},
        {"data": []},
        {"data": {"a": "\0"}},
        {"wait": 11},
        {"to": 1},
    ]
    for body in refused:
        assert (await run(**body)).status == 422, body


async def test_the_answer_waits_for_what_is_to_come(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a webhook: it waits until it was looked for a third time."""
    looks = 0

    async def slowly(_: Inbox, _submission_id: str) -> list[Hop]:
        nonlocal looks
        looks += 1
        status = "waiting" if looks < 3 else "200"
        return [Hop(hop="webhook", at=NOW, ms=None, status=status, detail="")]

    monkeypatch.setattr(Inbox, "trace", slowly)
    path = f"/deploy/{site['id']}/test-form"
    hasty = await deploy.call("POST", path, key=key, json={"wait": 0})
    assert (hasty.json["complete"], hasty.json["trace"][-1]["status"], looks) == (False, "waiting", 1)
    patient = await deploy.call("POST", path, key=key, json={})
    assert (patient.json["complete"], patient.json["trace"][-1]["status"], looks) == (True, "200", 3)
    monkeypatch.setattr(trials, "EVERY", 0.5)
    looks = -5
    started = time.monotonic()
    assert (await deploy.call("POST", path, key=key, json={"wait": 1})).json["complete"] is False
    assert 0.9 < time.monotonic() - started < 5


async def test_a_site_without_a_page_has_no_form_to_try(deploy: Deploy, key: str, site: Site) -> None:
    preview = await deploy.publish(key, preview=True)
    path = f"/deploy/{preview['id']}/test-form"
    answer = await deploy.call("POST", path, key=key, json={})
    assert (answer.status, answer.json["error"]) == (404, "Nothing is published yet")
    stranger = await deploy.call("POST", f"/deploy/{site['id']}/test-form", key=deploy.key(), json={})
    assert (stranger.status, stranger.json["error"]) == (404, "Deployment not found")
    unscoped = deploy.key(account=deploy.auth.account(key), scopes=("submissions",))
    assert (await deploy.call("POST", f"/deploy/{site['id']}/test-form", key=unscoped, json={})).status == 403


def test_a_sample_fits_the_fields() -> None:
    fields = (
        Field(name="mail", type="email", required=True), Field(name="age", type="number"),
        Field(name="size", type="select", options=("", "S", "M")),
        Field(name="tags", type="checkbox", options=("a", "b"), multiple=True),
        Field(name="about", label="About you"), Field(name="cv", type="file"), Field(name="_hp"),
        Field(name="ok", type="checkbox"), Field(name="when", type="date"),
    )  # fmt: skip
    contract = Contract(forms=(Form(name="", fields=fields), Form(name="other", fields=(Field(name="x"),))))
    data = samples.data(samples.form_of(contract, None))
    assert data.pop("about").startswith("Test of About you")
    assert data == {
        "mail": "test@example.com", "age": "7", "size": "S", "tags": ["a"], "ok": "on", "when": "2026-01-31",
    }  # fmt: skip
    assert list(samples.data(samples.form_of(contract, "other"))) == ["x"]
    assert samples.form_of(contract, "nobody") is None
    assert samples.data(None)["email"] == "test@example.com"
