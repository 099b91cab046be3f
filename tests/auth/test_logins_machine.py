"""R89: the life of logins as a state machine on PostgreSQL; bugs that are planted are found by it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from services.auth import logins
from services.auth.store import logins as store
from shared import db, logs
from tests.support.login_machine import LoginMachine
from tests.support.login_world import World, world_on

#: The same examples every time: a failure is the code's.
STEADY = settings(
    max_examples=500,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: To find is enough, without making it short.
FIND = settings(STEADY, phases=(Phase.generate,), report_multiple_bugs=False)


@pytest.fixture(autouse=True)
def few_logs() -> None:
    """Leave out the lines of 25,000 steps."""
    logs.configure("auth", json=True, level="ERROR")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Give the service with its clock."""
    with world_on(database_url) as made:
        yield made


def run(world: World, how: settings) -> None:
    run_state_machine_as_test(type("Machine", (LoginMachine,), {"world": world}), settings=how)


def test_r89_logins_keep_their_rules_in_any_order(world: World) -> None:
    """R89: 500 examples of 50 steps, the service itself on its SQL."""
    run(world, STEADY)


async def _void_nothing(*_given: object) -> None:
    """Leave the older codes as they are."""


deliver = store.deliver


async def _deliver_to_anybody(conn: db.Connection, login_id: str, _digest: str, kind: logins.Kind) -> Any:
    verifier = await conn.fetchval("SELECT verifier_digest FROM logins WHERE id = $1", login_id)
    return await deliver(conn, login_id, verifier, kind)


async def _deliver_again(conn: db.Connection, login_id: str, digest: str, kind: logins.Kind) -> Any:
    taken = await deliver(conn, login_id, digest, kind)
    if taken:
        await conn.execute("UPDATE logins SET state = 'approved' WHERE id = $1", login_id)
    return taken


BUGS: dict[str, tuple[object, str, object]] = {
    "tries are not counted": (logins, "TRIES", 1000),
    "a newer code voids nothing": (store, "void_codes", _void_nothing),
    "codes live for hours": (logins, "CODE_LIFE", 100 * logins.CODE_LIFE),
    "a verifier is not looked at": (store, "deliver", _deliver_to_anybody),
    "a login is delivered again": (store, "deliver", _deliver_again),
}


@pytest.mark.parametrize("bug", BUGS)
def test_r89_a_planted_bug_is_found(world: World, bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R89: each breaks one rule, and the machine sees it."""
    where, name, planted = BUGS[bug]
    monkeypatch.setattr(where, name, planted)
    with pytest.raises(AssertionError):
        run(world, FIND)


def test_r89_a_link_that_takes_any_user_code_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """R89, R57: the comparison happens, and its outcome is not looked at."""
    compare = logins.same_user_code
    monkeypatch.setattr(logins, "same_user_code", lambda shown, typed: compare(shown, typed) or True)
    with pytest.raises(AssertionError):
        run(world, FIND)
