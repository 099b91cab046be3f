"""A site's settings on the dashboard: saved where they were changed, wrong where they are wrong."""

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browsing import Complaints, Person, settled
from tests.support.client import an_address
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def opened(person: Person, **given: str) -> tuple[dict[str, Any], Page]:
    """Put a site live and open its settings."""
    site = await person.site(**given)
    return site, await person.open(f"/dashboard/sites/{site['id']}/settings")


async def settings(person: Person, site: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await person.api("GET", f"/deploy/{site['id']}"))["settings"]
    return found


async def test_only_what_was_changed_is_sent_and_it_is_kept(person: Person) -> None:
    site, page = await opened(person, title="Old")
    await page.get_by_label("Title").fill("New")
    await page.get_by_label("Keep it out of search engines").check()
    async with page.expect_request("**/settings") as sent:
        await page.get_by_role("region", name="General").get_by_role("button", name="Save").click()
    assert (await sent.value).post_data_json == {"title": "New", "noindex": True}
    await expect(page.get_by_role("heading", name="New", level=1)).to_be_visible()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await expect(page.get_by_role("button", name="Save").first).to_be_focused()
    await page.reload()
    await expect(page.get_by_label("Keep it out of search engines")).to_be_checked()
    found = await settings(person, site)
    assert (found["title"], found["noindex"], found["notify_email"]) == ("New", True, True)


async def test_what_forms_do_is_saved_and_a_mistake_is_said_at_its_field(
    person: Person, complaints: Complaints
) -> None:
    site, page = await opened(person)
    card = page.get_by_role("region", name="Forms")
    others = card.get_by_label("Other pages that may send")
    await others.fill("https://example.com\nhttps://example.com/contact")
    await card.get_by_label("Keep what visitors sent").select_option("90 days")
    await card.get_by_role("button", name="Save").click()
    await expect(card.get_by_role("alert")).to_contain_text("Line 2 must be an origin")
    await expect(others).to_be_focused()
    await expect(others).to_have_attribute("aria-invalid", "true")
    await others.fill("https://example.com\nhttps://example.org")
    await card.get_by_role("button", name="Save").click()
    await expect(card.get_by_role("alert")).to_have_count(0)
    await expect(page.get_by_text("Saved")).to_be_visible()
    found = await settings(person, site)
    assert (found["allowed_origins"], found["retention"]) == (["https://example.com", "https://example.org"], 90)
    complaints.lines.clear()


async def test_a_password_is_set_asked_of_visitors_and_removed(person: Person, complaints: Complaints) -> None:
    site, page = await opened(person)
    await page.get_by_role("button", name="Set a password").click()
    await page.get_by_role("textbox", name="Password").fill("let me in")
    await page.get_by_label("Show what I type").check()
    await expect(page.get_by_role("textbox", name="Password")).to_have_attribute("type", "text")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_role("button", name="Change the password")).to_be_visible()
    visit = await person.context.new_page()
    answer = await visit.goto(site["url"])
    assert answer is not None
    assert answer.status == 401
    await page.get_by_role("button", name="Remove the password").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove the password").click()
    await expect(page.get_by_role("button", name="Set a password")).to_be_visible()
    await visit.goto(site["url"])
    await expect(visit.get_by_role("heading", name="Waitlist")).to_be_visible()
    complaints.lines.clear()  # of the page that asks


async def test_an_end_is_set_shown_in_the_list_and_must_be_ahead(person: Person, complaints: Complaints) -> None:
    site, page = await opened(person, title="Short-lived")
    card = page.get_by_role("region", name="General")
    await card.get_by_label("Ends").select_option("At a date and time…")
    await card.get_by_label("Last moment").fill("2020-01-01T12:00")
    await card.get_by_role("button", name="Save").click()
    await expect(card.get_by_role("alert")).to_contain_text("must be ahead")
    await card.get_by_label("Last moment").fill("2031-01-01T12:00")
    await card.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    assert str((await person.api("GET", f"/deploy/{site['id']}"))["expires_at"]).startswith("2031-01-01T")
    await page.get_by_role("link", name="Sites").first.click()
    await expect(page.get_by_role("listitem").filter(has_text="Short-lived")).to_contain_text("Ends in")
    complaints.lines.clear()


