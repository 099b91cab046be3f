"""Contract, section 4: a site's settings: what is given is changed, null takes one back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.deploying import BROWSER, Deploy
from tests.support.publishing import change, later, replace, upkeep_of, value

#: Each with a value, and what is shown while nobody has set it.
SETTINGS: dict[str, tuple[Any, Any]] = {
    "title": ("Title", None),
    "description": ("Words", None),
    "favicon": ("\U0001f680", None),
    "is_spa": (True, False),
    "noindex": (True, False),
    "notify_email": (False, True),
    "allowed_origins": (["https://example.com"], []),
    "redirect": ("https://example.com/thanks", None),
    "retention": (30, None),
    "files": (True, False),
    "spam_words": (["casino", "cheap pills"], []),
    "proof_of_work": (True, False),
}


async def shown(deploy: Deploy, key: str, site: dict[str, Any]) -> Any:
    return (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json


@pytest.fixture
async def site(deploy: Deploy, key: str) -> dict[str, Any]:
    return await deploy.publish(key)


async def test_each_setting_is_set_shown_and_taken_back(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    for name, (given, default) in SETTINGS.items():
        before = (await shown(deploy, key, site))["settings"]
        assert before[name] == default
        answer = await change(deploy, key, site["id"], **{name: given})
        assert (answer.status, answer.json["settings"]) == (200, before | {name: given}), name
        assert (await shown(deploy, key, site))["settings"] == before | {name: given}
        assert (await change(deploy, key, site["id"], **{name: None})).json["settings"] == before, name


async def test_settings_stay_over_a_deploy_that_says_nothing_of_them(
    deploy: Deploy, key: str, site: dict[str, Any]
) -> None:
    await change(deploy, key, site["id"], **{name: given for name, (given, _) in SETTINGS.items()})
    await replace(deploy, key, site["id"], html="two", title="Other")
    after = (await shown(deploy, key, site))["settings"]
    assert after == {name: given for name, (given, _) in SETTINGS.items()} | {"title": "Other", "password_set": False}


async def test_a_password_is_asked_for_until_it_is_taken_back(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    answer = await change(deploy, key, site["id"], password="open sesame")
    assert (answer.status, answer.json["settings"]["password_set"]) == (200, True)
    assert "sesame" not in answer.text
    for slug in (site["slug"], f"{site['slug']}--v1"):
        assert (await deploy.site(slug)).status == 401
    kept = await value(deploy, "SELECT password_hash FROM deployments")
    assert kept.startswith("$argon2id$")
    assert (await change(deploy, key, site["id"], password=None)).json["settings"]["password_set"] is False
    assert (await deploy.site(site["slug"])).status == 200


async def test_a_site_may_end_and_its_owner_may_put_that_off(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    end = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    answer = await change(deploy, key, site["id"], expires_at=end.isoformat())
    assert datetime.fromisoformat(answer.json["expires_at"]) == end
    await later(deploy, "deployments", "expires_at", "25 hours")
    deploy.bus.gap()
    assert (await deploy.site(site["slug"])).status == 410
    assert (await change(deploy, key, site["id"], expires_at=None)).json["expires_at"] is None
    assert (await deploy.site(site["slug"])).status == 200


BAD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an unknown setting": {"colour": "red"},
    "a known one and an unknown one": {"title": "x", "colour": "red"},
    "an end in the past": {"expires_at": "2020-01-01T00:00:00Z"},
    "an end beyond ten years": {"expires_at": "2099-01-01T00:00:00Z"},
    "no moment": {"expires_at": "tomorrow"},
    "an empty password": {"password": ""},
    "a long password": {"password": "x" * 201},
    "a long title": {"title": "x" * 1001},
    "a title of a wrong type": {"title": 5},
    "a boolean of a wrong type": {"noindex": "yes"},
    "no origin": {"allowed_origins": ["example.com"]},
    "an origin with a path": {"allowed_origins": ["https://example.com/a"]},
    "too many origins": {"allowed_origins": [f"https://{n}.example.com" for n in range(21)]},
    "no address": {"redirect": "thanks"},
    "another host as a path": {"redirect": "//example.com/thanks"},
    "another host as a path, for browsers": {"redirect": "/\\example.com/thanks"},
    "a script as an address": {"redirect": "javascript:alert(1)"},
    "an address with a line's end": {"redirect": "https://example.com/\r\nX: y"},
    "no days": {"retention": 0},
    "too many days": {"retention": 3651},
}


async def test_a_bad_setting_is_422_and_changes_nothing(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    before = await shown(deploy, key, site)
    for name, body in BAD.items():
        answer = await change(deploy, key, site["id"], **body)
        assert (answer.status, answer.json["code"]) == (422, "invalid"), name
    assert await shown(deploy, key, site) == before


async def test_an_owners_redirect_may_be_a_path_of_the_site(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    for given, leads in (
        ("/danke?a=1", site["url"] + "/danke?a=1"),
        ("https://example.com/x", "https://example.com/x"),
    ):
        assert (await change(deploy, key, site["id"], redirect=given)).status == 200
        sent = await deploy.submit(site, data={"a": "b"}, headers=BROWSER)
        assert (sent.status, sent.headers["Location"]) == (303, leads)


async def test_settings_are_their_owners(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    assert (await change(deploy, deploy.key(), site["id"], title="x")).status == 404
    reader = deploy.key(account=deploy.auth.account(key), scopes=("read",))
    assert (await change(deploy, reader, site["id"], title="x")).status == 403


async def test_submissions_go_when_they_are_older_than_wanted(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    other = await deploy.publish(key)
    for each in (site, other):
        await deploy.submit(each, json={"a": "b"})
    await later(deploy, "submissions", "created_at", "8 days")
    await deploy.submit(site, json={"a": "new"})
    await change(deploy, key, site["id"], retention=7)
    async with upkeep_of(deploy) as upkeep:
        assert (await upkeep.retire_submissions(), await upkeep.retire_submissions()) == (1, 0)
    assert [row["data"]["a"] for row in (await deploy.submissions(key, site))["submissions"]] == ["new"]
    assert (await deploy.submissions(key, other))["total"] == 1
