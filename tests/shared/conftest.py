"""Fixtures of the shared library's tests: the tables it brings, and both buses."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from shared import db, logs
from tests.support.buses import LocalRig, RabbitRig, Rig
from tests.support.servers import Postgres
from tests.support.servers.postgres import run_sync

SHARED = Path(db.__file__).parent


@pytest.fixture(autouse=True)
def json_logs() -> None:
    """Log as in production: a pretty traceback takes half a second of the event loop."""
    logs.configure("tests", json=True)


@pytest.fixture(scope="session")
def shared_template(postgres_server: Postgres) -> Iterator[str]:
    """Give a database with the local bus's table, and outbox and inbox in the schema `probe`."""
    name = f"invoker_shared_template_{secrets.token_hex(4)}"
    postgres_server.execute(f'CREATE DATABASE "{name}"')
    run_sync(db.migrate(postgres_server.url(name), "standalone"))
    run_sync(_add_probe(postgres_server.url(name)))
    yield name
    postgres_server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _add_probe(dsn: str) -> None:
    await db.migrate(dsn, "probe")
    async with db.pool(dsn, "probe", size=1) as pool:
        for file in ("outbox.sql", "inbox.sql"):
            await pool.execute((SHARED / file).read_text(encoding="utf-8"))


@pytest.fixture
def shared_url(database: Callable[..., str], shared_template: str) -> str:
    """Give a database of this test's own."""
    return database(shared_template)


@pytest.fixture
async def pool(shared_url: str) -> AsyncIterator[db.Pool]:
    """Give a pool on the tables that services copy."""
    async with db.pool(shared_url, "probe") as opened:
        yield opened


@pytest.fixture
async def local(shared_url: str) -> AsyncIterator[LocalRig]:
    """Give the local bus."""
    async with db.pool(shared_url, "standalone", size=4) as opened:
        yield LocalRig(opened)


@pytest.fixture
async def rabbit(amqp_url: str, bus_prefix: str) -> AsyncIterator[RabbitRig]:
    """Give RabbitMQ, with names of this test's own."""
    rig = RabbitRig(amqp_url, bus_prefix.rstrip("."))
    yield rig
    await rig.remove()


@pytest.fixture(params=["rabbitmq", "local"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Give each of the buses in turn."""
    chosen: Rig = request.getfixturevalue("rabbit" if request.param == "rabbitmq" else "local")
    return chosen