async def test_a_site_that_was_taken_down_says_why_and_offers_no_change(person: Person) -> None:
    site = await person.site(title="Reported")

    async def taken_down(route: Route) -> None:
        found = await (await route.fetch()).json()
        await route.fulfill(json=found | {"status": "taken_down", "taken_down_reason": "It imitates a bank."})

    page = await person.context.new_page()
    await page.route(f"**/api/deploy/{site['id']}", taken_down)
    await person.go(page, f"/dashboard/sites/{site['id']}/settings")
    await expect(page.get_by_text("The reason: It imitates a bank.")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    await page.get_by_role("link", name="Versions").click()
    await settled(page)
    await expect(page.get_by_role("listitem").filter(has_text="Version 1")).to_be_visible()
    assert await page.get_by_role("link", name="Open the site").count() == 0


async def test_somebody_else_is_mailed_once_they_have_said_yes(person: Person) -> None:
    other = an_address()
    _, page = await opened(person)
    card = page.get_by_role("region", name="Mails about submissions")
    await card.get_by_label("Add an address").fill(other)
    await card.get_by_role("button", name="Add", exact=True).click()
    row = card.get_by_role("listitem").filter(has_text=other)
    await expect(row).to_contain_text("Waits for a yes")
    mail = await person.context.new_page()
    await mail.goto(await confirmation(person, other))
    await mail.get_by_role("button").click()
    await mail.close()
    await page.reload()
    await expect(row).to_contain_text("Confirmed")
    await row.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Remove it").click()
    await expect(row).to_have_count(0)
    await expect(card.get_by_role("listitem").filter(has_text=person.email)).to_contain_text("Your address")


async def confirmation(person: Person, email: str) -> str:
    """Return the link in the mail that asks an address for its yes."""
    box, request = f"{person.target.mailbox}/api/v1", person.context.request

    async def look() -> str:
        mails = (await (await request.get(f"{box}/messages?limit=200")).json())["messages"]
        found = [mail["ID"] for mail in mails if mail["To"][0]["Address"] == email]
        assert found, f"no mail to {email}"
        text = (await (await request.get(f"{box}/message/{found[0]}")).json())["Text"]
        return str(next(word for word in text.split() if "/confirm/" in word))

    return await eventually(look)


async def test_mails_of_a_site_are_switched_off_and_a_block_can_be_lifted(person: Person) -> None:
    site, page = await opened(person)
    card = page.get_by_role("region", name="Mails about submissions")
    await card.get_by_label("Mail what visitors send").uncheck()
    await expect(page.get_by_text("Mails are off")).to_be_visible()
    assert (await settings(person, site))["notify_email"] is False
    path = f"**/api/deploy/{site['id']}/recipients"
    since = {"reason": "bounce", "detail": "550 5.1.1 no such <b>user</b>", "at": "2026-11-01T00:00:00Z"}
    blocked = {"id": "rcp_0000000000000001", "email": "gone@example.com", "owner": False, "state": "suppressed"}
    blocked |= {"created_at": since["at"], "confirmed_at": since["at"], "suppressed": since}
    lifted: list[str] = []

    async def lift(route: Route) -> None:
        lifted.append(route.request.method)
        await route.fulfill(json=blocked | {"state": "active", "suppressed": None})

    async def listed(route: Route) -> None:
        await route.fulfill(json={"recipients": [] if lifted else [blocked], "notify_email": True})

    await page.route(path, listed)
    await page.route(f"{path}/{blocked['id']}/lift", lift)
    await page.reload()
    row = card.get_by_role("listitem")
    await expect(row).to_contain_text("its server refused our mail for good")
    await expect(row).to_contain_text("550 5.1.1 no such <b>user</b>")
    await row.get_by_role("button", name="Lift the block").click()
    await expect(row).to_have_count(0)
    assert lifted == ["POST"]
