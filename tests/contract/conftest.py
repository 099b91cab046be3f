"""What the contract is held against: the system named by `INVOKER_CONTRACT_URL`, or a standalone of our own."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client, Target, an_address
from tests.support.standalone import PATIENT, running


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Give where the system is; ours runs for the whole session."""
    if url := os.environ.get("INVOKER_CONTRACT_URL"):
        port = int(url.rstrip("/").rpartition(":")[2])
        mailbox = os.environ.get("INVOKER_CONTRACT_MAILBOX", "http://localhost:8025")
        yield Target.local(port, mailbox=mailbox)
        return
    directory = Path(tmp_path_factory.mktemp("contract")) / "data"
    with running(directory, module=PATIENT, INVOKER_RATE_LIMITS="off", INVOKER_WEBHOOK_ALLOW_PRIVATE="1") as system:
        yield system.target


@pytest.fixture
async def client(target: Target) -> AsyncIterator[Client]:
    """Give somebody who calls it."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(session, target)


_keys: dict[str, dict[str, str]] = {}


@pytest.fixture
async def account(client: Client) -> dict[str, str]:
    """Give one logged-in account for all tests: logins are limited where limits are on."""
    if "one" not in _keys:
        _keys["one"] = await client.login(an_address())
    return _keys["one"]


@pytest.fixture
async def key(client: Client, account: dict[str, str]) -> AsyncIterator[str]:
    """Give the account's key, and leave the account without sites."""
    yield account["api_key"]
    for row in (await client.api("GET", "/deploy", key=account["api_key"])).json["deployments"]:
        await client.api("DELETE", f"/deploy/{row['id']}", key=account["api_key"])
