"""`_test`: the owner tries a form; and `_subject`, which goes with a submission and is no data."""

import json
from typing import Any

import pytest

from tests.support.deploying import Deploy
from tests.support.forms import judged, ledger, stored, token

Site = dict[str, Any]
TRIAL = {"a": "b", "_test": True}


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form."""
    return await deploy.publish(key)


async def test_a_trial_is_marked_and_not_counted_or_judged(deploy: Deploy, site: Site, key: str) -> None:
    for more in ({}, {"_hp": "x"}, {"_token": token(site, 0.1)}, {"x": "[url=y]"}):
        assert (await deploy.submit(site, json=TRIAL | more, key=key)).status == 200
    assert await judged(deploy, site) == [("test", None)] * 4
    assert json.loads((await stored(deploy, site))[0]["data"]) == {"a": "b"}
    assert await ledger(deploy, site) == {}
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json["submission_count"] == 0


async def test_a_trial_is_not_limited_and_uses_up_nothing(deploy: Deploy, site: Site, key: str) -> None:
    for _ in range(12):
        assert (await deploy.submit(site, json=TRIAL, key=key)).status == 200
    answers = [await deploy.submit(site, json={}) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert (await deploy.submit(site, json=TRIAL, key=key)).status == 200
    assert (await deploy.submit(site, json={"_test": "false"}, key=key)).status == 429, "with a key, and no trial"


@pytest.mark.parametrize("body", [{"json": TRIAL}, {"data": {"a": "b", "_test": "true"}}, {"data": {"_test": "1"}}])
async def test_every_encoding_can_say_that_it_is_a_trial(
    deploy: Deploy, site: Site, key: str, body: dict[str, Any]
) -> None:
    await deploy.submit(site, key=key, **body)
    assert await judged(deploy, site) == [("test", None)]


async def test_without_a_key_a_trial_is_as_any_other(deploy: Deploy, site: Site) -> None:
    await deploy.submit(site, json=TRIAL)
    assert await judged(deploy, site) == [("accepted", None)]


@pytest.mark.parametrize("scopes", [("full",), ("deploy",), ("submissions",)])
async def test_a_key_for_deploys_or_submissions_may_try(deploy: Deploy, scopes: tuple[str, ...]) -> None:
    account = deploy.auth.account(owner := deploy.key())
    site = await deploy.publish(owner)
    assert (await deploy.submit(site, json=TRIAL, key=deploy.key(account=account, scopes=scopes))).status == 200
    bound = deploy.key(account=account, scopes=scopes, site=site["slug"])
    assert (await deploy.submit(site, json=TRIAL, key=bound)).status == 200
    assert await judged(deploy, site) == [("test", None)] * 2


async def test_whoever_may_not_try_is_told_and_nothing_is_stored(deploy: Deploy, site: Site, key: str) -> None:
    account = deploy.auth.account(key)
    refused = {
        deploy.key(): (404, "deployment_not_found"),
        deploy.key(account=account, scopes=("read", "webhooks", "keys")): (403, "missing_scope"),
        deploy.key(account=account, site="another"): (404, "deployment_not_found"),
        "inv_nonsense": (401, "unauthorized"),
        "tok_nonsense": (401, "unauthorized"),
    }
    for other, (status, code) in refused.items():
        answer = await deploy.submit(site, json=TRIAL, key=other)
        assert (answer.status, answer.json["code"]) == (status, code)
        # the credential is not looked at for what is no trial
        assert (await deploy.submit(site, json={"a": "b"}, key=other)).status == 200
    assert await judged(deploy, site) == [("accepted", None)] * len(refused)


async def test_a_browsers_session_tries_nothing(deploy: Deploy, site: Site, key: str) -> None:
    cookie = deploy.auth.session(account=deploy.auth.account(key))
    await deploy.submit(site, json=TRIAL, headers={"Cookie": f"invoker_session={cookie}"})
    assert await judged(deploy, site) == [("accepted", None)]


SUBJECTS = {
    "Hello": "Hello",
    " a\r\nBcc: x@y.example ": "a Bcc: x@y.example",
    "\u202eevil": "evil",
    "": None,
    "x" * 400: "x" * 150,
}


@pytest.mark.parametrize("given, subject", SUBJECTS.items())
async def test_a_subject_is_one_line_and_no_data(deploy: Deploy, site: Site, given: str, subject: str | None) -> None:
    await deploy.submit(site, json={"a": "b", "_subject": given})
    (row,) = await stored(deploy, site)
    assert (row["subject"], json.loads(row["data"])) == (subject, {"a": "b"})
