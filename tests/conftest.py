"""Fixtures that every test may use: a database of its own, a broker to share, a browser."""

import gc
import secrets
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.support import bounded, servers
from tests.support.servers import machine
from tests.support.servers.postgres import run_sync

SERVICES = ("auth", "deploy", "mailer")
SERVER_FIXTURES = {
    "postgres_server",
    "rabbitmq_server",
    "chromium_path",
    "private_rabbitmq",
    "gateway",
    "cluster",
    "rig",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be rewritten (`pytest --update-data`, then look at the diff), and the suite run in two parts."""
    parser.addoption("--update-data", action="store_true", help="rewrite the golden files under tests/data")
    parser.addoption("--alone", choices=["only", "never"], help="run the tests marked `alone` only, or leave them out")


@pytest.fixture
def update_data(request: pytest.FixtureRequest) -> bool:
    """Tell whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-data"))


def pytest_configure(config: pytest.Config) -> None:
    """End our servers on SIGTERM too, and let a long installation be seen."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        machine.uncaptured = capture.global_and_fixture_disabled


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its end, and mark what needs a server by its fixtures: `make test-unit` leaves it out."""
    for item in items:
        bounded.bound(item)
        if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("server")
    if wanted := config.getoption("--alone"):
        sides: dict[bool, list[pytest.Item]] = {True: [], False: []}
        for item in items:
            sides[item.get_closest_marker("alone") is not None].append(item)
        items[:] = sides[wanted == "only"]
        config.hook.pytest_deselected(items=sides[wanted != "only"])


def pytest_collection_finish() -> None:
    """Keep what has been imported out of garbage collections: each looked through all of it for a fifth of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Postgres]:
    """Give a PostgreSQL whose `dsn` may create databases."""
    with servers.running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: servers.Postgres) -> Iterator[str]:
    """Give the name of a database with every service's schema, to be cloned."""
    from shared import db

    name = f"invoker_template_{secrets.token_hex(4)}"
    postgres_server.execute(f'CREATE DATABASE "{name}"')
    for service in SERVICES:
        run_sync(db.migrate(postgres_server.url(name), service))
    yield name
    postgres_server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(postgres_server: servers.Postgres) -> Iterator[Callable[..., str]]:
    """Give a function that makes a database, empty or from a template, and returns its DSN."""
    made: list[str] = []

    def make(template: str = "template1") -> str:
        name = f"invoker_test_{secrets.token_hex(6)}"
        postgres_server.clone(template, name)
        made.append(name)
        return postgres_server.url(name)

    yield make
    for name in made:
        postgres_server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(database: Callable[..., str], migrated_template: str) -> str:
    """Give the DSN of this test's own migrated database."""
    return database(migrated_template)


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[servers.Broker]:
    """Give the session's RabbitMQ. Tests that hurt a broker take `private_rabbitmq`."""
    with servers.running_rabbitmq() as broker:
        yield broker


@pytest.fixture
def amqp_url(rabbitmq_server: servers.Broker) -> str:
    """Give the session's broker; names on it are kept apart by `bus_prefix`."""
    return rabbitmq_server.url


@pytest.fixture
def bus_prefix() -> str:
    """Give what this test's exchanges and queues begin with."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture
def private_rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Broker]:
    """Give a RabbitMQ of this test's own, to be stopped, killed and started again."""
    with servers.private_rabbitmq(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the endpoint of a store that speaks S3."""
    with servers.running_buckets(tmp_path_factory.mktemp("buckets")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Give the path of a Chromium, for Playwright's `executable_path`."""
    return servers.chromium_path()


@pytest.fixture(scope="session")
def axe_source() -> str:
    """Give the script of the accessibility engine."""
    return servers.axe_source()
