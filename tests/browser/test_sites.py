"""Sites on the dashboard: listed, looked at, taken down, brought back."""

import zipfile

import pytest
from playwright.async_api import expect

from tests.support.browsing import Complaints, Person, settled

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
    await expect(page.get_by_role("cell", name="<b>Ada</b>", exact=True)).to_be_visible()
    await expect(page.get_by_role("columnheader", name="message")).to_be_visible()
    assert await page.locator("table img").count() == 0
    command = await page.get_by_role("region", name="Publish the next version").inner_text()
    assert f"{person.target.api}/deploy/{site['id']}" in command


async def test_a_site_is_deleted_by_typing_its_name_and_restored(person: Person) -> None:
    site = await person.site(title="Waitlist")
    page = await person.open(f"/dashboard/sites/{site['id']}")
    await page.get_by_role("button", name="Delete the site").click()
    await page.get_by_label("To confirm").fill(site["slug"])
    await page.get_by_role("dialog").get_by_role("button", name="Delete the site").click()
    row = page.get_by_role("list", name="Deleted sites").get_by_role("listitem")
    await expect(row).to_contain_text("Kept until")
    await expect(page.get_by_text("“Waitlist” is deleted")).to_be_visible()
    await settled(page)
    assert (await person.api("GET", "/deploy"))["deployments"] == []
    await page.get_by_role("button", name="Restore Waitlist").click()
    await page.wait_for_url(f"**/dashboard/sites/{site['id']}")
    await expect(page.get_by_role("link", name="Open the site")).to_be_visible()
    await page.goto(site["url"])
    await expect(page.get_by_role("heading", name="Waitlist")).to_be_visible()


async def test_a_deleted_sites_own_page_says_so_and_brings_it_back(person: Person, complaints: Complaints) -> None:
    site = await person.site()
    await person.api("DELETE", f"/deploy/{site['id']}")
    page = await person.open(f"/dashboard/sites/{site['id']}/versions")
    await expect(page.get_by_role("heading", name="This site is deleted")).to_be_visible()
    await page.get_by_role("button", name="Restore").click()
    await expect(page.get_by_role("link", name="Open the site")).to_be_visible()
    await person.go(page, "/dashboard/sites/dep_0000000000000000")
    await expect(page.get_by_text("There is no such site.")).to_be_visible()
    complaints.lines.clear()


async def test_the_live_version_is_downloaded_as_a_zip(person: Person) -> None:
    site = await person.site()
    page = await person.open(f"/dashboard/sites/{site['id']}")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download as a zip").click()
    download = await downloading.value
    assert download.suggested_filename == f"{site['slug']}.zip"
    assert zipfile.is_zipfile(await download.path())
