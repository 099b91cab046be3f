"""R66: a hostile page on the sites domain can neither read, write nor fix a session of the dashboard.

It is tried where sites have a domain of their own, and on a domain shared with the app, where browsers send it the
cookies of its neighbours and our own guards are all there is; at the page's own host, and below the app's, where it is
sandboxed. The victim is logged in in the same browser all the while.
"""

import asyncio
import re
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from shared.credentials import hint
from tests.browser.conftest import QUIET
from tests.support.client import Answer, an_address
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.standalone import PATIENT, Standalone, running

ATTACK = Path(__file__).parent / "hostile"
CERTIFICATE = Path(__file__).parent.parent / "data" / "localhost.pem"
SECRET = "the other site's secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running system, and a browser that finds it."""

    browser: Browser
    session: aiohttp.ClientSession
    port: int
    app: str

    async def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, json: Any = None) -> Answer:
        """Call the app's host, past whatever encrypts for it."""
        host = self.app.partition("://")[2]
        given = {"Host": host, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=given, json=json, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def code(self, email: str) -> str:
        """Return the code that was mailed to this address."""

        async def look() -> str:
            listed = (await self.call("GET", "/mailbox/api/v1/messages?limit=200")).json["messages"]
            found = [row["Subject"] for row in listed if row["To"][0]["Address"] == email and "code" in row["Subject"]]
            assert found, "no code was mailed yet"
            return str(re.findall(r"\b\d{6}\b", found[0])[0])

        return await eventually(look)

    async def ask_code(self, email: str) -> Page:
        """Go through the dashboard's door in a browser of its own, up to the code."""
        page = await (await self.browser.new_context()).new_page()
        await page.goto(f"{self.app}/login")
        await page.get_by_label("Email").fill(email)
        await page.get_by_role("button", name="Send me a code").click()
        await page.get_by_label("Code from the mail").wait_for()
        return page

    async def person(self) -> "Person":
        """Log somebody in, and give them a key."""
        email = an_address()
        page = await self.ask_code(email)
        await page.get_by_label("Code from the mail").fill(await self.code(email))
        await page.get_by_role("button", name="Log in", exact=True).click()
        await page.wait_for_url("**/dashboard")
        person = Person(world=self, context=page.context, email=email)
        person.key = (await person.call("POST", "/keys", {"name": "laptop"})).json
        return person


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody who is logged in in a browser."""

    world: World
    context: BrowserContext
    email: str
    key: Any = None

    async def call(self, method: str, path: str, json: Any = None) -> Answer:
        """Call the API as the dashboard does."""
        cookies = await self.context.cookies(self.world.app)
        headers = {"Cookie": "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)}
        answer = await self.world.call(method, f"/api{path}", headers=headers, json=json)
        assert answer.status in {200, 201}, f"{method} {path}: {answer.text}"
        return answer

    async def possessions(self) -> Any:
        """Return all that an attack could change."""
        me = (await self.call("GET", "/auth/me")).json
        keys = (await self.call("GET", "/keys?state=all")).json["keys"]
        sites = (await self.call("GET", "/deploy")).json["deployments"]
        return {
            "account": me["account_id"],
            "email": me["email"],
            "session": me["credential"]["id"],
            "keys": [(key["id"], key["revoked_at"], key["replaced_by"]) for key in keys],
            "sites": [(site["id"], site["version"]) for site in sites],
            "sessions": [session["id"] for session in (await self.call("GET", "/auth/sessions")).json["sessions"]],
        }


@asynccontextmanager
async def encrypted(port: int, to: int) -> AsyncIterator[None]:
    """Speak TLS on `port`, and hand on what was said."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, back[1]), pump(back[0], writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def shared_domain(directory: Path) -> AsyncIterator[tuple[Standalone, str]]:
    """Run a system whose sites are neighbours of the app, over TLS."""
    port = free_port()
    app = f"https://app.invoker.test:{port}"
    settings = {
        "INVOKER_APP_URL": app,
        "INVOKER_API_URL": f"{app}/api",
        "INVOKER_SITES_URL": f"https://{{slug}}.invoker.test:{port}",
        "INVOKER_ALLOW_SHARED_SITE_DOMAIN": "1",
        "INVOKER_RATE_LIMITS": "off",
    }
    with running(directory, module=PATIENT, **settings) as system:
        async with encrypted(port, system.port):
            yield system, app


@asynccontextmanager
async def own_domain(directory: Path) -> AsyncIterator[tuple[Standalone, str]]:
    with running(directory, module=PATIENT, INVOKER_RATE_LIMITS="off") as system:
        yield system, system.target.app


@pytest.fixture(params=[own_domain, shared_domain])
async def world(request: pytest.FixtureRequest, chromium_path: str, tmp_path: Path) -> AsyncIterator[World]:
    """Give a system of each kind."""
    arguments = [*QUIET, "--host-resolver-rules=MAP *.invoker.test 127.0.0.1", "--ignore-certificate-errors"]
    async with (
        request.param(tmp_path / "data") as (system, app),
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=arguments)
        yield World(browser=browser, session=session, port=system.port, app=app)
        await browser.close()


async def test_r66_a_hostile_site_reads_and_changes_nothing(world: World) -> None:
    victim, attacker = await world.person(), await world.person()
    other = (await victim.call("POST", "/deploy", {"html": f"<title>Other</title><p>{SECRET}</p>"})).json
    page = await victim.context.new_page()
    await page.goto(other["url"])
    await page.evaluate("secret => { localStorage.kept = secret }", SECRET)
    files = [{"path": path.name, "content": path.read_text()} for path in sorted(ATTACK.iterdir())]
    evil = (await attacker.call("POST", "/deploy", {"slug": f"evil-{secrets.token_hex(4)}", "files": files})).json
    given = await what_an_attacker_knows(world, victim, other)
    before = await victim.possessions()

    for place in (evil["url"], f"{world.app}/s/{evil['slug']}/"):
        await page.goto(place)
        got = await page.evaluate("given => window.run(given)", given)
        assert len(got) >= 33, "every attempt was made"
        assert bool(got.pop("read itself")) is (place == evil["url"]), "the attempts can read what they may"
        assert not {name: text for name, text in got.items() if text}, "nothing may be read"
        assert await victim.possessions() == before, "nothing may be changed"

    await page.goto(f"{world.app}/dashboard")
    assert await page.evaluate("navigator.serviceWorker.controller") is None
    await page.get_by_text(hint(victim.key["key"])).first.wait_for()
    await page.goto(other["url"])
    assert SECRET in await page.inner_text("body")
    assert await page.evaluate("localStorage.kept") == SECRET


async def what_an_attacker_knows(world: World, victim: Person, other: Any) -> dict[str, Any]:
    """Return every address and id, and a login of the attacker's own that waits for its code."""
    email = an_address()
    login = await world.ask_code(email)
    return {
        "app": world.app,
        "api": f"{world.app}/api",
        "sibling": other["url"],
        "keyId": victim.key["id"],
        "sessionId": (await victim.call("GET", "/auth/me")).json["credential"]["id"],
        "loginId": login.url.rpartition("/")[2],
        "code": await world.code(email),
        "email": victim.email,
    }
