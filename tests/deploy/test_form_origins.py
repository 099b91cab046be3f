"""R86: which pages may send a form, what it never does with credentials, and where it leads afterwards."""

from typing import Any

import pytest

from tests.support.deploying import BROWSER, Deploy, deploying
from tests.support.publishing import change, replace
from tests.support.tables import change as write

Site = dict[str, Any]
MINE, DOMAIN, CODE = "https://mine.example", "www.example.com", "origin_not_allowed"
THANKS = "http://localhost:8080/api/submit/{id}/thanks"


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form, two versions and a domain."""
    made = await deploy.publish(key)
    await replace(deploy, key, made["id"], html="<p>2")
    await write(
        deploy,
        "INSERT INTO domains (deployment_id, domain, token, verified_at) VALUES ($1, $2, 't', now())",
        made["id"], DOMAIN,
    )  # fmt: skip
    return made


def origins(site: Site) -> dict[str, bool]:
    """Return origins, and whether they may send where the owner lists one of their own."""
    return {
        MINE: True,
        site["url"]: True,
        site["url"].replace(site["slug"], f"{site['slug']}--v1"): True,
        f"https://{DOMAIN}": True,
        "null": False,
        "https://evil.example": False,
        "https://mine.example.evil.example": False,
        "https://mine.example:8443": False,
        "http://mine.example": False,
        site["url"].replace(site["slug"], "other"): False,
        "http://localhost:8080": False,
        f"https://{DOMAIN}@evil.example": False,
        f"https://{DOMAIN}/": False,
        f"ftp://{DOMAIN}": False,
        "https://[": False,
        "": False,
    }


async def test_r86_a_foreign_origin_is_refused_where_the_owner_lists_some(deploy: Deploy, key: str, site: Site) -> None:
    await change(deploy, key, site["id"], allowed_origins=[MINE])
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus, rate_limits=False) as unlimited:
        for origin, allowed in origins(site).items():
            answer = await unlimited.submit(site, json={}, headers={"Origin": origin})
            assert (answer.status, answer.json.get("code")) == ((200, None) if allowed else (403, CODE)), origin
            assert "Access-Control-Allow-Credentials" not in answer.headers
        assert (await unlimited.submit(site, json={})).status == 200, "what is no browser sends no Origin"


async def test_r86_without_a_list_every_origin_may_send_and_none_with_credentials(deploy: Deploy, site: Site) -> None:
    for origin in ("null", "https://evil.example", site["url"]):
        headers = {"Origin": origin, "Cookie": "invoker_session=ses_x"}
        for answer in (
            await deploy.submit(site, json={}, headers=headers),
            await deploy.call("OPTIONS", f"/submit/{site['id']}", headers=headers),
            await deploy.call("GET", f"/submit/{site['id']}/form.js", headers=headers),
        ):
            assert answer.status in {200, 204}
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Set-Cookie" not in answer.headers


async def test_r86_success_leads_to_the_site_that_was_filled_in_and_nowhere_else(deploy: Deploy, site: Site) -> None:
    """R86: relative to where the form is, if that is the site's: its domain, a version; else its own address."""
    preview = site["url"].replace(site["slug"], f"{site['slug']}--v1")
    expected = {
        (f"https://{DOMAIN}", "/danke"): f"https://{DOMAIN}/danke",
        (f"https://{DOMAIN}", f"{site['url']}/danke"): f"{site['url']}/danke",
        (preview, "danke"): f"{preview}/danke",
        ("https://evil.example", "/danke"): f"{site['url']}/danke",
        ("https://evil.example", "https://evil.example/danke"): THANKS.format(id=site["id"]),
        (f"https://{DOMAIN}", "https://evil.example/danke"): THANKS.format(id=site["id"]),
        ("null", "/danke"): f"{site['url']}/danke",
    }
    for (origin, wanted), location in expected.items():
        sent = await deploy.submit(site, data={"_next": wanted}, headers={"Origin": origin, **BROWSER})
        assert (sent.status, sent.headers["Location"]) == (303, location), (origin, wanted)


async def test_r86_the_owners_own_redirect_is_followed_as_set(deploy: Deploy, key: str, site: Site) -> None:
    for redirect, location in (("/ok", f"https://{DOMAIN}/ok"), ("https://x.example/ok", "https://x.example/ok")):
        await change(deploy, key, site["id"], redirect=redirect)
        sent = await deploy.submit(site, data={"a": "b"}, headers={"Origin": f"https://{DOMAIN}", **BROWSER})
        assert sent.headers["Location"] == location


async def test_a_person_is_told_in_words_that_this_page_may_not_send(deploy: Deploy, key: str, site: Site) -> None:
    await change(deploy, key, site["id"], allowed_origins=[MINE])
    answer = await deploy.submit(site, data={"a": "b"}, headers={"Origin": "null", **BROWSER})
    assert (answer.status, "may not be sent from this page" in answer.text) == (403, True)
