"""PostgreSQL: a pool with deadlines everywhere, the transaction, and numbered migrations with a ledger."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from shared import logs
from shared.errors import Unavailable

log = logs.get(__name__)

T = TypeVar("T")

Pool = asyncpg.Pool
Connection = asyncpg.Connection | PoolConnectionProxy

#: A request waits this long for a connection, then gets a 503 (R26: answer within 2.5 s).
ACQUIRE_TIMEOUT: Final = 2.0
#: Client-side and server-side bound on one statement, in seconds; the server's fires first. With what giving the
#: connection back may take, a request over a dead link is answered within 5 s (R30).
COMMAND_TIMEOUT: Final = 4.4
#: Seconds for giving a connection back whose statement timed out; then it is thrown away.
RELEASE_TIMEOUT: Final = 0.5
STATEMENT_TIMEOUT: Final = 4.0

SERVICES: Final = Path(__file__).parent.parent / "services"

#: What a lost or overloaded server looks like; InternalClientError is a bare Exception (measured, R29).
LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
)


#: The connection broke under a statement, as all do when a server restarts: another one may work at once.
GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)


class StaleSchema(Exception):
    """The database has not the migrations that this code was written for."""


async def _prepare(conn: asyncpg.Connection) -> None:
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda raw: orjson.loads(raw[1:]),
    )
    # keeps the order of an object's keys, which jsonb does not
    await conn.set_type_codec("json", schema="pg_catalog", format="binary", encoder=orjson.dumps, decoder=orjson.loads)


async def _no_reset(_conn: asyncpg.Connection) -> None:
    """Leave out the reset on release: it costs a round trip, and nothing here changes a session's state."""


@asynccontextmanager
async def pool(dsn: str, service: str, *, size: int = 8) -> AsyncIterator[Pool]:
    """Open the service's pool on its own schema and check that it answers.

    The server is waited for at most 30 s, so that services may start in any order.
    """
    async with asyncio.timeout(30):
        opened = await _open(dsn, service, size)
    try:
        yield opened
    finally:
        try:
            async with asyncio.timeout(5):
                await opened.close()
        except TimeoutError:
            opened.terminate()


async def _open(dsn: str, service: str, size: int) -> Pool:
    while True:
        try:
            created: Pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                timeout=5,
                command_timeout=COMMAND_TIMEOUT,
                init=_prepare,
                reset=_no_reset,
                server_settings={
                    "application_name": f"invoker-{service}",
                    "search_path": service,
                    "statement_timeout": str(int(STATEMENT_TIMEOUT * 1000)),
                    "lock_timeout": str(int(STATEMENT_TIMEOUT * 1000)),
                    # the relay waits for the broker (5 s) with its claim open
                    "idle_in_transaction_session_timeout": "15000",
                },
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
            log.warning("database.waiting", error=type(error).__name__)
            await asyncio.sleep(0.5)
        else:
            return created


