"""When and from where credentials were used last (R52): noted in memory, written together, never by a request.

A replica of deploy asks again every 30 s about a key in use, so each use is seen to within half a minute. A row is
written at most once in `INTERVAL`, its first use within a tick or two; a crash loses no more than that.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import orjson

from services.auth.store import last_used as store
from services.auth.store.last_used import Use
from shared import db
from shared.auth_client import Kind
from shared.errors import Unavailable
from shared.logs import get

log = get(__name__)

#: Seconds between two looks at what was noted, and between two writes of one row.
TICK: Final = 1.0
INTERVAL: Final = 30.0
#: Seconds until the next try when the database did not take a batch, and for the last one of a process that ends.
PAUSE: Final = 5.0
LAST_TRY: Final = 3.0
#: Credentials noted at once; a use beyond them is seen again 30 s later.
MAX_NOTED: Final = 50_000
#: Rows of one statement: checks wait while they are read, 1 to 2 ms.
BATCH: Final = 500
#: Characters of an address and of a client that are kept.
IP_LENGTH: Final = 45
CLIENT_LENGTH: Final = 200

#: When it was used, and JSON that says from where; not read before it is written.
Note = tuple[float, bytes]


class LastUsed:
    """What is noted of the uses of one process; `clock` gives seconds since the epoch."""

    def __init__(self, pool: db.Pool, *, clock: Callable[[], float] = time.time) -> None:
        self._pool, self._clock = pool, clock
        self._noted: dict[Kind, dict[str, Note]] = {"key": {}, "session": {}}
        #: When a row was written, by id; forgotten once it may be written again.
        self._written: dict[str, float] = {}

    def note(self, kind: Kind, credential_id: str, seen: bytes) -> None:
        """Note a use. On the path of every check: one entry in a dictionary."""
        noted = self._noted[kind]
        if len(noted) < MAX_NOTED or credential_id in noted:
            noted[credential_id] = (self._clock(), seen)

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Write what is due, one statement for each table and batch. Raise Unavailable; then it stays noted."""
        now = self._clock()
        self._written = {name: at for name, at in self._written.items() if now - at < INTERVAL}
        for kind, noted in self._noted.items():
            due = [name for name in noted if all_of_it or name not in self._written]
            for start in range(0, len(due), BATCH):
                await self._write(kind, noted, due[start : start + BATCH], now)

    async def _write(self, kind: Kind, noted: dict[str, Note], names: list[str], now: float) -> None:
        notes = [noted[name] for name in names]
        uses = [_use(name, note) for name, note in zip(names, notes, strict=True)]
        async with db.acquire(self._pool) as conn:
            await store.write(conn, kind, uses)
        for name, note in zip(names, notes, strict=True):
            self._written[name] = now
            if noted[name] is note:  # not used again meanwhile
                del noted[name]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write what is noted while the context is open, and what is left at its end."""
        writing = asyncio.create_task(self._run(), name="last used")
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.wait([writing])
            with suppress(Unavailable, asyncpg.PostgresError, TimeoutError):
                async with asyncio.timeout(LAST_TRY):
                    await self.flush(all_of_it=True)

    async def _run(self) -> None:
        while True:
            pause = TICK
            try:
                await self.flush()
            except Unavailable:
                pause = PAUSE
            except Exception:  # one bad batch must not end it
                log.exception("last_used.failed")
                pause = PAUSE
            await asyncio.sleep(pause)


def _use(credential_id: str, note: Note) -> Use:
    """Read a note; what is no address or client as we take them is left out."""
    at, seen = note
    try:
        said = orjson.loads(seen) if seen else {}
    except orjson.JSONDecodeError:
        said = {}
    facts: dict[str, Any] = said if isinstance(said, dict) else {}
    return Use(
        id=credential_id,
        at=datetime.fromtimestamp(at, UTC),
        ip=_line(facts.get("ip"), IP_LENGTH),
        client=_line(facts.get("client"), CLIENT_LENGTH),
    )


def _line(value: Any, length: int) -> str | None:
    return value[:length] if isinstance(value, str) and value and value.isprintable() else None
