"""A browser and a running system for each file."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.standalone import Standalone, running

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


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """Give a running system for all tests of this file."""
    with running(Path(tmp_path_factory.mktemp("browser")) / "data", INVOKER_RATE_LIMITS="off") as started:
        yield started


@pytest.fixture
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """Give a Chromium of this test's own."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium_path, args=QUIET)
        yield opened
        await opened.close()
