"""The account on the dashboard: address, browsers, activity, data, end and return."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.browsing import Complaints, Person
from tests.support.client import an_address
from tests.support.standalone import Standalone

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_account_shows_plan_and_usage(person: Person) -> None:
    await person.site()
    page = await person.open("/dashboard/account")
    await expect(page.get_by_text(person.email)).to_be_visible()
    await expect(page.get_by_text("1 of 5 in use").first).to_be_visible()
    assert await page.locator("progress").get_attribute("value") == "1"


async def test_another_browser_is_logged_out(
    person: Person, new_context: Callable[..., Any], system: Standalone, complaints: Complaints
) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    other = Person(await new_context(user_agent=agent), system.target, person.email)
    await other.log_in()
    elsewhere = await other.open()
    page = await person.open("/dashboard/account")
    await expect(page.get_by_role("listitem").filter(has_text="This one")).to_contain_text("Chrome on Linux")
    await page.get_by_role("button", name="Log out Firefox on Linux").click()
    await expect(page.get_by_role("heading", name="Firefox on Linux")).to_have_count(0)
    await elsewhere.get_by_role("link", name="Sites").click()
    await elsewhere.wait_for_url("**/login?ended=1")
    complaints.lines.clear()  # the 401 that says so


async def test_activity_is_told_in_sentences(person: Person) -> None:
    made = await person.api("POST", "/keys", {"name": "CI"})
    await person.api("DELETE", f"/keys/{made['id']}")
    page = await person.open("/dashboard/account")
    await page.get_by_role("link", name="All activity").click()
    events = page.get_by_role("list", name="Activity")
    await expect(events).to_contain_text("The key “CI” was revoked")
    await expect(events).to_contain_text("The key “CI” was created")
    await expect(events).to_contain_text("Chrome on Linux was logged in")
    await expect(events.get_by_role("listitem").first).to_contain_text("by this browser")


async def test_the_address_is_changed_by_two_codes(person: Person) -> None:
    new = an_address()
    page = await person.open("/dashboard/account")
    await page.get_by_role("button", name="Change it").click()
    await page.get_by_label("New address").fill(new)
    await page.get_by_role("button", name="Send both codes").click()
    await page.get_by_label(f"Code sent to {person.email}").fill(await person.code("address"))
    fresh = Person(person.context, person.target, new)
    await page.get_by_label(f"Code sent to {new}").fill(await fresh.code("address"))
    await page.get_by_role("button", name="Change the address").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("definition").get_by_text(new)).to_be_visible()


async def test_ones_data_is_downloaded(person: Person) -> None:
    await person.api("POST", "/keys", {"name": "CI"})
    page = await person.open("/dashboard/account")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download my data").click()
    data = json.loads((await (await download.value).path()).read_text())
    assert [key["name"] for key in data["keys"]] == ["CI"]


async def test_a_deleted_account_comes_back_by_a_login(person: Person) -> None:
    site = await person.site(title="Waitlist")
    page = await person.open("/dashboard/account")
    await page.get_by_role("button", name="Delete the account").click()
    await page.get_by_label("To confirm").fill(person.email)
    await page.get_by_role("dialog").get_by_role("button", name="Delete the account").click()
    await expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    await page.goto(f"{person.target.app}/dashboard")
    assert page.url.endswith("/login")
    await page.goto(site["url"])
    await expect(page.get_by_role("heading", name="Waitlist")).to_be_visible()  # sites stay up
    await person.log_in()
    await person.go(page, "/dashboard/sites")
    await expect(page.get_by_role("link", name="Waitlist")).to_be_visible()
