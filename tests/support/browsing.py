"""A person at a browser: logging in, and the account they log in to."""

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page

from tests.support.client import Target, an_address
from tests.support.eventually import eventually

FORM = """<!doctype html><html lang=en><title>Waitlist</title><h1>Waitlist</h1>
<form action="{{SUBMIT_URL}}" method=post><label>Email <input name=email type=email></label>
<button>Join</button></form>"""


@dataclass(slots=True)
class Person:
    """Somebody with an address and a browser of their own."""

    context: BrowserContext
    target: Target
    email: str = field(default_factory=an_address)

    async def mails(self) -> list[dict[str, Any]]:
        """Return the mails to their address, newest first."""
        listed = await (await self.context.request.get(f"{self.target.mailbox}/api/v1/messages?limit=200")).json()
        return [mail for mail in listed["messages"] if self.email in {each["Address"] for each in mail["To"]}]

    async def mail(self, having: str = "login code", *, count: int = 1) -> dict[str, Any]:
        """Wait until there are `count` mails with `having` in the subject, and return the newest."""

        async def look() -> dict[str, Any]:
            found = [mail for mail in await self.mails() if having in mail["Subject"]]
            assert len(found) >= count, f"{len(found)} mails with {having!r} to {self.email}"
            return found[0]

        return await eventually(look)

    async def code(self, having: str = "login code", *, count: int = 1) -> str:
        """Return the code in the newest such mail's subject."""
        found = re.search(r"\b\d{6}\b", (await self.mail(having, count=count))["Subject"])
        assert found is not None
        return str(found[0])

    async def link(self) -> str:
        """Return the link in the newest login mail."""
        url = f"{self.target.mailbox}/api/v1/message/{(await self.mail())['ID']}"
        text = (await (await self.context.request.get(url)).json())["Text"]
        return str(next(word for word in text.split() if "/login/link/" in word))

    async def log_in(self) -> "Person":
        """Log in without looking at the pages: most tests are about what comes after."""
        app, own, request = self.target.app, {"Origin": self.target.app}, self.context.request
        before = len([mail for mail in await self.mails() if "login code" in mail["Subject"]])
        sent = await request.post(f"{app}/login", form={"email": self.email}, headers=own, max_redirects=0)
        code = await self.code(count=before + 1)
        url = f"{app}{sent.headers['location']}/code"
        entered = await request.post(url, form={"code": code}, headers=own, max_redirects=0)
        assert entered.headers["location"] == "/dashboard"
        return self

    async def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the API as the dashboard does, with the session's cookie."""
        answer = await self.context.request.fetch(
            f"{self.target.app}/api{path}", method=method, data=body, headers={"Origin": self.target.app}
        )
        assert answer.ok, await answer.text()
        return await answer.json()

    async def site(self, **given: str) -> dict[str, Any]:
        """Put a page with a form live."""
        made: dict[str, Any] = await self.api("POST", "/deploy", {"html": FORM, **given})
        return made

    async def open(self, path: str = "/dashboard") -> Page:
        """Open a page and wait until it has what it loads."""
        page = await self.context.new_page()
        await self.go(page, path)
        return page

    async def go(self, page: Page, path: str) -> None:
        await page.goto(self.target.app + path)
        await settled(page)


async def settled(page: Page) -> None:
    """Wait until nothing of the page is being loaded."""
    await page.locator("h1").first.wait_for()
    await page.locator("[aria-busy=true]").first.wait_for(state="detached")


@dataclass(slots=True)
class Complaints:
    """What a browser complains about: script errors, violations of the page's policy, failed requests."""

    lines: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        def note(line: ConsoleMessage) -> None:
            # a page of a user's has no icon unless they gave it one; browsers ask for it all the same
            if line.type == "error" and not line.location["url"].endswith("/favicon.ico"):
                self.lines.append(line.text)

        context.on("weberror", lambda error: self.lines.append(str(error.error)))
        context.on("console", note)
