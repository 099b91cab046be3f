"""The dashboard as the server sends it: a shell behind the door, and modules that may be kept for ever."""

import re
from pathlib import Path

import pytest

from services.auth.pages.assets import DIGEST, MODULES, WEB
from tests.support.auth import Auth
from tests.support.client import an_address

ROOT = Path(__file__).parents[2] / "web"
SITE = "/sites/dep_0000000000000000"
SITE_PAGES = [SITE, f"{SITE}/versions", f"{SITE}/settings", f"{SITE}/domains"]
INBOX_PAGES = [f"{SITE}/inbox", f"{SITE}/inbox/sub_{'0' * 16}", f"{SITE}/webhooks", f"{SITE}/webhooks/wh_{'0' * 16}"]
PAGES = ["", "/connect", "/sites", *SITE_PAGES, *INBOX_PAGES, "/account", "/account/activity"]


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_of_the_dashboard_leads_a_stranger_to_the_door(auth: Auth, page: str) -> None:
    answer = await auth.browser().get(f"/dashboard{page}")
    assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_every_page_of_the_dashboard_can_be_loaded_anew(auth: Auth) -> None:
    browser = auth.browser()
    await browser.log_in(an_address())
    answers = [await browser.get(f"/dashboard{page}") for page in PAGES]
    assert {answer.status for answer in answers} == {200}
    assert (await browser.get("/dashboard/nothing")).status == 404
    policy = answers[0].headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert "JavaScript" in answers[0].text.partition("<noscript>")[2], "who has none is told what is missing"


async def test_the_shell_names_every_module_and_each_is_there(auth: Auth) -> None:
    browser = auth.browser()
    await browser.log_in(an_address())
    named = re.findall(r'(?:href|src)="(/web/[^"]+)"', (await browser.get("/dashboard")).text)
    assert {f"/web/{DIGEST}/{name}" for name in MODULES} <= set(named)
    for path in set(named):
        answer = await auth.call("GET", path)
        assert answer.status == 200, path
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (
            answer.headers["Content-Type"] == f"text/{'css' if path.endswith('css') else 'javascript'}; charset=utf-8"
        )


async def test_files_that_another_replica_named_are_answered_and_not_kept(auth: Auth) -> None:
    answer = await auth.call("GET", "/web/0123456789abcdef/app.js")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("path", ["nothing.js", "../pyproject.toml", "..%2f..%2fpyproject.toml", "views", "app.js/"])
async def test_nothing_but_the_modules_can_be_fetched(auth: Auth, path: str) -> None:
    assert (await auth.call("GET", f"/web/{DIGEST}/{path}")).status == 404


@pytest.mark.parametrize("name", [name for name in WEB if name.endswith(".js")])
def test_a_module_is_small_and_imports_what_is_there(name: str) -> None:
    """No module makes markup of text, sets a style, or is past 300 lines."""
    text = WEB[name].decode()
    folder = (ROOT / name).parent
    for imported in re.findall(r'from "([^"]+)"', text):
        assert (folder / imported).resolve().is_relative_to(ROOT), imported
        assert (folder / imported).is_file(), imported
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|\bstyle:|\.style\b", text)
    assert text.startswith("// "), "a sentence heads each module"
    assert len(text.splitlines()) <= 300


async def test_a_claim_link_is_a_page_for_strangers_and_the_dashboards_for_owners(auth: Auth) -> None:
    """The token is behind the #: the server sees the site's name and nothing else, and says so to nobody."""
    browser = auth.browser()
    stranger = await browser.get("/claim/my-page")
    assert stranger.status == 200
    assert 'data-slug="my-page"' in stranger.text
    assert auth.config.site_url("my-page") in stranger.text
    assert "POST /claim" in stranger.text.partition("<noscript>")[2], "who has no JavaScript is told of another way"
    [script] = re.findall(r'src="(/web/[^"]+)"', stranger.text)
    assert (await auth.call("GET", script)).status == 200
    assert stranger.headers["Cache-Control"] == "no-store"
    await browser.log_in(an_address())
    owner, dashboard = await browser.get("/claim/my-page"), await browser.get("/dashboard")
    assert (owner.status, 'id="app"' in owner.text) == (200, True)
    assert owner.headers["Content-Security-Policy"] == dashboard.headers["Content-Security-Policy"]


@pytest.mark.parametrize("slug", ["-a", "A", "a_b", "a" * 64, "a/b", ""])
async def test_what_can_be_no_sites_name_has_no_claim_page(auth: Auth, slug: str) -> None:
    assert (await auth.browser().get(f"/claim/{slug}")).status == 404
