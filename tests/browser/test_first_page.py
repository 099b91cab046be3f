"""The first ten minutes of a user, in a real browser: log in, create a key, put a page live, fill its form."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.support.client import an_address
from tests.support.standalone import Standalone

FORM = """<!doctype html><html lang=en><title>Waitlist</title><h1>Waitlist</h1>
<form action="{{SUBMIT_URL}}" method=post><label>Email <input name=email type=email></label>
<button>Join</button></form>"""


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Give a profile without cookies, whose script errors and violations of the page's policy fail the test."""
    opened = await browser.new_context()
    complaints: list[str] = []

    def note(line: ConsoleMessage) -> None:
        # a page of a user's has no icon unless they gave it one; browsers ask for it all the same
        if line.type == "error" and not line.location["url"].endswith("/favicon.ico"):
            complaints.append(line.text)

    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    opened.on("console", note)
    yield opened
    await opened.close()
    assert not complaints


async def log_in(page: Page, system: Standalone, email: str) -> None:
    """Log in as a person does: ask for a code, read it in the mailbox page, type it."""
    app = system.target.app
    await page.goto(f"{app}/login")
    await page.get_by_label("Email address").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code from the mail").wait_for()
    mailbox = await page.context.new_page()
    await mailbox.goto(f"{app}/mailbox")
    row = mailbox.get_by_text(f"To {email}")
    for _ in range(50):
        if await row.count():
            break
        await mailbox.wait_for_timeout(100)
        await mailbox.reload()
    code = re.search(r"\b(\d{6}) is your Invoker login code", await mailbox.inner_text("body"))
    assert code is not None
    await mailbox.close()
    await page.get_by_label("Code from the mail").fill(code[1])
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{app}/dashboard")


async def create_key(page: Page, name: str) -> str:
    """Create a key on the dashboard and return the plaintext that the page shows once."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Create a key").click()
    found = re.search(r"inv_[0-9A-Za-z]{36}", await page.content())
    assert found is not None
    return found[0]


async def test_from_login_to_a_submission(context: BrowserContext, system: Standalone) -> None:
    page = await context.new_page()
    await log_in(page, system, an_address())
    key = await create_key(page, "laptop")
    assert await page.get_by_role("button", name="Copy").first.is_visible()
    await page.goto(f"{system.target.app}/dashboard")
    assert key not in await page.content(), "the plaintext is shown once"
    assert await page.get_by_text(f"{key[:8]}…{key[-4:]}").is_visible()

    headers = {"Authorization": f"Bearer {key}"}
    made = await context.request.post(f"{system.target.api}/deploy", headers=headers, data={"html": FORM})
    site = await made.json()
    await page.goto(site["url"])
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_role("button", name="Join").click()
    await page.wait_for_url(re.compile("/thanks"))
    assert "thank" in (await page.inner_text("body")).lower()
    listed = await context.request.get(f"{system.target.api}/submissions/{site['id']}", headers=headers)
    assert [row["data"] for row in (await listed.json())["submissions"]] == [{"email": "ada@example.com"}]


async def test_a_key_is_copied_by_its_button(context: BrowserContext, system: Standalone) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=system.target.app)
    page = await context.new_page()
    await log_in(page, system, an_address())
    key = await create_key(page, "copied")
    await page.get_by_role("button", name="Copy").first.click()
    assert await page.evaluate("navigator.clipboard.readText()") == key


async def test_a_key_is_revoked_on_the_dashboard(context: BrowserContext, system: Standalone) -> None:
    page = await context.new_page()
    await log_in(page, system, an_address())
    key = await create_key(page, "short-lived")
    await page.goto(f"{system.target.app}/dashboard")
    await page.get_by_text("Revoke", exact=True).first.click()
    await page.get_by_role("button", name="Revoke").last.click()
    await page.wait_for_url(re.compile("/dashboard"))
    assert await page.get_by_text(f"{key[:8]}…{key[-4:]}").count() == 0
    answer = await context.request.get(f"{system.target.api}/keys", headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 401


async def test_login_works_without_javascript(browser: Browser, system: Standalone) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await log_in(page, system, an_address())
    assert await create_key(page, "plain")


async def test_logging_out_ends_the_session(context: BrowserContext, system: Standalone) -> None:
    page = await context.new_page()
    await log_in(page, system, an_address())
    cookies = {cookie["name"]: cookie for cookie in await context.cookies()}
    assert cookies["invoker_session"]["httpOnly"]
    assert cookies["invoker_session"]["sameSite"] == "Lax"
    await page.get_by_text("Log out").click()
    await page.goto(f"{system.target.app}/dashboard")
    assert "/login" in page.url


async def test_pages_fit_a_phone(browser: Browser, system: Standalone) -> None:
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    page = await context.new_page()
    for path in ("/", "/login", "/mailbox", "/docs/api"):
        await page.goto(system.target.app + path)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path} is {wide} px wide"
    await log_in(page, system, an_address())
    await create_key(page, "phone")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
