"""A site's versions on the dashboard: listed, put live, rolled back."""

import hashlib
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browsing import Complaints, Person, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")

MISTAKEN = "<title>Second</title><form action='#' method=post><input></form>"


async def deploy(person: Person, site: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Make the site's next version."""
    made: dict[str, Any] = await person.api("PUT", f"/deploy/{site['id']}", given)
    return made


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Versions").get_by_role("listitem")


async def visited(person: Person, url: str) -> str:
    """Return what a visitor sees at the address."""
    page = await person.context.new_page()
    await page.goto(url)
    return await page.locator("body").inner_text()


async def test_versions_are_listed_with_what_each_is_and_waits_for(person: Person) -> None:
    site = await person.site(title="Waitlist")
    await deploy(person, site, html="<p>second", preview=True, title="Not yet")
    apart = {"path": "big.bin", "sha256": hashlib.sha256(b"big").hexdigest(), "size": 3}
    await deploy(person, site, files=[{"path": "index.html", "content": "<p>third"}, apart])
    page = await person.open(f"/dashboard/sites/{site['id']}")
    await page.get_by_role("link", name="Versions").click()
    await expect(rows(page)).to_have_count(3)
    third, second, first = rows(page).nth(0), rows(page).nth(1), rows(page).nth(2)
    await expect(third).to_contain_text("Waits for 1 file")
    assert await third.get_by_role("button").count() == 0, "it cannot be published yet"
    for expected in ("Draft", "Not yet", "Never", "in this browser"):
        await expect(second).to_contain_text(expected)
    await expect(first).to_contain_text("Live since")
    preview = await second.get_by_role("link", name="Preview version 2").get_attribute("href")
    assert await visited(person, str(preview)) == "second"


async def test_a_rollback_says_what_it_does_and_is_live_at_once(person: Person) -> None:
    site = await person.site()
    await deploy(person, site, html="<p>second")
    page = await person.open(f"/dashboard/sites/{site['id']}/versions")
    await page.get_by_role("button", name="Roll back to version 1").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Version 2, which is live now, stays in the list")
    await dialog.get_by_role("button", name="Roll back").click()
    await expect(page.get_by_text("Version 1 is live")).to_be_visible()
    await expect(rows(page).nth(1)).to_contain_text("Live since")
    assert "Waitlist" in await visited(person, site["url"])
    await expect(page.get_by_role("button", name="Publish version 2")).to_be_enabled()


async def test_a_draft_is_published_and_what_was_noticed_is_told(person: Person) -> None:
    site = await person.api("POST", "/deploy", {"html": MISTAKEN, "preview": True})
    page = await person.open(f"/dashboard/sites/{site['id']}")
    await expect(page.get_by_text("Nothing is published yet.")).to_be_visible()
    await page.get_by_role("link", name="See its versions").click()
    await page.get_by_role("button", name="Publish version 1").click()
    await page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog", name="Version 1 is live")
    await expect(dialog).to_contain_text("the form is sent nowhere")
    await dialog.get_by_role("button", name="Close").click()
    await expect(page.get_by_text("Nothing is published yet.")).to_have_count(0)
    await expect(rows(page).first).to_contain_text("Live since")


async def test_a_publish_is_refused_when_another_version_went_live_meanwhile(
    person: Person, complaints: Complaints
) -> None:
    site = await person.site()
    await deploy(person, site, html="<p>second", preview=True)
    page = await person.open(f"/dashboard/sites/{site['id']}/versions")
    await deploy(person, site, html="<p>third")
    await page.get_by_role("button", name="Publish version 2").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Publish").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Another version was put live in the meantime.")
    await dialog.get_by_role("button", name="Cancel").click()
    await settled(page)
    await expect(rows(page).first).to_contain_text("Version 3")
    assert await visited(person, site["url"]) == "third"
    complaints.lines.clear()
