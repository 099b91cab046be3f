"""Every page, for everybody: nothing serious to an accessibility engine, no sideways scrolling on a phone."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.support.browsing import Complaints, Person, settled
from tests.support.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Every rule in light; in dark, what a colour can change.
SCHEMES: dict[Literal["light", "dark"], dict[str, list[str]]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}

RUN = """async (rules) => (await axe.run(document, {resultTypes: ["violations"], ...rules})).violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`)"""

WIDTHS = """() => Math.max(document.documentElement.scrollWidth,
  ...[...document.querySelectorAll("dialog[open]")].map((it) => 360 + it.scrollWidth - it.clientWidth))"""

DIALOGS = [
    ("/dashboard", "#new-key"),
    ("/dashboard", "[id^=rename-]"),
    ("/dashboard", "[id^=rotate-]"),
    ("/dashboard", "[id^=revoke-key]"),
    ("/dashboard", "#revoke-all"),
    ("/dashboard/sites/{id}", "#delete-site"),
    ("/dashboard/sites/{id}/versions", "#publish-2"),
    ("/dashboard/sites/{id}/settings", "#set-password"),
    ("/dashboard/sites/{id}/domains", "[id^=remove-]"),
    ("/dashboard/sites/{id}/inbox", "#try-form"),
    ("/dashboard/sites/{id}/inbox", ".menu summary"),
    ("/dashboard/sites/{id}/inbox", "tbody .target"),
    ("/dashboard/sites/{id}/inbox?status=spam", "#delete-all"),
    ("/dashboard/sites/{id}/webhooks", "#add-webhook"),
    ("/dashboard/sites/{id}/webhooks", "[id^=rotate-]"),
    ("/dashboard/sites/{id}/webhooks", "[id^=delete-]"),
    ("/dashboard/account", "#change-email"),
    ("/dashboard/account", "#delete-account"),
]


async def judge(page: Page, source: str) -> list[str]:
    """Return what the engine finds, in light and in dark; evaluated, so that the page's policy stays as it is."""
    found: list[str] = []
    for scheme, rules in SCHEMES.items():
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(source)
        found += [f"{scheme} {page.url} {line}" for line in await page.evaluate(RUN, rules)]
    return found


async def public_pages(person: Person, page: Page) -> AsyncIterator[str]:
    """Go through what everybody sees, and the steps of a login."""
    app = person.target.app
    claim = f"/claim/waitlist#tok_{'0' * 43}"
    for path in (
        "/",
        "/docs/api",
        "/login",
        "/login?ended=1",
        "/nothing/here",
        "/report?url=x",
        "/claim/waitlist",
        claim,
    ):
        await page.goto(app + path)
        yield path
    await page.goto(f"{app}/login")
    await page.get_by_label("Email address").fill(person.email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code from the mail").fill("00000")
    yield "the code's page"
    await page.get_by_role("button", name="Log in").click()
    yield "a wrong code"
    await person.code()
    await page.goto(f"{app}/mailbox")
    yield "the mailbox"
    await page.goto(await person.link())
    yield "the mail's link"
    await page.get_by_role("button", name="This wasn’t me").click()
    yield "a login that was denied"


async def furnish(person: Person) -> str:
    """Give the account a site with all that one can have, one that is deleted, and keys; return the site's id."""
    site, deleted = await person.site(title="Waitlist"), await person.site(title="A portfolio that is deleted")
    await person.api("DELETE", f"/deploy/{deleted['id']}")
    await person.api("PUT", f"/deploy/{site['id']}", {"html": "<p>The next one", "preview": True})
    await person.api("POST", f"/deploy/{site['id']}/domains", {"domain": "a-rather-long-name.example.com"})
    await furnish_forms(person, site["id"])
    ended = await person.api("POST", "/keys", {"name": "ended"})
    await person.api("DELETE", f"/keys/{ended['id']}")
    await person.api("POST", "/keys", {"name": "a key with a name that is rather long", "site": site["slug"]})
    return str(site["id"])


async def furnish_forms(person: Person, site: str) -> None:
    """Give a site what visitors sent, spam, a webhook that nobody listens at, and somebody else to mail."""
    for data in (
        {"email": "ada@example.com", "message": "Hello. " * 30, "surprise": "x" * 90},
        {"email": "robot@example.com", "_hp": "filled in"},
    ):
        await person.api("POST", f"/submit/{site}", data)
    hook = await person.api("POST", f"/webhooks/{site}", {"url": f"http://127.0.0.1:{free_port()}/{'long/' * 12}"})
    await person.api("POST", f"/webhooks/{site}/{hook['id']}/test")
    await person.api("POST", f"/deploy/{site}/recipients", {"email": "a.rather.long.address@example.com"})


async def forms_pages(person: Person, page: Page, site: str) -> AsyncIterator[str]:
    """Go through the pages about what visitors sent, empty ones too."""
    [submission] = (await person.api("GET", f"/submissions/{site}"))["submissions"]
    [held] = (await person.api("GET", f"/submissions/{site}?status=spam"))["submissions"]
    [hook] = (await person.api("GET", f"/webhooks/{site}"))["webhooks"]
    inbox, hooks = f"/dashboard/sites/{site}/inbox", f"/dashboard/sites/{site}/webhooks"
    for path in (
        *(inbox + rest for rest in ("", "?status=spam", "?status=test", "?q=nothing", f"/{submission['id']}")),
        f"{inbox}/{held['id']}?status=spam",
        *(hooks + rest for rest in ("", f"/{hook['id']}", f"/{hook['id']}?status=delivered")),
    ):
        await person.go(page, path)
        yield path
    bare = await person.site()
    for path in ("inbox", "webhooks"):
        await person.go(page, f"/dashboard/sites/{bare['id']}/{path}")
        yield f"an empty {path}"


async def dashboard_pages(person: Person, page: Page) -> AsyncIterator[str]:
    """Go through what a new account sees, and one with keys and a site; its dialogs too."""
    await person.go(page, "/dashboard")
    yield "the first steps"
    site = await furnish(person)
    for path in ("", "?state=all", "/connect", "/sites", "/sites?status=deleted", "/account", "/account/activity"):
        await person.go(page, f"/dashboard{path}")
        yield path
    for path in ("", "/versions", "/settings", "/domains"):
        await person.go(page, f"/dashboard/sites/{site}{path}")
        yield f"a site's {path}"
    async for name in forms_pages(person, page, site):
        yield name
    await person.go(page, f"/claim/waitlist#tok_{'0' * 43}")
    yield "a claim"
    for path, opener in DIALOGS:
        await person.go(page, path.format(id=site))
        await page.locator(opener).first.click()
        if opener == "#new-key":
            await page.get_by_label("Only what you choose").check()
        yield opener
    await person.go(page, "/dashboard")
    await page.locator("#new-key").click()
    await page.get_by_role("button", name="Create the key").click()
    await page.get_by_label("The new key").wait_for()
    yield "a new key"


async def test_public_pages_have_nothing_serious(stranger: Person, axe_source: str, complaints: Complaints) -> None:
    page = await stranger.context.new_page()
    found = [line async for _ in public_pages(stranger, page) for line in await judge(page, axe_source)]
    assert found == []
    complaints.lines.clear()  # of the page that is not there, and the code that is wrong


async def test_the_dashboard_has_nothing_serious(person: Person, axe_source: str) -> None:
    page = await person.context.new_page()
    found = [line async for _ in dashboard_pages(person, page) for line in await judge(page, axe_source)]
    assert found == []


async def test_every_page_fits_a_phone(stranger: Person, complaints: Complaints) -> None:
    page = await stranger.context.new_page()
    await page.set_viewport_size({"width": 360, "height": 740})
    widths = {name: await page.evaluate(WIDTHS) async for name in public_pages(stranger, page)}
    await stranger.log_in()
    widths |= {name: await page.evaluate(WIDTHS) async for name in dashboard_pages(stranger, page)}
    assert {name: width for name, width in widths.items() if width > 360} == {}
    complaints.lines.clear()  # as above


async def test_a_dialog_is_used_by_keyboard_alone(person: Person) -> None:
    """Focus goes into a dialog and comes back to what opened it."""
    page = await person.open()
    opener = page.get_by_role("button", name="Create a key")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Name", exact=True)).to_be_focused()
    await page.keyboard.type("typed")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_a_page_change_is_told_to_screen_readers(person: Person) -> None:
    page = await person.open("/dashboard/connect")
    await page.get_by_role("link", name="Account").click()
    await settled(page)
    await expect(page.get_by_role("heading", name="Account", level=1, exact=True)).to_be_focused()
    assert await page.title() == "Account – Invoker"
    await expect(page.get_by_role("link", name="Account")).to_have_attribute("aria-current", "page")
