"""The outbox's relay: claims rows that are due, publishes them together, deletes what the bus confirmed.

It shares the event loop with the requests that write the rows, so it takes rows in batches and breathes between them.
While the bus is away it tries one row a second: an outage costs next to nothing and writes one line.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import asyncpg

from shared import db, logs
from shared.bus import Bus, BusError, Unroutable
from shared.errors import Unavailable
from shared.events import EVENTS, Envelope
from shared.waking import Waking

log = logs.get(__name__)

#: Rows of one claim.
BATCH: Final = 100
#: Seconds between looks for rows whose process died before it published them.
POLL: Final = 1.0
#: Longest pause between two batches; a quarter of the time that the batch took, so that requests get their turn and
#: rows committed meanwhile go together.
BREATH: Final = 0.02
#: Pause after a batch with rows that nobody takes.
AFTER_FAILURE: Final = 0.25
#: A row's longest wait for its next try (R2: delivered within 30 s once the queue is back).
MAX_BACKOFF: Final = 10.0


@dataclass(slots=True)
class _Sorted:
    """What became of the rows of one batch, by row id."""

    done: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    #: The failed ones that the bus itself did not take.
    lost: int = 0
    error: str = ""


class Relay:
    """One per process; those of other processes on the same table skip each other's rows."""

    def __init__(self, pool: db.Pool, bus: Bus) -> None:
        self._pool, self._bus = pool, bus
        self._waking = Waking()
        #: Why nothing gets through, as long as nothing does.
        self._stalled = ""
        self._unroutable: set[str] = set()

    def wake(self) -> None:
        """Look for rows now."""
        self._waking.wake()

    def stop(self) -> None:
        """Finish the current batch, then end `run`."""
        self._waking.stop()

    async def run(self) -> None:
        """Publish until stopped."""
        loop = asyncio.get_running_loop()
        while not self._waking.stopping:
            self._waking.look()
            began = loop.time()
            try:
                limit = 1 if self._stalled else BATCH
                claimed, failed = await self._round(limit)
            except Unavailable:
                self._stall("the database is not available")
                claimed, failed, limit = 0, 0, 1
            except Exception:  # the relay must outlive whatever a row or the database may do to it
                log.exception("outbox.failed")
                self._stall("unexpected error")
                claimed, failed, limit = 0, 0, 1
            if self._stalled:
                await self._waking.rest(POLL * random.uniform(0.5, 1.5))  # noqa: S311 - spread, no secret
                continue
            if claimed:
                await self._waking.rest(AFTER_FAILURE if failed else min(BREATH, (loop.time() - began) / 4))
            if claimed < limit:
                await self._waking.idle(POLL)

    async def _round(self, limit: int) -> tuple[int, int]:
        """Publish up to `limit` rows; return how many there were and how many are left for later.

        The claim is the row lock: a process that dies leaves its rows free at once.
        """
        async with db.transaction(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT id, envelope FROM outbox WHERE next_at <= now() ORDER BY attempts, next_at LIMIT $1"
                " FOR UPDATE SKIP LOCKED",
                limit,
            )
            if not rows:
                if self._stalled.startswith("the database"):
                    self._resume()
                return 0, 0
            batch = await self._publish_all(rows)
            if batch.done:
                await conn.execute("DELETE FROM outbox WHERE id = ANY($1)", batch.done)
            if batch.failed:
                await conn.execute(
                    "UPDATE outbox SET attempts = attempts + 1, next_at = now() + interval '1 second'"
                    " * random() * least($2::float, 0.5 * 2 ^ least(attempts, 10)) WHERE id = ANY($1)",
                    batch.failed,
                    MAX_BACKOFF,
                )
        if batch.lost == len(rows):
            self._stall(batch.error)
        else:
            self._resume()
        return len(rows), len(batch.failed)

    async def _publish_all(self, rows: list[asyncpg.Record]) -> _Sorted:
        results = await asyncio.gather(*(self._publish(row["envelope"]) for row in rows), return_exceptions=True)
        batch = _Sorted()
        for row, result in zip(rows, results, strict=True):
            if result is None:
                batch.done.append(row["id"])
                continue
            batch.failed.append(row["id"])
            if isinstance(result, BusError):
                batch.lost += not isinstance(result, Unroutable)
                batch.error = str(result)
            elif isinstance(result, Exception):
                log.error("outbox.failed", row=row["id"], exc_info=result)
            else:
                raise result
        return batch

    async def _publish(self, raw: dict[str, object]) -> None:
        """Publish one envelope. Returning means that its row has done its work."""
        envelope = Envelope.model_validate(raw)
        if envelope.expired(datetime.now(UTC)):
            log.info("outbox.expired", type=envelope.type, message_id=envelope.id, request_id=envelope.correlation_id)
            return
        try:
            await self._bus.publish(envelope)
        except Unroutable:
            if (kind := EVENTS.get(envelope.type)) is not None and kind.broadcast:
                return  # nobody runs who needs it
            if envelope.type not in self._unroutable:
                self._unroutable.add(envelope.type)
                log.warning("outbox.unroutable", type=envelope.type)
            raise
        self._unroutable.discard(envelope.type)

    def _stall(self, why: str) -> None:
        if not self._stalled:
            log.warning("outbox.stalled", error=why)
        self._stalled = why or "unknown"

    def _resume(self) -> None:
        if self._stalled:
            log.info("outbox.resumed")
        self._stalled = ""
