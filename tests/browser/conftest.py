"""One running system and one Chromium for all browser tests; what it complains about fails the test."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.support import dns_server
from tests.support.browsing import Complaints, Person
from tests.support.dns_server import NameServer
from tests.support.eventually import PATIENCE
from tests.support.standalone import PATIENT, Standalone, running

#: Nothing leaves the machine: no update checks, no look-ups of the browser's own.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def name_server() -> AsyncIterator[NameServer]:
    """Give what the system asks about custom domains."""
    async with dns_server.serving() as server:
        yield server


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, name_server: NameServer) -> Iterator[Standalone]:
    """Give a running system."""
    directory = Path(tmp_path_factory.mktemp("browser")) / "data"
    address, port = name_server.address
    settings = {
        "INVOKER_RATE_LIMITS": "off",
        "INVOKER_DNS_SERVERS": f"{address}:{port}",
        # the tests' receivers are on this machine
        "INVOKER_WEBHOOK_ALLOW_PRIVATE": "1",
    }
    with running(directory, module=PATIENT, **settings) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """Give the session's Chromium: starting one takes a second. Its tests run on one event loop."""
    async with async_playwright() as playwright:
        expect.set_options(timeout=PATIENCE * 1000)
        opened = await playwright.chromium.launch(executable_path=chromium_path, args=QUIET)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def complaints() -> AsyncIterator[Complaints]:
    """Give what the test's browsers complain about; a test that means to break something empties it."""
    noted = Complaints()
    yield noted
    assert noted.lines == []


@pytest_asyncio.fixture(loop_scope="session")
async def new_context(browser: Browser, complaints: Complaints) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that makes a profile without cookies."""
    opened: list[BrowserContext] = []

    async def make(**given: Any) -> BrowserContext:
        opened.append(await browser.new_context(**given))
        opened[-1].set_default_timeout(PATIENCE * 1000)
        complaints.watch(opened[-1])
        return opened[-1]

    yield make
    for context in opened:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(new_context: Callable[..., Any], system: Standalone) -> Person:
    """Give somebody who is not logged in."""
    return Person(await new_context(), system.target)


@pytest_asyncio.fixture(loop_scope="session")
async def person(stranger: Person) -> Person:
    """Give somebody who is logged in to a new account."""
    return await stranger.log_in()
