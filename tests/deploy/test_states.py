"""What visitors get of versions, of domains, and of sites that are over, gone, or on a name that was another's."""

import asyncio
from typing import Any

import pytest

from services.deploy import live
from tests.support.client import Answer
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.tables import change

PAGE = "<!doctype html><title>t</title><p>one"
FILES = [
    {"path": "index.html", "content": PAGE},
    {"path": "app.3f2a9c1b.js", "content": "1"},
    {"path": "app.js", "content": "2"},
    {"path": "404.html", "content": "<p>lost"},
]
MORE = [{"path": "docs/index.html", "content": "<p>docs"}, {"path": "_redirects", "content": "/old / 301"}]
#: No tag is weighed before a takedown, and no method gets around it.
WAYS: list[dict[str, Any]] = [
    {},
    {"headers": {"If-None-Match": "*"}},
    {"headers": {"Range": "bytes=0-1"}},
    {"method": "HEAD"},
    {"method": "POST", "data": {"password": "x"}},
]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> dict[str, Any]:
    """Give a site that somebody has visited."""
    made = await deploy.publish(key, files=FILES)
    assert (await deploy.site(made["slug"])).status == 200
    return made


async def update(deploy: Deploy, site: dict[str, Any], assignment: str) -> None:
    await change(deploy, f"UPDATE deployments SET {assignment} WHERE id = $1", site["id"])


async def everywhere(deploy: Deploy, site: dict[str, Any], path: str = "/", **given: Any) -> list[Answer]:
    """Ask for a site at all of its addresses."""
    hosts = (site["slug"], f"{site['slug']}--v1")
    below = [await deploy.call(given.get("method", "GET"), f"/s/{name}{path}", **without(given)) for name in hosts]
    return [*below, *[await deploy.site(host, path, **given) for host in hosts]]


def without(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != "method"}


# Over and gone


OVER = [
    ("taken_down_at = now()", 451, "This page was taken down"),
    ("taken_down_at = NULL, expires_at = now() - interval '1 s'", 410, "This page has expired"),
    ("expires_at = now() - interval '1 s', password_hash = 'x'", 410, "This page has expired"),
    ("taken_down_at = now()", 451, "This page was taken down"),
    ("deleted_at = now()", 404, "There is no page here"),
]


async def test_r73_what_is_over_is_over_at_every_address(deploy: Deploy, site: dict[str, Any]) -> None:
    """R73: also for conditions, parts and any method; and forms are closed."""
    for assignment, status, title in OVER:
        await update(deploy, site, assignment)
        for way in WAYS:
            for answer in await everywhere(deploy, site, **way):
                assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")
                assert "ETag" not in answer.headers
                assert title in answer.text or way.get("method") == "HEAD"
        assert (await deploy.submit(site, json={})).status == 404


async def test_r73_what_is_reinstated_is_there_again(deploy: Deploy, site: dict[str, Any]) -> None:
    await update(deploy, site, "taken_down_at = now()")
    assert (await deploy.site(site["slug"])).status == 451
    await update(deploy, site, "taken_down_at = NULL")
    assert {answer.status for answer in await everywhere(deploy, site)} == {200}


