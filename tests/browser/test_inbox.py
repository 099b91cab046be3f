"""A site's inbox on the dashboard: what a visitor sends arrives while one looks, is held, rescued, found, exported."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Download, Locator, Page, Route, expect

from tests.support.browsing import Complaints, Person, settled
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Tells a page that nobody looks at it, or that somebody does again.
HIDE = """hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange')) }"""
#: Milliseconds between two keys: whoever fills in a form faster than two seconds is no person.
TYPING = 150


async def opened(person: Person, **given: str) -> tuple[dict[str, Any], Page]:
    """Put a site live and open its inbox, once it hears what comes in."""
    site = await person.site(**given)
    return site, await inbox(person, site)


async def inbox(person: Person, site: dict[str, Any], query: str = "") -> Page:
    page = await person.open(f"/dashboard/sites/{site['id']}/inbox{query}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


async def send(person: Person, site: dict[str, Any], **data: str) -> str:
    """Send something as a program would, and return its id."""
    return str((await person.api("POST", f"/submit/{site['id']}", data))["id"])


def rows(page: Page) -> Locator:
    return page.get_by_role("region", name="Submissions, newest first").locator("tbody tr")


async def exported(page: Page, kind: str) -> Download:
    async with page.expect_download() as downloading:
        await page.locator("summary", has_text="Export").click()
        await page.get_by_role("link", name=re.compile(f"^{kind} ")).click()
    return await downloading.value


async def test_what_a_visitor_sends_arrives_is_held_rescued_and_exported(person: Person) -> None:
    site, page = await opened(person, title="Waitlist")
    await expect(page.get_by_text("Nothing has been sent yet")).to_be_visible()
    visit = await person.context.new_page()
    await visit.goto(site["url"])
    await visit.get_by_label("Email").press_sequentially("ada@example.com", delay=TYPING)
    await visit.get_by_role("button", name="Join").click()
    await visit.wait_for_url(f"{person.target.api}/**")
    # pages behind others are drawn once a second
    await visit.close()

    await expect(rows(page)).to_have_count(1)
    await expect(rows(page).get_by_role("link", name="ada@example.com", exact=True)).to_be_visible()
    await expect(page.get_by_role("link", name="Submissions 1, 1 unread")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="1 new submission")).to_have_count(1)

    await page.get_by_label("Choose ada@example.com").check()
    await page.get_by_role("button", name="Mark as spam").click()
    await expect(page.get_by_text("1 submission marked as spam")).to_be_visible()
    await page.get_by_role("link", name="Spam 1").click()
    await expect(rows(page)).to_have_count(1)
    await rows(page).get_by_role("link").first.click()
    await expect(page.get_by_text("Held as spam.")).to_be_visible()
    await page.get_by_role("button", name="Not spam").click()
    await expect(page.get_by_role("button", name="Mark as spam")).to_be_visible()
    await page.get_by_role("link", name="← Inbox").click()
    await expect(page.get_by_role("link", name="Submissions 1")).to_be_visible()

    for kind, read in (("CSV", read_csv), ("JSON", read_json), ("NDJSON", read_json_lines)):
        download = await exported(page, kind)
        assert download.suggested_filename.endswith(kind.lower())
        [row] = read(await download.path())
        assert "ada@example.com" in json.dumps(row), kind


def read_csv(path: Path) -> list[Any]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_json(path: Path) -> list[Any]:
    found: list[Any] = json.loads(path.read_text())
    return found


def read_json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_a_search_is_kept_in_the_address_and_exported_as_it_is(person: Person) -> None:
    site, page = await opened(person)
    for name in ("Ada Lovelace", "Grace Hopper"):
        await send(person, site, name=name)
    await expect(rows(page)).to_have_count(2)
    await page.get_by_role("searchbox").fill("hopp")
    await expect(page.get_by_text("1 submission found.")).to_be_visible()
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.reload()
    await expect(rows(page)).to_have_count(1)
    [row] = read_json(await (await exported(page, "JSON")).path())
    assert row["data"] == {"name": "Grace Hopper"}
    await page.get_by_role("searchbox").fill("nobody at all")
    await page.get_by_role("button", name="Show all").click()
    await expect(rows(page)).to_have_count(2)
    assert "q=" not in page.url


async def test_what_is_opened_is_read_and_the_list_goes_on_where_it_was_left(person: Person) -> None:
    site = await person.site()
    for name in ("First", "Second", "Third"):
        await send(person, site, name=name, message="One line\nand another")
    page = await inbox(person, site)
    await expect(page.get_by_role("link", name="Submissions 3, 3 unread")).to_be_visible()
    await rows(page).nth(1).get_by_text("Second", exact=True).click()
    await expect(page.get_by_role("heading", name="Second")).to_be_visible()
    await expect(page.get_by_text("One line\nand another")).to_have_css("white-space-collapse", "preserve")
    trace = page.get_by_role("list", name="Its way")
    await expect(trace.get_by_role("listitem").first).to_contain_text("Stored")
    await page.get_by_role("link", name="Older").click()
    await expect(page.get_by_role("heading", name="First")).to_be_visible()
    await page.get_by_role("link", name="← Inbox").click()
    await expect(page.get_by_role("link", name="Submissions 3, 1 unread")).to_be_visible()
    await expect(rows(page).nth(2).get_by_role("link").first).to_be_focused()
    await expect(rows(page).nth(0)).to_contain_text("Unread.")


