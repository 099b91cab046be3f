"""Keys on the dashboard: made, copied, renamed, rotated, revoked."""

import pytest
from playwright.async_api import Page, expect

from tests.support.browsing import Person, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def create(page: Page, name: str) -> str:
    """Create a key with full access and return its plaintext."""
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Create the key").click()
    key = await page.get_by_label("The new key").inner_text()
    await page.get_by_role("button", name="I have saved it").click()
    await settled(page)
    return key


async def works(person: Person, key: str) -> bool:
    """Tell whether the API takes a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return (await person.context.request.get(f"{person.target.api}/auth/me", headers=headers)).status == 200


async def test_a_key_is_created_with_scopes_site_and_expiry(person: Person) -> None:
    site = await person.site(title="Waitlist")
    page = await person.open()
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_label("Name", exact=True).fill("CI")
    await page.get_by_label("Only what you choose").check()
    await page.get_by_role("checkbox", name="Deploy Create").check()
    await page.get_by_role("checkbox", name="Submissions Read").check()
    await page.get_by_label("Site", exact=True).select_option(site["id"])
    await page.get_by_label("Ends", exact=True).select_option("30 days")
    await page.get_by_role("button", name="Create the key").click()
    await page.get_by_role("button", name="I have saved it").click()
    await expect(page.get_by_role("listitem").filter(has_text="CI")).to_contain_text("Deploy, Submissions")
    [key] = (await person.api("GET", "/keys"))["keys"]
    assert (key["name"], sorted(key["scopes"])) == ("CI", ["deploy", "submissions"])
    assert key["site"] in {site["id"], site["slug"]}
    assert key["expires_at"] is not None
    assert key["created_via"] == "dashboard"


async def test_a_key_that_may_do_nothing_is_not_made(person: Person) -> None:
    page = await person.open()
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_label("Only what you choose").check()
    await page.get_by_role("button", name="Create the key").click()
    await expect(page.get_by_role("checkbox", name="Deploy")).to_be_focused()
    assert (await person.api("GET", "/keys"))["keys"] == []


async def test_a_new_key_is_copied_and_not_lost_by_escape(person: Person) -> None:
    await person.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=person.target.app)
    page = await person.open()
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_role("button", name="Create the key").click()
    key = await page.get_by_label("The new key").inner_text()
    await page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    for _ in range(3):
        await page.keyboard.press("Escape")
    await expect(page.get_by_label("The new key")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_contain_text("Save the key first")
    await page.get_by_role("button", name="I have saved it").click()
    await expect(page.get_by_role("heading", name="Keys", level=1)).to_be_focused()


async def test_a_double_click_makes_one_key(person: Person) -> None:
    page = await person.open()
    await page.get_by_role("button", name="Create a key").click()
    await page.get_by_role("button", name="Create the key").dblclick()
    await page.get_by_role("button", name="I have saved it").click()
    assert len((await person.api("GET", "/keys"))["keys"]) == 1


async def test_a_key_is_renamed_and_the_focus_comes_back(person: Person) -> None:
    await person.api("POST", "/keys", {"name": "old name"})
    page = await person.open()
    await page.get_by_role("button", name="Rename old name").click()
    await page.get_by_label("Name", exact=True).fill("new name")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Rename new name")).to_be_focused()


async def test_a_key_is_rotated_with_grace(person: Person) -> None:
    page = await person.open()
    old = await create(page, "backup")
    await page.get_by_role("button", name="Rotate backup").click()
    await page.get_by_label("In 24 hours").check()
    await page.get_by_role("button", name="Rotate the key").click()
    new = await page.get_by_label("The new key").inner_text()
    await page.get_by_role("button", name="I have saved it").click()
    assert new != old
    assert await works(person, new)
    assert await works(person, old), "for 24 hours more"
    await expect(page.get_by_text("Being replaced")).to_be_visible()


async def test_a_key_is_revoked_by_typing_its_name(person: Person) -> None:
    page = await person.open()
    key = await create(page, "short-lived")
    await create(page, "other")
    await page.get_by_role("button", name="Revoke short-lived").click()
    confirm = page.get_by_role("button", name="Revoke the key")
    await page.get_by_label("To confirm").fill("short")
    await expect(confirm).to_be_disabled()
    await page.get_by_label("To confirm").fill("short-lived")
    await confirm.click()
    await expect(page.get_by_role("heading", name="short-lived")).to_have_count(0)
    assert not await works(person, key)
    await page.get_by_role("link", name="All", exact=True).click()
    await expect(page.get_by_role("listitem").filter(has_text="short-lived")).to_contain_text("Revoked")


async def test_everything_is_revoked_at_once(person: Person) -> None:
    page = await person.open()
    key = await create(page, "one")
    await page.get_by_role("button", name="Revoke everything").click()
    await page.get_by_label("To confirm").fill("revoke everything")
    await page.get_by_role("dialog").get_by_role("button", name="Revoke everything").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert not await works(person, key)
    assert (await person.api("GET", "/auth/me"))["email"] == person.email, "this browser was to stay logged in"


async def test_older_keys_are_a_button_away(person: Person) -> None:
    for number in range(52):
        await person.api("POST", "/keys", {"name": f"key {number}"})
    page = await person.open()
    rows = page.get_by_role("list", name="Keys").get_by_role("listitem")
    await expect(rows).to_have_count(50)
    await page.get_by_role("button", name="Older keys").click()
    await expect(rows).to_have_count(52)
    await expect(rows.last).to_contain_text("key 0")
    await expect(page.get_by_role("button", name="Older keys")).to_have_count(0)
