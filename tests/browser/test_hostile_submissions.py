"""R87: whatever a visitor types, names or answers, the dashboard shows it as text and runs none of it."""

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browsing import Complaints, Person, settled
from tests.support.eventually import eventually
from tests.support.hook_receiver import receiving
from tests.support.payloads import XSS

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: What only markup could have made, and addresses that lead out of the dashboard or run something.
FOREIGN = """() => [...document.querySelectorAll(`#app :is(img, script, iframe, object, embed, base, meta, link, style,
  video, marquee, math, svg:not(.bars), form:not([class]), [onerror], [onload], [autofocus]), dialog :is(img, script)`),
  ...[...document.querySelectorAll("a[href]")].filter((a) => !/^(https?|mailto):/.test(a.href))]
  .map((found) => found.outerHTML)"""


class Watch:
    """What a page did that none of ours does."""

    def __init__(self, page: Page) -> None:
        self.did: list[str] = []
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._request(request.url))
        page.on("popup", lambda _: self.did.append("a window"))

    async def _dialog(self, dialog: Any) -> None:
        self.did.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()

    def _request(self, url: str) -> None:
        if "evil.example" in url:
            self.did.append(url)


async def sent(person: Person, site: str) -> list[str]:
    """Send each text as a field's name, as a value, and as the name of a form; return the ids."""
    found: list[str] = []
    for at, text in enumerate(XSS):
        body = {text: "a name", "value": text, f"list{at % 3}": [text, text], "_form": text}
        found.append((await person.api("POST", f"/submit/{site}", body))["id"])
    return found


async def judged(page: Page, watch: Watch, path: str) -> None:
    """Move over the page, open what can be opened, and find nothing of theirs at work."""
    await settled(page)
    for each in await page.locator("#app summary").all():
        await each.click()
    await page.mouse.move(300, 300)
    assert await page.evaluate(FOREIGN) == [], path
    assert watch.did == [], path


async def test_r87_what_visitors_sent_runs_nothing_on_any_page(person: Person, complaints: Complaints) -> None:
    site = await person.site()
    page = await person.open(f"/dashboard/sites/{site['id']}/inbox")
    watch = Watch(page)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    submissions = await sent(person, site["id"])
    assert len(XSS) >= 30
    held = (await person.api("GET", f"/submissions/{site['id']}?status=spam"))["total"]
    await expect(page.locator("tbody tr")).to_have_count(len(XSS) - held)
    await judged(page, watch, "arriving live")
    inbox = f"/dashboard/sites/{site['id']}/inbox"
    lists = (f"/dashboard/sites/{site['id']}", inbox, f"{inbox}?q=alert", f"{inbox}?status=spam")
    for path in (*lists, *(f"{inbox}/{each}" for each in submissions)):
        await person.go(page, path)
        await judged(page, watch, path)
    assert complaints.lines == [], "the policy had nothing to stop"


async def test_r87_names_of_files_and_words_of_the_api_are_text(person: Person) -> None:
    """File names, types, reasons, problems and hops, as the worst of servers would have them."""
    site = await person.site()
    submission = (await person.api("POST", f"/submit/{site['id']}", {"name": "Ada"}))["id"]
    page = await person.context.new_page()
    watch, texts = Watch(page), list(XSS)

    async def worst(route: Route) -> None:
        row = await (await route.fetch()).json()
        files = [
            {"id": f"fil_{at:016d}", "field": text, "name": text, "type": text, "size": 1, "url": text}
            for at, text in enumerate(texts)
        ]
        hops = [{"hop": text, "at": row["created_at"], "ms": 1, "status": text, "detail": text} for text in texts]
        problems = [{"field": text, "problem": text} for text in texts]
        await route.fulfill(
            json=row
            | {"files": files, "problems": problems, "unknown_fields": texts, "trace": hops, "request_id": texts[0]}
            | {"status": "spam", "spam_reason": texts[2]}
        )

    await page.route(f"**/api/submissions/{site['id']}/{submission}", worst)
    path = f"/dashboard/sites/{site['id']}/inbox/{submission}?status=spam"
    await person.go(page, path)
    await judged(page, watch, path)
    for text in texts[:10]:
        await expect(page.get_by_text(text.strip(), exact=False).first).to_be_attached()
    hrefs = await page.locator("a.file").evaluate_all("all => all.map((each) => each.pathname)")
    assert len(hrefs) == len(texts)
    assert all(href.startswith(f"/api/submissions/{site['id']}/{submission}/files/fil_") for href in hrefs)


async def test_r87_what_a_webhook_answers_is_text(person: Person) -> None:
    site = await person.site()
    async with receiving(status=500, answer="\n".join(XSS)) as receiver:
        hook = await person.api("POST", f"/webhooks/{site['id']}", {"url": f"{receiver.url}?{XSS[4]}"})
        page = await person.open(f"/dashboard/sites/{site['id']}/webhooks")
        watch = Watch(page)
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_text("The test failed.")).to_be_visible()
        await judged(page, watch, "the test's result")

        async def noted() -> None:
            path = f"/webhooks/{site['id']}/{hook['id']}/deliveries"
            assert [row["status"] for row in (await person.api("GET", path))["deliveries"]] == [500]

        await eventually(noted)
        path = f"/dashboard/sites/{site['id']}/webhooks/{hook['id']}"
        await person.go(page, path)
        await judged(page, watch, path)
        await expect(page.locator("pre", has_text=XSS[0])).to_be_visible()
