"""Sites on the dashboard: listed, looked at, taken down."""

import pytest
from playwright.async_api import expect

from tests.support.browsing import Person, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_sites_are_listed_and_lead_to_their_pages_and_back(person: Person) -> None:
    first, second = await person.site(title="Waitlist"), await person.site(title="Portfolio")
    page = await person.open("/dashboard/sites")
    rows = page.get_by_role("list", name="Sites").get_by_role("listitem")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("Portfolio")
    await expect(rows.first).to_contain_text("Live")
    assert await page.get_by_role("link", name=second["slug"]).get_attribute("href") == second["url"]
    await page.get_by_role("link", name="Waitlist").click()
    await page.wait_for_url(f"**/dashboard/sites/{first['id']}")
    await expect(page.get_by_role("heading", name="Waitlist", level=1)).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Waitlist", level=1)).to_be_visible()
    await page.go_back()
    await expect(rows).to_have_count(2)


async def test_a_sites_page_shows_what_visitors_sent_as_text(person: Person) -> None:
    site = await person.site(title="Contact")
    sent = {"name": "<b>Ada</b>", "message": "Hello <img src=x onerror=alert(1)>"}
    await person.api("POST", f"/submit/{site['id']}", sent)
    page = await person.open(f"/dashboard/sites/{site['id']}")
    await expect(page.get_by_role("cell", name="<b>Ada</b>")).to_be_visible()
    await expect(page.get_by_role("columnheader", name="message")).to_be_visible()
    assert await page.locator("table img").count() == 0
    command = await page.get_by_role("region", name="Publish the next version").inner_text()
    assert f"{person.target.api}/deploy/{site['id']}" in command


async def test_a_site_is_deleted_by_typing_its_name(person: Person) -> None:
    site = await person.site()
    page = await person.open(f"/dashboard/sites/{site['id']}")
    await page.get_by_role("button", name="Delete the site").click()
    await page.get_by_label("To confirm").fill(site["slug"])
    await page.get_by_role("dialog").get_by_role("button", name="Delete the site").click()
    await expect(page.get_by_role("heading", name="No site yet")).to_be_visible()
    await settled(page)
    assert (await person.api("GET", "/deploy"))["deployments"] == []
