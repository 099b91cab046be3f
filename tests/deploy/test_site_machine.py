"""R89: the life of sites as a state machine on the service itself; bugs that are planted are found by it.

`INVOKER_MACHINE_EXAMPLES=500` makes it thorough.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from services.deploy import blobs, live
from services.deploy.live import LiveSites
from services.deploy.service import upkeep
from services.deploy.store import blobs as blob_rows
from services.deploy.store import deployments
from shared import db, logs
from shared.config import Plan
from tests.support import fake_auth
from tests.support.deploying import deploying
from tests.support.publishing import upkeep_of
from tests.support.site_machine import Sites
from tests.support.site_world import PAGES, PLAN, TEXTS, World

EXAMPLES = int(os.environ.get("INVOKER_MACHINE_EXAMPLES", "12"))
#: The same examples every time: a failure is the code's.
STEADY = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50 if EXAMPLES > 100 else 20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

ONE = {"index.html": PAGES[0], "a.txt": TEXTS[0]}
TWO = {"index.html": PAGES[1], "a.txt": TEXTS[1]}


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out log lines and syncs: no machine crashes here. What is not forgotten is seen, even if slowly."""
    logs.configure("tests", json=True, level="CRITICAL")
    monkeypatch.setattr(blobs, "_fsync", lambda _paths: None)
    monkeypatch.setattr(upkeep, "BREATH", 0.0)
    monkeypatch.setattr(live, "FRESH", 1000.0)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Give the running service."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def start() -> World:
            auth = await stack.enter_async_context(fake_auth.running())
            plans = {"free": Plan(deployments=PLAN)}
            running = deploying(database_url, tmp_path / "blobs", auth, rate_limits=False, plans=plans)
            deploy = await stack.enter_async_context(running)
            return World(runner, deploy, await stack.enter_async_context(upkeep_of(deploy)))

        yield runner.run(start())
        runner.run(stack.aclose())


def run(world: World, how: settings) -> None:
    run_state_machine_as_test(type("Machine", (Sites,), {"world": world}), settings=how)


def test_r89_sites_keep_their_rules_in_any_order(world: World) -> None:
    """R89: the service over HTTP on its SQL and its store."""
    run(world, STEADY)


add_missing, find_free, known = blob_rows.add_missing, blob_rows.find_free, blob_rows.known


async def _charge_again(conn: db.Connection, site: str, number: int, wanted: dict[str, tuple[int, str]]) -> int:
    await add_missing(conn, site, number, wanted)
    return sum(size for size, _ in wanted.values())


async def _all_is_free(conn: db.Connection, limit: int) -> tuple[int, list[str]]:
    looked, _ = await find_free(conn, limit)
    rows = await conn.fetch("UPDATE blobs SET stored_at = NULL, loose = true RETURNING sha256")
    return looked, [row["sha256"] for row in rows]


async def _whoever_sent_it(conn: db.Connection, _account: str, digests: Iterable[str]) -> dict[str, int]:
    rows = await conn.fetch("SELECT sha256, size FROM blobs WHERE sha256 = ANY ($1)", list(digests))
    return {row["sha256"]: row["size"] for row in rows}


async def _nothing(*_given: Any, **_named: Any) -> None:
    """Leave things as they are."""


def _forget_nothing(*_given: Any) -> None:
    """Keep what is known."""


async def _none_missing(*_given: Any) -> list[str]:
    return []


def named_twice(sites: Sites) -> None:
    sites.replace(0, TWO, ("a.txt",), preview=True, seen=None)
    sites.replace(0, TWO, ("a.txt",), preview=True, seen=None)


def of_another(sites: Sites) -> None:
    sites.create(1, ONE, ("a.txt",), preview=False, name=None)


def name_of_another(sites: Sites) -> None:
    sites.delete(0)
    sites.create(1, ONE, (), preview=False, name=0)


def put_live_too_early(sites: Sites) -> None:
    sites.replace(0, TWO, ("a.txt",), preview=False, seen=None)
    sites.publish(0, 1, None)


def replaced(sites: Sites) -> None:
    sites.replace(0, TWO, (), preview=False, seen=None)


#: What is broken, and steps after which that is seen; a search finds them too, and takes minutes.
BUGS: dict[str, tuple[Any, str, Any, Callable[[Sites], None]]] = {
    "bytes are charged for as often as they are named": (blob_rows, "add_missing", _charge_again, named_twice),
    "the sweep takes what is used": (blob_rows, "find_free", _all_is_free, replaced),
    "to know a digest is to have the bytes": (blob_rows, "known", _whoever_sent_it, of_another),
    "names do not rest": (deployments, "rest_name", _nothing, name_of_another),
    "an incomplete version goes live": (blob_rows, "missing_of", _none_missing, put_live_too_early),
    "nothing is forgotten when it changes": (LiveSites, "drop", _forget_nothing, replaced),
}


@pytest.mark.parametrize("bug", BUGS)
def test_r89_a_planted_bug_is_seen(world: World, bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R89: each breaks one rule; without it the same steps are judged right."""
    where, name, planted, steps = BUGS[bug]

    def walk() -> None:
        sites = type("Machine", (Sites,), {"world": world})()
        sites.begin(ONE)
        steps(sites)
        sites.teardown()

    walk()
    monkeypatch.setattr(where, name, planted)
    with pytest.raises((AssertionError, ExceptionGroup)):
        walk()
