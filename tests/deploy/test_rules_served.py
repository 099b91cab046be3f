"""`_redirects` and `_headers` as visitors meet them."""

from typing import Any

import pytest

from tests.support.deploying import Deploy

REDIRECTS = """
/old            /new.html
/moved          https://example.org/there      302
/blog/*         /news/:splat                   301
/app/*          /app.html                      200
/forced.html    /new.html                      302!
/plain.html     /elsewhere                     302
/gone           /gone.html                     404
/dir-shown      /docs                          200
/nowhere        /missing.html                  200
/up/*           https://example.org/:splat     302
"""
HEADERS = """
/*
  X-Frame-Options: DENY
/new.html
  Cache-Control: public, max-age=60
  X-Custom: x
/app/*
  X-App: yes
"""
FILES = [
    {"path": path, "content": f"<p>{path}"}
    for path in (
        "index.html",
        "new.html",
        "app.html",
        "gone.html",
        "forced.html",
        "plain.html",
        "docs/index.html",
        "app/real.txt",
    )
]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> dict[str, Any]:
    """Give a site with rules."""
    rules = [{"path": "_redirects", "content": REDIRECTS}, {"path": "_headers", "content": HEADERS}]
    return await deploy.publish(key, files=[*FILES, *rules])


LEADS = [
    ("/old", 301, "/new.html"),
    ("/old?a=b", 301, "/new.html?a=b"),
    ("/moved", 302, "https://example.org/there"),
    ("/blog/2024/x%20y", 301, "/news/2024/x%20y"),
    ("/forced.html", 302, "/new.html"),
    ("/up/a/b", 302, "https://example.org/a/b"),
]


async def test_a_rule_leads_elsewhere(deploy: Deploy, site: dict[str, Any]) -> None:
    for path, status, location in LEADS:
        answer = await deploy.site(site["slug"], path)
        assert (answer.status, answer.headers["Location"]) == (status, location)
        assert answer.headers["X-Invoker-Version"] == "1"
        below = await deploy.call("GET", f"/s/{site['slug']}{path}")
        assert below.headers["Location"] == (f"/s/{site['slug']}" if location.startswith("/") else "") + location


async def test_a_rule_shows_another_file(deploy: Deploy, site: dict[str, Any]) -> None:
    for path, status, shown in (
        ("/app/deep/link", 200, "app.html"),
        ("/app/real.txt", 200, "app/real.txt"),
        ("/plain.html", 200, "plain.html"),
        ("/gone", 404, "gone.html"),
        ("/dir-shown", 200, "docs/index.html"),
    ):
        answer = await deploy.site(site["slug"], path)
        assert (answer.status, answer.text) == (status, f"<p>{shown}")


async def test_a_rule_that_shows_what_is_not_there_is_404(deploy: Deploy, site: dict[str, Any]) -> None:
    assert (await deploy.site(site["slug"], "/nowhere")).status == 404


async def test_the_rules_themselves_are_nobodys(deploy: Deploy, site: dict[str, Any]) -> None:
    for path in ("/_redirects", "/_headers", "/%5fheaders", "/_headers/"):
        assert (await deploy.site(site["slug"], path)).status == 404


async def test_headers_are_set_where_the_site_says(deploy: Deploy, site: dict[str, Any]) -> None:
    page = await deploy.site(site["slug"], "/new.html")
    wanted = {"X-Frame-Options": "DENY", "Cache-Control": "public, max-age=60", "X-Custom": "x"}
    assert {name: page.headers[name] for name in wanted} == wanted
    again = await deploy.site(site["slug"], "/new.html", headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.headers["Cache-Control"]) == (304, "public, max-age=60")
    assert (await deploy.site(site["slug"], "/app/deep")).headers["X-App"] == "yes"
    assert "X-App" not in (await deploy.site(site["slug"], "/")).headers


async def test_a_sites_headers_do_not_undo_its_password(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"password": "word"})
    let_in = await deploy.site(site["slug"], method="POST", data={"password": "word"})
    headers = {"Cookie": let_in.headers["Set-Cookie"].partition(";")[0]}
    page = await deploy.site(site["slug"], "/new.html", headers=headers)
    assert (page.status, page.headers["Cache-Control"]) == (200, "private, no-store")


async def test_below_the_app_the_sandbox_stays(deploy: Deploy, key: str) -> None:
    rules = {"path": "_headers", "content": "/*\n  Content-Security-Policy: default-src https:\n"}
    site = await deploy.publish(key, files=[*FILES, rules])
    page = await deploy.call("GET", f"/s/{site['slug']}/")
    policies = page.headers.getall("Content-Security-Policy")
    assert "default-src https:" in policies
    assert any(policy.startswith("sandbox ") for policy in policies)
