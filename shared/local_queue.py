"""A durable queue of the local bus: rows claimed in order, counted, handled, and deleted, put off or parked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg
import orjson

from shared import bus, db, handling, logs
from shared.bus import Handlers
from shared.errors import Unavailable
from shared.handling import Fate, Verdict

log = logs.get(__name__)

#: Pause when the database does not answer, in seconds.
PAUSE: Final = 1.0
#: What RabbitMQ calls it in `x-first-death-reason`.
EXHAUSTED: Final = handling.park("delivery_limit")


class Queue:
    """What the consumers of one queue share. Claims are kept in memory: after a crash every row is free at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.types: set[str] = set()
        self.in_work: set[int] = set()
        self.claiming = asyncio.Lock()
        self._sleepers: set[asyncio.Event] = set()

    @asynccontextmanager
    async def waking(self, event: asyncio.Event) -> AsyncIterator[None]:
        """Have `event` set by each `wake` while the context is open."""
        self._sleepers.add(event)
        try:
            yield
        finally:
            self._sleepers.discard(event)

    def wake(self) -> None:
        """Have the consumers look for rows."""
        for event in self._sleepers:
            event.set()


class Consumer:
    """Handles up to `prefetch` messages of a queue at once."""

    def __init__(
        self, pool: db.Pool, queue: Queue, handlers: Handlers, prefetch: int, retry_delays: Sequence[float]
    ) -> None:
        self._pool, self._queue, self._handlers = pool, queue, handlers
        self._prefetch, self._retry_delays = prefetch, retry_delays
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Handle messages while the context is open; at the end take no more and wait for those in work (R9)."""
        taking = asyncio.create_task(self._take(), name=f"consume {self._queue.name}")
        async with self._queue.waking(self._woken):
            try:
                yield
            finally:
                self._stopping = True
                self._woken.set()
                await asyncio.wait([taking])
                await self._finish()

    async def _finish(self) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=bus.DRAIN_TIMEOUT)
            for task in late:
                task.cancel()
            if late:
                log.warning("message.abandoned", count=len(late))
                await asyncio.wait(late)

    async def _take(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                pause = await self._fill()
            except Unavailable:
                pause = PAUSE
            except Exception:  # a consumer that died would be silent for ever
                log.exception("bus.failed", queue=self._queue.name)
                pause = PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _fill(self) -> float | None:
        """Put rows to work as far as there is room; return the seconds until the next is due, None for never."""
        room = self._prefetch - len(self._tasks)
        if room == 0:
            return None
        async with self._queue.claiming, db.acquire(self._pool) as conn:
            rows = await self._claim(conn, room)
            for row in rows:
                self._queue.in_work.add(row["id"])
                task = asyncio.create_task(self._work(row))
                self._tasks.add(task)
                task.add_done_callback(self._done)
            return None if len(rows) == room else await self._next_due(conn)

    async def _claim(self, conn: db.Connection, room: int) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await conn.fetch(
            """
            UPDATE messages SET deliveries = deliveries + 1 WHERE id IN (
                SELECT id FROM messages
                WHERE queue = $1 AND parked_at IS NULL AND available_at <= now() AND id <> ALL($2::bigint[])
                ORDER BY available_at, id LIMIT $3
            ) RETURNING id, envelope, attempt, deliveries
            """,
            self._queue.name,
            list(self._queue.in_work),
            room,
        )
        return rows

    async def _next_due(self, conn: db.Connection) -> float | None:
        due: float | None = await conn.fetchval(
            "SELECT extract(epoch FROM min(available_at) - now())::float FROM messages"
            " WHERE queue = $1 AND parked_at IS NULL AND id <> ALL($2::bigint[])",
            self._queue.name,
            list(self._queue.in_work),
        )
        return None if due is None else max(0.0, due)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._queue.wake()

    async def _work(self, row: asyncpg.Record) -> None:
        try:
            if row["deliveries"] > bus.DELIVERY_LIMIT + 1:  # it killed the process each time
                verdict = EXHAUSTED
            else:
                body, retries = orjson.dumps(row["envelope"]), len(self._retry_delays)
                verdict = await handling.handle(body, row["attempt"], self._handlers, retries=retries)
            if verdict.fate is Fate.AGAIN and row["deliveries"] > bus.DELIVERY_LIMIT:
                verdict = EXHAUSTED
            await self._settle(row, verdict)
        except Unavailable:
            log.warning("message.unsettled", row=row["id"])
            await asyncio.sleep(PAUSE)
        finally:
            self._queue.in_work.discard(row["id"])

    async def _settle(self, row: asyncpg.Record, verdict: Verdict) -> None:
        if verdict.fate is Fate.AGAIN:
            return
        async with db.acquire(self._pool) as conn:
            match verdict.fate:
                case Fate.DONE:
                    await conn.execute("DELETE FROM messages WHERE id = $1", row["id"])
                case Fate.LATER:
                    await conn.execute(
                        "UPDATE messages SET attempt = attempt + 1, deliveries = 0,"
                        " available_at = now() + $2 * interval '1 second' WHERE id = $1",
                        row["id"],
                        self._retry_delays[row["attempt"] - 1],
                    )
                case Fate.PARK:
                    await conn.execute(
                        "UPDATE messages SET parked_at = now(), reason = $2 WHERE id = $1", row["id"], verdict.reason
                    )