async def test_a_site_expires_on_time(deploy: Deploy, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is served from a cache until then, and not for as long as the cache would keep it."""
    monkeypatch.setattr(live, "FRESH", 1000.0)
    await update(deploy, site, "expires_at = now() + interval '3 s'")
    assert (await deploy.site(site["slug"])).status == 200

    async def over() -> bool:
        return (await deploy.site(site["slug"])).status == 410

    await eventually(over)


async def test_a_site_that_was_never_published_is_not_there(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=FILES, preview=True)
    assert (await deploy.site(made["slug"])).status == 404
    assert (await deploy.site(f"{made['slug']}--v1")).status == 200


async def test_a_version_whose_bytes_are_missing_is_not_there(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"files": FILES, "preview": True})
    assert (await deploy.site(f"{site['slug']}--v2")).status == 200
    await change(deploy, "UPDATE versions SET ready_at = NULL WHERE number = 2")
    assert (await deploy.site(f"{site['slug']}--v2")).status == 404


# Versions


async def test_each_version_stays_at_its_own_address(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<p>two"})
    for host, text, number in ((site["slug"], "two", "2"), (f"{site['slug']}--v1", "one", "1")):
        page = await deploy.site(host)
        assert (text in page.text, page.headers["X-Invoker-Version"]) == (True, number)
        below = await deploy.call("GET", f"/s/{host}/")
        assert (text in below.text, below.headers["X-Invoker-Version"]) == (True, number)


async def test_a_version_is_for_no_search_engine(deploy: Deploy, site: dict[str, Any]) -> None:
    for path in ("/", "/app.js", "/nothing"):
        assert (await deploy.site(f"{site['slug']}--v1", path)).headers["X-Robots-Tag"] == "noindex"
        assert "X-Robots-Tag" not in (await deploy.site(site["slug"], path)).headers
    await update(deploy, site, """settings = settings || '{"noindex": true}'""")
    page = await deploy.site(site["slug"])
    assert page.headers["X-Robots-Tag"] == "noindex"
    again = await deploy.site(site["slug"], headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.headers["X-Robots-Tag"]) == (304, "noindex")


async def test_a_version_that_is_not_there_is_404(deploy: Deploy, site: dict[str, Any]) -> None:
    for number in ("0", "2", "01", "", "999999999", "99999999999999999999", "-1", "1.5", "x"):
        assert (await deploy.site(f"{site['slug']}--v{number}")).status == 404
        assert (await deploy.call("GET", f"/s/{site['slug']}--v{number}/")).status == 404


async def test_r69_every_file_names_its_version(deploy: Deploy, site: dict[str, Any]) -> None:
    for path in ("/", "/app.js", "/nothing"):
        for way in WAYS[:-1]:
            assert (await deploy.site(site["slug"], path, **way)).headers["X-Invoker-Version"] == "1"


# Domains


async def test_a_proven_domain_shows_the_site(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    host = {"Host": "www.Example.org:8080"}
    assert (await deploy.call("GET", "/", headers=host)).status == 404
    statement = "INSERT INTO domains (domain, deployment_id, token, verified_at) VALUES ('www.example.org', $1, 't', "
    await change(deploy, f"{statement} NULL)", site["id"])
    assert (await deploy.call("GET", "/", headers=host)).status == 404
    await change(deploy, "UPDATE domains SET verified_at = now()")
    assert (await deploy.call("GET", "/", headers=host)).text == PAGE
    assert (await deploy.call("POST", "/deploy", headers=host, json={})).status == 405
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<p>two"})
    assert (await deploy.call("GET", "/", headers=host)).text == "<p>two"
    await change(deploy, "DELETE FROM domains")
    assert (await deploy.call("GET", "/", headers=host)).status == 404


# Caches


async def test_names_with_a_hash_are_kept_for_ever_and_the_rest_is_asked_for(
    deploy: Deploy, site: dict[str, Any]
) -> None:
    revalidate = "public, max-age=0, must-revalidate"
    for path, lifetime in (
        ("/", revalidate),
        ("/app.js", revalidate),
        ("/nothing", revalidate),
        ("/gone.3f2a9c1b.js", revalidate),
        ("/app.3f2a9c1b.js", "public, max-age=31536000, immutable"),
    ):
        assert (await deploy.site(site["slug"], path)).headers["Cache-Control"] == lifetime
        # nobody tells every cache of a version when it is taken down
        assert (await deploy.site(f"{site['slug']}--v1", path)).headers["Cache-Control"] == revalidate


async def test_a_cdn_is_told_for_how_long(database_url: str, tmp_path: Any, auth: FakeAuth) -> None:
    async with deploying(database_url, tmp_path, auth, cdn_max_age=600) as deploy:
        site = await deploy.publish(auth.key(), files=FILES)
        lifetime = (await deploy.site(site["slug"])).headers["Cache-Control"]
        assert lifetime == "public, max-age=0, must-revalidate, s-maxage=600"
        below = (await deploy.call("GET", f"/s/{site['slug']}/")).headers["Cache-Control"]
        assert below == "public, max-age=0, must-revalidate", "it is told of sites' own hosts"
        assert "s-maxage" not in (await deploy.site(f"{site['slug']}--v1")).headers["Cache-Control"]


# A name that was somebody else's


async def test_what_the_former_holder_left_in_browsers_is_cleared(deploy: Deploy, site: dict[str, Any]) -> None:
    slug = site["slug"]
    await update(deploy, site, "clears_until = now() + interval '1 h'")
    page = await deploy.site(slug)
    assert (page.status, page.headers["Clear-Site-Data"]) == (200, '"*"')
    assert not page.headers["Cache-Control"].startswith("public")
    navigation = await deploy.site(slug, headers={"Sec-Fetch-Dest": "document"})
    assert navigation.headers["Clear-Site-Data"] == '"*"'
    for path, headers in (("/app.js", {}), ("/", {"Sec-Fetch-Dest": "empty"}), ("/", {"If-None-Match": "*"})):
        assert "Clear-Site-Data" not in (await deploy.site(slug, path, headers=headers)).headers
    # the app's own data is not the site's
    assert "Clear-Site-Data" not in (await deploy.call("GET", f"/s/{slug}/")).headers
    await update(deploy, site, "clears_until = now() - interval '1 s'")
    again = await deploy.site(slug)
    assert "Clear-Site-Data" not in again.headers
    assert again.headers["Cache-Control"].startswith("public")


@pytest.mark.parametrize("is_spa", [True, False])
async def test_the_former_holders_worker_is_ended(deploy: Deploy, key: str, *, is_spa: bool) -> None:
    site = await deploy.publish(key, files=FILES[:3], is_spa=is_spa)
    await update(deploy, site, "clears_until = now() + interval '1 h'")
    worker = {"Service-Worker": "script", "Sec-Fetch-Dest": "serviceworker"}
    assert (await deploy.site(site["slug"], "/sw.js", headers=worker)).headers["Clear-Site-Data"] == '"*"'
    assert "Clear-Site-Data" not in (await deploy.site(site["slug"], "/app.js", headers=worker)).headers


async def test_who_knows_the_password_is_not_thrown_out(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"password": "word"})
    await update(deploy, site, "clears_until = now() + interval '1 h'")
    assert (await deploy.site(site["slug"])).headers["Clear-Site-Data"] == '"*"'
    let_in = await deploy.site(site["slug"], method="POST", data={"password": "word"})
    assert (let_in.status, "Clear-Site-Data" in let_in.headers) == (303, False)
    headers = {"Cookie": let_in.headers["Set-Cookie"].partition(";")[0]}
    page = await deploy.site(site["slug"], headers=headers)
    assert (page.status, "Clear-Site-Data" in page.headers) == (200, False)


async def test_a_change_is_seen_under_every_name_at_once(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    await asyncio.gather(*(everywhere(deploy, site) for _ in range(3)))
    await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
    assert {answer.status for answer in await everywhere(deploy, site)} == {404}


async def test_r71_every_kind_of_answer_says_what_it_is(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    """R71: nosniff on all of them, a type with a charset on what is text, and no cookie of ours (R65)."""
    slug = site["slug"]
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"files": [*FILES, *MORE]})
    asked = [("/", way) for way in WAYS] + [("/", {"headers": {"Range": "bytes=999-"}}), ("/docs", {}), ("/none", {})]
    answers = [await deploy.site(slug, path, **way) for path, way in [*asked, ("/old", {})]]
    answers += [await deploy.site("nobody"), await deploy.site(slug, "/%ff")]
    for assignment in ("password_hash = 'x'", "expires_at = now()", "taken_down_at = now()"):
        await update(deploy, site, assignment)
        answers.append(await deploy.site(slug))
    assert {answer.status for answer in answers} == {200, 206, 301, 304, 308, 400, 401, 404, 405, 410, 416, 451}
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not answer.raw or answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Set-Cookie" not in answer.headers
