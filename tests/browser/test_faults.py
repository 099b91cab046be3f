"""What the dashboard says when something goes wrong: no network, a slow one, an error of the API."""

import pytest
from playwright.async_api import Route, expect

from tests.support.browsing import Complaints, Person, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENDED = {"error": "This key has ended", "code": "key_ended", "request_id": "req-0123456789", "hint": "Make a new one."}


async def test_an_error_is_shown_where_it_happened_with_its_request_id(person: Person, complaints: Complaints) -> None:
    await person.api("POST", "/keys", {"name": "CI"})
    page = await person.open()
    await page.route("**/api/keys/key_*", lambda route: route.fulfill(status=409, json=ENDED))
    await page.get_by_role("button", name="Rename CI").click()
    await page.get_by_role("button", name="Rename", exact=True).click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    await expect(alert).to_contain_text("This key has ended.")
    await expect(alert).to_contain_text("Make a new one.")
    await expect(alert).to_contain_text("req-0123456789")
    await expect(page.get_by_role("button", name="Rename", exact=True)).to_be_enabled()
    complaints.lines.clear()


async def test_a_limit_says_which_and_how_long_in_words(person: Person, complaints: Complaints) -> None:
    """An address may have to wait most of a day: nobody counts that in minutes."""
    page = await person.open("/dashboard/account")
    said = {"error": "Rate limit exceeded", "code": "rate_limited", "hint": "This address was sent enough codes."}
    answer = {"status": 429, "json": said, "headers": {"Retry-After": "82800"}}
    await page.route("**/api/auth/email", lambda route: route.fulfill(**answer))
    await page.get_by_role("button", name="Change it").click()
    await page.get_by_label("New address").fill("new@example.com")
    await page.get_by_role("button", name="Send both codes").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    await expect(alert).to_contain_text("This address was sent enough codes. Wait 23 hours, then try again.")
    complaints.lines.clear()


async def test_a_list_that_fails_can_be_tried_again(person: Person, complaints: Complaints) -> None:
    page = await person.open("/dashboard/connect")
    await page.route("**/api/deploy*", lambda route: route.fulfill(status=500, json={"error": "Something broke"}))
    await page.get_by_role("link", name="Sites").click()
    await expect(page.get_by_role("alert").filter(has_text="Something broke")).to_be_visible()
    await page.unroute("**/api/deploy*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="No site yet")).to_be_visible()
    complaints.lines.clear()


async def test_offline_is_said_and_mended_by_itself(person: Person, complaints: Complaints) -> None:
    page = await person.open("/dashboard/connect")
    await person.context.set_offline(True)
    banner = page.locator("#banner")
    await expect(banner).to_contain_text("You are offline")
    await page.get_by_role("link", name="Sites").click()
    await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    await person.context.set_offline(False)
    await expect(banner).to_be_empty()
    await expect(page.get_by_role("heading", name="No site yet")).to_be_visible()
    complaints.lines.clear()


async def test_a_slow_answer_is_said_to_be_slow(person: Person) -> None:
    page = await person.open("/dashboard/connect")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/api/deploy*", hold)
    await page.clock.install()
    await page.get_by_role("link", name="Sites").click()
    await expect(page.get_by_text("Loading…")).to_be_attached()
    await page.clock.run_for(4500)
    await expect(page.get_by_text("This takes longer than usual")).to_be_visible()
    for route in held:
        await route.continue_()
    await settled(page)
    await expect(page.get_by_role("heading", name="No site yet")).to_be_visible()


async def test_a_lost_answer_never_makes_a_second_key(person: Person, complaints: Complaints) -> None:
    """The first answer is lost after the key was made; the second press says so and makes no other."""
    page = await person.open()

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/api/keys", lose, times=1)
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_role("button", name="Create the key").click()
    await expect(page.get_by_role("dialog")).to_contain_text("It may have been done all the same")
    await page.get_by_role("button", name="Create the key").click()
    await expect(page.get_by_role("heading", name="The key was made, but not shown")).to_be_visible()
    assert len((await person.api("GET", "/keys"))["keys"]) == 1
    complaints.lines.clear()


async def test_a_dialog_stays_while_its_answer_is_on_the_way(person: Person) -> None:
    """Escape or the back button would lose the key that it brings."""
    page = await person.open("/dashboard/sites")
    await page.get_by_role("link", name="Keys").click()
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/api/keys", hold)
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_role("button", name="Create the key").click()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.go_back()
    await held[0].continue_()
    await expect(page.get_by_label("The new key")).to_be_visible()
