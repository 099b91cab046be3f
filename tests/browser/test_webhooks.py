"""A site's webhooks on the dashboard: added, failing, replayed, rotated, switched off, deleted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.support.browsing import Person
from tests.support.eventually import eventually
from tests.support.hook_receiver import HookReceiver, receiving

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[HookReceiver]:
    async with receiving() as started:
        yield started


async def hooked(person: Person, receiver: HookReceiver) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put a site live that sends what comes to the receiver."""
    site = await person.site()
    return site, await person.api("POST", f"/webhooks/{site['id']}", {"url": receiver.url})


async def opened(person: Person, site: dict[str, Any], path: str = "") -> Page:
    return await person.open(f"/dashboard/sites/{site['id']}/webhooks{path}")


async def test_a_webhook_is_added_and_its_secret_shown_once(person: Person, receiver: HookReceiver) -> None:
    site = await person.site()
    page = await opened(person, site)
    await page.get_by_role("button", name="Add a webhook").click()
    address = page.get_by_role("textbox", name="Address")
    await address.fill("https://hooks.slack.com/services/T0/B0/x")
    await expect(page.get_by_role("radio", name="Slack")).to_be_checked()
    await address.fill(receiver.url)
    await expect(page.get_by_role("radio", name="A program of yours")).to_be_checked()
    await page.get_by_role("button", name="Add the webhook").click()
    secret = await page.get_by_label("The signing secret").inner_text()
    assert secret.startswith("whsec_")
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("Save the secret first")).to_be_visible()
    await page.get_by_role("button", name="I have saved it").click()
    card = page.get_by_role("region", name="127.0.0.1")
    await expect(card.get_by_text("On", exact=True)).to_be_visible()
    await card.get_by_role("button", name="Send a test").click()
    await expect(card.get_by_text("The test arrived.")).to_be_visible()
    assert receiver.came[0]["test"] is True
    assert secret not in await page.content()


async def test_a_delivery_that_failed_is_shown_and_sent_again(person: Person, receiver: HookReceiver) -> None:
    receiver.status, receiver.answer = 500, "<h1>Out of order</h1>"
    site, hook = await hooked(person, receiver)
    await person.api("POST", f"/submit/{site['id']}", {"name": "Ada"})
    await eventually(lambda: len(receiver.came) > 0)

    async def noted() -> None:
        listed = await person.api("GET", f"/webhooks/{site['id']}/{hook['id']}/deliveries")
        assert [row["status"] for row in listed["deliveries"]] == [500]

    await eventually(noted)
    page = await opened(person, site)
    await expect(page.get_by_role("region", name="127.0.0.1").get_by_text("Failing", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Deliveries 127.0.0.1").click()
    row = page.get_by_role("list", name="Deliveries, newest first").get_by_role("listitem")
    await expect(row.first).to_contain_text("500")
    await row.first.get_by_text("What it answered").click()
    await expect(row.first.get_by_text("<h1>Out of order</h1>")).to_be_visible()
    receiver.status = 200
    await row.first.get_by_role("button", name="Send again").click()

    async def arrived() -> None:
        await page.reload()
        await expect(row.first).to_contain_text("200", timeout=1000)

    await eventually(arrived)
    await page.get_by_role("link", name="Delivered", exact=True).click()
    await expect(row.first).to_contain_text("200")
    await row.first.get_by_role("link", name="Submission").click()
    trace = page.get_by_role("list", name="Its way").get_by_role("listitem")
    await expect(trace.filter(has_text="Webhook").filter(has_text="500")).to_have_count(1)
    await expect(trace.filter(has_text="Webhook").filter(has_text="200")).to_have_count(1)


async def test_a_webhook_is_rotated_switched_off_and_deleted(person: Person, receiver: HookReceiver) -> None:
    site, hook = await hooked(person, receiver)
    page = await opened(person, site)
    card = page.get_by_role("region", name="127.0.0.1")
    await card.get_by_role("button", name="New secret").click()
    await page.get_by_role("button", name="Make a new secret").click()
    assert await page.get_by_label("The signing secret").inner_text() != hook["secret"]
    await page.get_by_role("button", name="I have saved it").click()
    await card.get_by_role("button", name="Switch off").click()
    await expect(card.get_by_text("Off", exact=True)).to_be_visible()
    await card.get_by_role("button", name="Switch on").click()
    await expect(card.get_by_text("On", exact=True)).to_be_visible()
    await card.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Delete the webhook").click()
    await expect(page.get_by_text("No webhook yet")).to_be_visible()