async def test_many_are_deleted_at_once_when_that_is_confirmed(person: Person) -> None:
    site = await person.site()
    for name in ("First", "Second", "Third"):
        await send(person, site, name=name)
    page = await inbox(person, site)
    await page.get_by_label("Choose all that are listed").check()
    await page.get_by_label("Choose Second").uncheck()
    await expect(page.get_by_text("2 chosen")).to_be_visible()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Delete 2 submissions").click()
    await expect(rows(page)).to_have_count(1)
    await expect(rows(page)).to_contain_text("Second")
    listed = await person.api("GET", f"/submissions/{site['id']}")
    assert [row["data"]["name"] for row in listed["submissions"]] == ["Second"]


async def test_a_tab_that_nobody_looks_at_counts_in_its_title(person: Person) -> None:
    site, page = await opened(person, title="Waitlist")
    await page.evaluate(HIDE, arg=True)
    for name in ("First", "Second"):
        await send(person, site, name=name)
    await expect(page).to_have_title("(2) Inbox of Waitlist – Invoker")
    await page.evaluate(HIDE, arg=False)
    await expect(page).to_have_title("Inbox of Waitlist – Invoker")


async def test_a_tab_that_is_long_hidden_gives_up_its_stream_and_asks_now_and_then(person: Person) -> None:
    site = await person.site(title="Waitlist")
    page = await person.context.new_page()
    await page.clock.install()
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if "/events" in request.url else None)
    await person.go(page, f"/dashboard/sites/{site['id']}/inbox")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.evaluate(HIDE, arg=True)
    async with page.expect_event("requestfailed", lambda request: "/events" in request.url):
        await page.clock.fast_forward(61_000)
    await send(person, site, name="Ada")
    await page.clock.fast_forward(61_000)
    await expect(page).to_have_title("(1) Inbox of Waitlist – Invoker")
    await page.evaluate(HIDE, arg=False)
    await expect(rows(page)).to_have_count(1)
    await eventually(lambda: len(streams) == 2)


async def test_a_stream_that_breaks_is_said_and_what_was_missed_is_caught_up(
    person: Person, complaints: Complaints
) -> None:
    site = await person.site()
    await send(person, site, name="First")
    page = await person.context.new_page()
    events, away = f"**/api/submissions/{site['id']}/events*", True

    async def broken(route: Route) -> None:
        await (route.fulfill(status=503) if away else route.continue_())

    await page.route(events, broken)
    await person.go(page, f"/dashboard/sites/{site['id']}/inbox")
    await expect(page.get_by_text("Not live, connecting again…")).to_be_visible()
    await send(person, site, name="Second")
    away = False
    await expect(rows(page)).to_have_count(2)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    complaints.lines.clear()  # of the answers that were made up


async def test_a_form_is_tried_out_hop_by_hop_and_counts_nowhere(person: Person) -> None:
    site, page = await opened(person)
    await page.get_by_role("button", name="Try the form").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("Everything on the way works.")).to_be_visible()
    hops = dialog.get_by_role("listitem")
    await expect(hops.filter(has_text="Stored")).to_contain_text("ms")
    await dialog.get_by_role("link", name="See it as it arrived").click()
    await settled(page)
    await expect(page.get_by_text("Test", exact=True)).to_be_visible()
    await page.get_by_role("link", name="← Tests").click()
    await expect(rows(page)).to_have_count(1)
    assert (await person.api("GET", f"/submissions/{site['id']}"))["total"] == 0


async def test_a_file_that_was_sent_is_saved_and_never_shown(person: Person) -> None:
    site = await person.site()
    await person.api("PATCH", f"/deploy/{site['id']}/settings", {"files": True})
    name = "<img src=x onerror=alert(1)>.html"
    upload: Any = {"name": name, "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"}
    answer = await person.context.request.post(
        f"{person.target.api}/submit/{site['id']}", multipart={"name": "Ada", "brief": upload}
    )
    assert answer.ok, await answer.text()
    page = await inbox(person, site)
    await expect(rows(page)).to_contain_text("1 file")
    await rows(page).get_by_role("link").first.click()
    link = page.get_by_role("link", name="onerror")
    await expect(link).to_contain_text("25 bytes")
    async with page.expect_download() as downloading:
        await link.click()
    assert (await (await downloading.value).path()).read_bytes() == b"<script>alert(1)</script>"
    assert await page.evaluate("document.querySelectorAll('#app img').length") == 0


async def test_what_came_in_is_drawn_by_days_and_read_by_keyboard(person: Person) -> None:
    site = await person.site()
    await send(person, site, name="Ada")
    await send(person, site, name="Robot", _hp="filled in")
    page = await person.open(f"/dashboard/sites/{site['id']}")
    chart = page.get_by_role("slider", name="Form posts, day by day")
    await chart.focus()
    assert str(await chart.get_attribute("aria-valuetext")).endswith("1 accepted, 1 held as spam, 0 dropped")
    await page.keyboard.press("ArrowLeft")
    assert str(await chart.get_attribute("aria-valuetext")).endswith("0 accepted, 0 held as spam, 0 dropped")
    reasons = page.get_by_role("list", name="Why some were not accepted")
    await expect(reasons).to_have_text("1 held: a hidden field was filled in")
    await page.get_by_text("As a table").click()
    await expect(page.get_by_role("region", name="Form posts as a table").get_by_role("row")).to_have_count(31)
