"""What the client library and the command line are held against: a standalone of our own, and servers that lie."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from invoker_mcp import settings as settings_of
from invoker_mcp.api import Api
from invoker_mcp.credentials import Credential
from invoker_mcp.settings import Settings
from tests.support.client import Client, Target, an_address
from tests.support.standalone import PATIENT, running
from tests.support.terminal import Terminal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Give where the system is; it runs for the whole session."""
    directory = Path(tmp_path_factory.mktemp("clients")) / "data"
    with running(directory, module=PATIENT, INVOKER_RATE_LIMITS="off", INVOKER_WEBHOOK_ALLOW_PRIVATE="1") as system:
        yield system.target


@pytest.fixture
async def person(target: Target) -> AsyncIterator[Client]:
    """Give the user beside the client: reads mails, approves logins, posts forms."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(session, target)


def settings_for(api_url: str, home: Path) -> Settings:
    return settings_of.load({"INVOKER_API_URL": api_url, "INVOKER_HOME": str(home), "INVOKER_KEYRING": "off"})


@pytest.fixture
def settings(target: Target, tmp_path: Path) -> Settings:
    """Give settings with a home of their own."""
    return settings_for(target.api, tmp_path / "home")


@pytest.fixture
async def nobody(settings: Settings) -> AsyncIterator[Api]:
    """Give the API without a credential."""
    async with Api(settings) as api:
        yield api


@pytest.fixture
async def account(person: Client) -> dict[str, str]:
    """Give a new account's `{api_key, key_id, email}`."""
    return await person.login(an_address())


@pytest.fixture
async def api(settings: Settings, account: dict[str, str]) -> AsyncIterator[Api]:
    """Give the API with the key of a new account."""
    async with Api(settings, Credential(key=account["api_key"], source="environment")) as given:
        yield given


@pytest.fixture
async def terminal(target: Target, tmp_path: Path, account: dict[str, str]) -> Terminal:
    """Give a terminal whose environment has the key of a new account."""
    return Terminal(tmp_path, target.api, INVOKER_API_KEY=account["api_key"])


@pytest.fixture
async def lying(tmp_path: Path) -> AsyncIterator[Callable[[Handler], Awaitable[Settings]]]:
    """Give what starts a server that answers every request by a function, and returns the settings to call it."""
    servers: list[TestServer] = []

    async def start(handler: Handler) -> Settings:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        servers.append(server)
        return settings_for(str(server.make_url("/api")), tmp_path / "home")

    yield start
    for server in servers:
        await server.close()
