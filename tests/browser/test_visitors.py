"""What only a browser can tell of sites: passwords below the app, and workers that outlive their site."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support import fake_auth
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually
from tests.support.tables import change

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOCKED = [
    {"path": "index.html", "content": "<!doctype html><title>t</title><link rel=stylesheet href=a.css>"
     "<script type=module src=a.js></script><img src=a.svg alt=''><h1>Secret</h1><a href=two.html>Two</a>"},
    {"path": "two.html", "content": "<!doctype html><title>two</title><link rel=stylesheet href=a.css><h1>Second</h1>"},
    {"path": "a.css", "content": "h1 {color: rgb(1, 2, 3)}"},
    {"path": "a.js", "content": "document.title = (await (await fetch('data.json')).json()).title"},
    {"path": "data.json", "content": '{"title": "all loaded"}'},
    {"path": "a.svg", "content": "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>"},
]  # fmt: skip
WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
self.addEventListener("fetch", (event) => event.request.mode === "navigate" && event.respondWith(
  new Response("<title>left behind</title>", {headers: {"Content-Type": "text/html"}})));
"""
FIRST = """<!doctype html><title>first</title><script>
localStorage.left = "behind";
navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready)
  .then(() => {document.title = "on"});
</script>"""


@pytest_asyncio.fixture(loop_scope="session")
async def deploy(database_url: str, tmp_path: Path) -> AsyncIterator[Deploy]:
    """Give a running service, without a dashboard and without limits."""
    async with fake_auth.running() as auth, deploying(database_url, tmp_path, auth, rate_limits=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a new visitor; refusals in its console are what these tests are about."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


def address(deploy: Deploy, slug: str) -> str:
    return f"http://{slug}.sites.localhost:{deploy.url.rpartition(':')[2]}/"


@pytest.mark.parametrize("below", [False, True])
async def test_a_password_opens_a_page_and_all_that_it_loads(deploy: Deploy, page: Page, *, below: bool) -> None:
    key = deploy.key()
    site = await deploy.publish(key, files=LOCKED)
    await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"password": "word"})
    url = (
        f"{deploy.url.replace('127.0.0.1', 'localhost')}/s/{site['slug']}/" if below else address(deploy, site["slug"])
    )
    await page.goto(url)
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("alert")).to_contain_text("not the right one")
    for _ in range(2):
        if await page.get_by_label("Password").count():
            await page.get_by_label("Password").fill("word")
            await page.get_by_role("button", name="Open").click()
        await expect(page).to_have_title("all loaded")
        await expect(page.get_by_role("heading")).to_have_css("color", "rgb(1, 2, 3)")
        assert await page.locator("img").evaluate("image => image.naturalWidth") == 10
        # who comes back is known
        await page.goto(url)
    await page.get_by_role("link", name="Two").click()
    await expect(page.get_by_role("heading", name="Second")).to_have_css("color", "rgb(1, 2, 3)")


async def test_a_former_holders_worker_does_not_stay_before_the_new_site(deploy: Deploy, page: Page) -> None:
    key = deploy.key()
    site = await deploy.publish(
        key, files=[{"path": "index.html", "content": FIRST}, {"path": "sw.js", "content": WORKER}]
    )
    url = address(deploy, site["slug"])
    await page.goto(url)
    await expect(page).to_have_title("on")
    await page.goto(url)
    await expect(page).to_have_title("left behind")
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<!doctype html><title>new</title>"})
    await change(deploy, "UPDATE deployments SET clears_until = now() + interval '1 h'")

    async def new() -> bool:
        await page.goto(url)
        return await page.title() == "new"

    # the browser asks for a newer worker a second after a page has come to rest
    await eventually(new, every=2)
    assert await page.evaluate("localStorage.left") is None
