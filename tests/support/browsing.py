"""A person at a browser: logging in, and the account they log in to."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page

from tests.support.client import Target, an_address

FORM = """<!doctype html><html lang=en><title>Waitlist</title><h1>Waitlist</h1>
<form action="{{SUBMIT_URL}}" method=post><label>Email <input name=email type=email></label>
<button>Join</button></form>"""


@dataclass(slots=True)
class Person:
    """Somebody with an address and a browser of their own."""

    context: BrowserContext
    target: Target
    email: str = field(default_factory=an_address)

    async def code(self, having: str = "login code") -> str:
        """Return the code of the newest mail to their address whose subject has `having`."""
        for _ in range(100):
            for mail in await self.mails():
                if having in mail["Subject"] and (found := re.search(r"\b\d{6}\b", mail["Subject"] + mail["Snippet"])):
                    return found[0]
            await asyncio.sleep(0.1)
        raise AssertionError(f"no mail with {having!r} to {self.email}")

    async def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """Return the mails to their address, newest first."""
        listed = await (await self.context.request.get(f"{self.target.mailbox}/api/v1/messages?limit=200")).json()
        wanted = to or self.email
        return [mail for mail in listed["messages"] if wanted in {each["Address"] for each in mail["To"]}]

    async def log_in(self) -> "Person":
        """Log in without looking at the pages: most tests are about what comes after."""
        app, own = self.target.app, {"Origin": self.target.app}
        request = self.context.request
        before = len(await self.mails())
        sent = await request.post(f"{app}/login", form={"email": self.email}, headers=own, max_redirects=0)
        while len(await self.mails()) == before:
            await asyncio.sleep(0.05)
        path = sent.headers["location"]
        code = await self.code()
        entered = await request.post(f"{app}{path}/code", form={"code": code}, headers=own, max_redirects=0)
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
        context.on("weberror", lambda error: self.lines.append(str(error.error)))
        context.on("console", self._note)

    def _note(self, line: ConsoleMessage) -> None:
        # a page of a user's has no icon unless they gave it one; browsers ask for it all the same
        if line.type == "error" and not line.location["url"].endswith("/favicon.ico"):
            self.lines.append(line.text)
