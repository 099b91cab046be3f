"""The script that a page loads for its forms, in a browser: what it adds and holds back, and that all works without."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support import fake_auth
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually
from tests.support.forms import stored
from tests.support.ports import free_port
from tests.support.publishing import change

pytestmark = pytest.mark.asyncio(loop_scope="session")

Site = dict[str, Any]
HTML = """<!doctype html><title>Kontakt</title>
<script src="{{SUBMIT_URL}}/form.js" defer></script>
<form action="{{SUBMIT_URL}}" method=post><input name=email><input name=action type=hidden value=x>
<button name=how value=button>Send</button></form>"""
OWN = """<script>document.forms[0].addEventListener("submit", async (event) => {
  event.preventDefault();
  const sent = await fetch(event.target.getAttribute("action"), {method: "POST", body: new FormData(event.target)});
  document.title = (await sent.json()).message;
});</script>"""


@pytest_asyncio.fixture(loop_scope="session")
async def deploy(database_url: str, tmp_path: Path) -> AsyncIterator[Deploy]:
    """Give a running service, at an address that a browser finds."""
    port = free_port()
    urls: Any = {"api_url": f"http://localhost:{port}", "sites_url": f"http://{{slug}}.sites.localhost:{port}"}
    async with (
        fake_auth.running() as auth,
        deploying(database_url, tmp_path, auth, port=port, rate_limits=False, **urls) as running,
    ):
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a new visitor, whose browser complains of nothing."""
    context, lines = await browser.new_context(), list[str]()
    context.on("weberror", lambda error: lines.append(str(error.error)))
    yield await context.new_page()
    await context.close()
    assert lines == []


async def test_a_browsers_post_has_a_token_and_the_button_that_was_pressed(deploy: Deploy, page: Page) -> None:
    """A robot that fills in at once is told by its haste; its page says thank you all the same."""
    site = await deploy.publish(deploy.key(), html=HTML)
    await page.goto(site["url"])
    await page.fill("[name=email]", "ada@example.com")
    await page.click("button")
    await expect(page.get_by_role("heading")).to_have_text("Thank you")
    (row,) = await stored(deploy, site)
    assert json.loads(row["data"]) == {"email": "ada@example.com", "action": "x", "how": "button"}
    assert (row["spam_reason"], row["idempotency_key"][:4]) == ("too_fast", "tok:")


async def test_a_double_click_sends_once(deploy: Deploy, page: Page) -> None:
    site = await deploy.publish(deploy.key(), html=HTML)
    await page.goto(site["url"])
    await page.fill("[name=email]", "ada@example.com")
    await page.dblclick("button")
    await page.wait_for_url("**/thanks")
    assert len(await stored(deploy, site)) == 1
    await page.go_back()
    await page.fill("[name=email]", "other@example.com")
    await page.click("button")
    await page.wait_for_url("**/thanks")
    assert len(await stored(deploy, site)) == 2


async def test_a_script_of_the_page_sends_the_token_too(deploy: Deploy, page: Page) -> None:
    site = await deploy.publish(deploy.key(), html=HTML + OWN)
    await page.goto(site["url"])
    await page.click("button")
    await expect(page).to_have_title("Submission received")
    await expect(page.get_by_role("button")).to_be_enabled()
    assert [row["spam_reason"] for row in await stored(deploy, site)] == ["too_fast"]


async def test_a_hot_form_takes_what_the_browser_worked_for(deploy: Deploy, page: Page) -> None:
    key = deploy.key()
    site = await deploy.publish(key, html=HTML)
    await change(deploy, key, site["id"], proof_of_work=True)
    for number in range(31):
        await deploy.submit(site, json={"n": number})
    await page.goto(site["url"])
    opened = await page.evaluate("performance.now()")
    await page.fill("[name=email]", "ada@example.com")
    await eventually(lambda: page.evaluate("start => performance.now() - start > 2100", opened))
    await page.click("button")
    await page.wait_for_url("**/thanks")
    reasons = [row["spam_reason"] for row in await stored(deploy, site)]
    assert reasons == [None] * 30 + ["no_proof", None]


async def test_whoever_is_faster_than_the_work_waits_for_it(deploy: Deploy, page: Page) -> None:
    key = deploy.key()
    site = await deploy.publish(key, html=HTML)
    await change(deploy, key, site["id"], proof_of_work=True)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    await page.goto(site["url"])
    await page.click("button")
    await page.wait_for_url("**/thanks")
    (body,) = sent
    assert "_proof=" in body
    assert "how=button" in body


async def test_without_scripts_a_form_works_all_the_same(deploy: Deploy, browser: Browser) -> None:
    site = await deploy.publish(deploy.key(), html=HTML)
    context = await browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = await context.new_page()
    await page.goto(site["url"])
    await page.fill("[name=email]", "ada@example.com")
    await page.click("button")
    await expect(page.get_by_role("heading")).to_have_text("Merci")
    await context.close()
    assert [row["status"] for row in await stored(deploy, site)] == ["accepted"]
