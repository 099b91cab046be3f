"""Fixtures of the deploy service's tests: the service, running, with a fake auth and a fake bus around it."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from shared import logs
from tests.support import fake_auth, servers
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
def store(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give the settings of where files are: a directory, or a bucket where a module has `BOTH_STORES`.

    `INVOKER_TEST_STORE=bucket` runs all of deploy's tests on a bucket but those that look into the directory.
    """
    if getattr(request, "param", os.environ.get("INVOKER_TEST_STORE", "directory")) == "directory":
        return {}
    endpoint: str = request.getfixturevalue("bucket_server")
    name = f"blobs-{secrets.token_hex(8)}"
    servers.add_bucket(endpoint, name)
    options = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "any", "secret_access_key": "any"}
    return {"blobs_url": f"s3://{name}", "blobs_options": {key: SecretStr(value) for key, value in options.items()}}


@pytest.fixture
async def deploy(database_url: str, tmp_path: Path, auth: FakeAuth, store: dict[str, Any]) -> AsyncIterator[Deploy]:
    """Give the running service."""
    async with deploying(database_url, tmp_path / "blobs", auth, **store) as running:
        yield running


@pytest.fixture
def key(deploy: Deploy) -> str:
    """Give a key of a new account that may do everything."""
    return deploy.key()
