"""Fixtures of auth's tests: the service on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from shared import logs
from tests.support.auth import Auth, running_auth


@pytest.fixture(autouse=True)
def json_logs() -> None:
    """Log as in production."""
    logs.configure("auth", json=True)


@pytest.fixture
async def auth(database_url: str) -> AsyncIterator[Auth]:
    """Give the service without rate limits."""
    async with running_auth(database_url) as running:
        yield running


@pytest.fixture
async def limited(database_url: str) -> AsyncIterator[Auth]:
    """Give the service with rate limits, as it runs in production."""
    async with running_auth(database_url, rate_limits=True) as running:
        yield running


@pytest.fixture(params=[1, 8], ids=["pool of one", "pool of eight"])
async def any_pool(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Auth]:
    """Give the service with one connection, and with the usual number (R27)."""
    async with running_auth(database_url, database_pool_size=request.param) as running:
        yield running
