"""The first ten minutes of a user, and the ends of a session, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browsing import Complaints, Person
from tests.support.standalone import Standalone

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def log_in(page: Page, person: Person) -> None:
    """Log in as a person does: ask for a code, read it in the mailbox page, type it."""
    app = person.target.app
    await page.goto(f"{app}/login")
    await page.get_by_label("Email address").fill(person.email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code from the mail").wait_for()
    await person.code()
    mailbox = await page.context.new_page()
    await mailbox.goto(f"{app}/mailbox")
    mail = mailbox.get_by_role("link").filter(has_text=f"To {person.email}")
    code = await mail.get_by_label("Login code").inner_text()
    await mailbox.close()
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{app}/dashboard")


async def test_from_login_to_a_submission(stranger: Person) -> None:
    page = await stranger.context.new_page()
    await log_in(page, stranger)
    await expect(page.get_by_role("heading", name="Connect your assistant")).to_be_visible()
    assert '"mcpServers"' in await page.get_by_label("MCP configuration").inner_text()

    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_label("Name", exact=True).fill("laptop")
    await page.get_by_role("button", name="Create the key").click()
    key = await page.get_by_label("The new key").inner_text()
    await page.get_by_role("button", name="I have saved it").click()
    await expect(page.get_by_text(f"{key[:8]}…{key[-4:]}")).to_be_visible()
    assert key not in await page.content(), "the plaintext is shown once"

    site = await stranger.site()
    await page.goto(site["url"])
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_role("button", name="Join").click()
    await page.wait_for_url(re.compile("/thanks"))
    assert "thank" in (await page.inner_text("body")).lower()
    await stranger.go(page, f"/dashboard/sites/{site['id']}")
    await expect(page.get_by_role("cell", name="ada@example.com", exact=True)).to_be_visible()


async def test_login_works_without_javascript(new_context: Callable[..., Any], system: Standalone) -> None:
    person = Person(await new_context(java_script_enabled=False), system.target)
    page = await person.context.new_page()
    await log_in(page, person)
    await expect(page.get_by_role("heading", name="The dashboard needs JavaScript")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await page.goto(f"{system.target.app}/dashboard")
    assert page.url.endswith("/login")


async def test_logging_out_ends_the_session(person: Person) -> None:
    page = await person.open()
    cookies = {cookie["name"]: cookie for cookie in await person.context.cookies()}
    assert cookies["invoker_session"]["httpOnly"]
    assert cookies["invoker_session"]["sameSite"] == "Lax"
    await page.get_by_role("button", name="Log out").click()
    await page.goto(f"{person.target.app}/dashboard")
    assert page.url.endswith("/login")


async def test_a_session_that_ended_leads_to_the_door_with_a_word(person: Person, complaints: Complaints) -> None:
    page = await person.open()
    await person.api("POST", "/auth/logout")
    await page.get_by_role("link", name="Sites").click()
    await page.wait_for_url("**/login?ended=1")
    await expect(page.get_by_role("status")).to_contain_text("You are logged out")
    assert all("401" in line for line in complaints.lines)
    complaints.lines.clear()
