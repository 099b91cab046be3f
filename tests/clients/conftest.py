"""What the clients are held against: a standalone of our own, and somebody who reads mail and calls the API by hand."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client, Target
from tests.support.standalone import PATIENT, running


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Give where the system is; it runs for the whole session."""
    directory = Path(tmp_path_factory.mktemp("clients")) / "data"
    with running(directory, module=PATIENT, INVOKER_RATE_LIMITS="off", INVOKER_WEBHOOK_ALLOW_PRIVATE="1") as system:
        yield system.target


@pytest.fixture
async def person(target: Target) -> AsyncIterator[Client]:
    """Give the user beside the assistant: reads mails, approves logins, posts forms."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(session, target)