class acquire:  # noqa: N801 - used like a function; a generator's context costs more than what it does here
    """Lend a connection for one request. Raise Unavailable when none is free in time or the server is lost.

    Never nest it, nor `transaction`: two of them in one task can wait for each other for ever (R27).
    """

    __slots__ = ("_conn", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        try:
            # the pool's own timeout makes a task of every acquisition
            async with asyncio.timeout(ACQUIRE_TIMEOUT):
                self._conn: PoolConnectionProxy = await self._pool.acquire()
        except LOST as error:
            raise _unavailable(error) from error
        return self._conn

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            # asyncpg first waits for its cancel request, which a dead link never answers (R30)
            await self._pool.release(self._conn, timeout=RELEASE_TIMEOUT if isinstance(error, LOST) else None)
        except LOST as lost:
            raise _unavailable(lost) from lost
        if isinstance(error, LOST):
            raise _unavailable(error) from error


def _unavailable(error: BaseException) -> Unavailable:
    log.warning("database.unavailable", error=type(error).__name__)
    return Unavailable()


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection inside a transaction: committed at the end, rolled back by any exception."""
    async with acquire(pool) as conn, conn.transaction():
        try:
            yield conn
        except TimeoutError:
            # nobody may be there to roll back: a dead link would be waited for once more (R30); the server does it
            conn.terminate()
            raise


async def read(pool: Pool, look: Callable[[Connection], Awaitable[T]]) -> T:
    """Look something up, and once more over another connection when the first was lost over it (R29).

    Only for what changes nothing. Raise Unavailable.
    """
    try:
        async with acquire(pool) as conn:
            return await look(conn)
    except Unavailable as error:
        if not isinstance(error.__cause__, GONE):
            raise
    async with acquire(pool) as conn:
        return await look(conn)


async def ping(pool: Pool) -> None:
    """Raise Unavailable unless the database answers."""
    async with acquire(pool) as conn:
        await conn.fetchval("SELECT 1")


# Migrations: services/<service>/migrations/0001_reason.sql, each applied once, in one transaction, in order.

_NAME: Final = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


def _files(service: str) -> dict[int, Path]:
    found = {
        int(match[1]): path
        for path in sorted((SERVICES / service / "migrations").glob("*.sql"))
        if (match := _NAME.match(path.name))
    }
    if list(found) != list(range(1, len(found) + 1)):
        raise StaleSchema(f"{service}: migrations are not numbered 1, 2, 3, …: {list(found)}")
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def _ledger(conn: Connection, service: str) -> dict[int, str]:
    if not await conn.fetchval("SELECT to_regclass($1)::text", f"{service}.migrations"):
        return {}
    rows = await conn.fetch(f"SELECT number, digest FROM {service}.migrations ORDER BY number")
    return {row["number"]: row["digest"] for row in rows}


async def migrate(dsn: str, service: str) -> int:
    """Apply the service's outstanding migrations and return how many there were.

    Each is one transaction with its ledger row. Concurrent callers wait for each other (advisory lock); idempotent.
    Raise StaleSchema when an applied file was changed since, or the database is newer than the code.
    """
    files = _files(service)
    conn = await asyncpg.connect(dsn, timeout=10)
    try:
        await conn.execute("SELECT pg_advisory_lock(hashtext('invoker.migrate.' || $1))", service)
        if not await conn.fetchval("SELECT to_regnamespace($1)::text", service):
            await conn.execute(f"CREATE SCHEMA {service}")
        await conn.execute(f"SET search_path TO {service}")
        await conn.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number int PRIMARY KEY, name text NOT NULL,"
            " digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = await _ledger(conn, service)
        _refuse_unknown(service, files, applied)
        for number in sorted(files.keys() - applied.keys()):
            async with conn.transaction():
                await conn.execute(files[number].read_text(encoding="utf-8"))
                await conn.execute(
                    "INSERT INTO migrations (number, name, digest) VALUES ($1, $2, $3)",
                    number, files[number].name, _digest(files[number]),
                )  # fmt: skip
        return len(files) - len(applied)
    finally:
        await conn.close()


def _refuse_unknown(service: str, files: dict[int, Path], applied: dict[int, str]) -> None:
    for number, digest in applied.items():
        if number not in files:
            raise StaleSchema(f"{service}: the database has migration {number}, which this code does not know")
        if _digest(files[number]) != digest:
            raise StaleSchema(f"{service}: {files[number].name} was changed after it was applied")


async def check_schema(pool: Pool, service: str) -> None:
    """Raise StaleSchema unless exactly this code's migrations are applied: serving never migrates."""
    files = _files(service)
    async with acquire(pool) as conn:
        applied = await _ledger(conn, service)
    _refuse_unknown(service, files, applied)
    if missing := sorted(files.keys() - applied.keys()):
        names = ", ".join(files[number].name for number in missing)
        raise StaleSchema(f"{service}: not applied: {names}. Run 'python -m services.{service} migrate'.")
