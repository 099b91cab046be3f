"""Fixtures of the deploy service's tests: the service, running, with a fake auth and a fake bus around it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import logs
from tests.support import fake_auth
from tests.support.deploying import Deploy, deploying
from tests.support.fake_auth import FakeAuth


@pytest.fixture(autouse=True)
def json_logs() -> None:
    """Log as in production: a pretty traceback takes half a second of the event loop."""
    logs.configure("tests", json=True)


@pytest.fixture
async def auth() -> AsyncIterator[FakeAuth]:
    """Give an auth that knows the keys it minted."""
    async with fake_auth.running() as running:
        yield running


@pytest.fixture
async def deploy(database_url: str, tmp_path: Path, auth: FakeAuth) -> AsyncIterator[Deploy]:
    """Give the running service."""
    async with deploying(database_url, tmp_path / "blobs", auth) as running:
        yield running


@pytest.fixture
def key(deploy: Deploy) -> str:
    """Give a key of a new account that may do everything."""
    return deploy.key()
