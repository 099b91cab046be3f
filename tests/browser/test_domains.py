"""A site's own domains on the dashboard: added, proved by a real record, removed."""

import pytest
from playwright.async_api import expect

from tests.support.browsing import Complaints, Person
from tests.support.dns_server import NameServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_domain_is_added_proved_by_its_record_and_removed_by_name(
    person: Person, name_server: NameServer
) -> None:
    site = await person.site()
    page = await person.open(f"/dashboard/sites/{site['id']}/domains")
    await page.get_by_label("Domain", exact=True).fill("WWW.Bakery.example.com")
    await page.keyboard.press("Enter")
    card = page.get_by_role("region", name="www.bakery.example.com")
    await expect(card.get_by_role("heading", name="www.bakery.example.com")).to_be_focused()
    await expect(card).to_contain_text("Waits for its proof")
    await page.get_by_role("button", name="Look now at www.bakery.example.com").click()
    await expect(card).to_contain_text("There is no TXT record at _invoker.www.bakery.example.com yet")
    [domain] = (await person.api("GET", f"/deploy/{site['id']}/domains"))["domains"]
    await expect(card.get_by_role("button", name=f"Copy value {domain['token']}")).to_be_visible()
    name_server.txt("_invoker.www.bakery.example.com", domain["token"])
    await page.get_by_role("button", name="Look now at www.bakery.example.com").click()
    await expect(card).to_contain_text("It is yours; visitors do not arrive here yet.")
    await expect(page.get_by_role("button", name="Look now at www.bakery.example.com")).to_be_focused()
    await expect(card.get_by_role("heading", name="Prove that it is yours")).to_have_count(0)
    await page.get_by_role("button", name="Remove www.bakery.example.com").click()
    await page.get_by_label("To confirm").fill("www.bakery.example.com")
    await page.get_by_role("button", name="Remove the domain").click()
    await expect(card).to_have_count(0)
    assert (await person.api("GET", f"/deploy/{site['id']}/domains"))["domains"] == []


async def test_a_name_that_cannot_be_a_domain_is_refused_in_words(person: Person, complaints: Complaints) -> None:
    site = await person.site()
    page = await person.open(f"/dashboard/sites/{site['id']}/domains")
    await page.get_by_label("Domain", exact=True).fill("https://example.com/shop")
    await page.get_by_role("button", name="Add the domain").click()
    alert = page.get_by_role("alert").filter(has_text="Send the name alone")
    await expect(alert).to_contain_text("This domain is not allowed.")
    await expect(page.get_by_label("Domain", exact=True)).to_have_value("https://example.com/shop")
    complaints.lines.clear()
