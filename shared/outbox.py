"""A change and its message are one transaction: rows written beside the change, published by a relay.

Each service's schema has the table of `outbox.sql`. A row is deleted once the bus has confirmed it; a crash between
the two publishes it again, under the same id, and consumers drop the second.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from prometheus_client import Gauge

from shared import db, logs
from shared.bus import Bus
from shared.errors import Unavailable
from shared.events import Envelope, Event
from shared.relay import Relay

log = logs.get(__name__)

#: Seconds between looks at the oldest unsent message, and the age at which it is an alarm (R40).
WATCH_EVERY: Final = 10.0
OVERDUE: Final = 60.0

OLDEST: Final = Gauge("invoker_outbox_oldest_seconds", "Age of the oldest message not sent yet", ["service"])

#: Seconds that a closing outbox waits for what it is publishing.
CLOSE_TIMEOUT: Final = 6.0


async def add(conn: db.Connection, event: Event, *, expires_at: datetime | None = None) -> Envelope:
    """Write the event beside the change that `conn`'s transaction makes. Gone with it when it is rolled back."""
    envelope = Envelope.of(event, expires_at=expires_at)
    await conn.execute("INSERT INTO outbox (envelope) VALUES ($1)", envelope.model_dump(mode="json"))
    return envelope


async def add_all(conn: db.Connection, envelopes: Sequence[Envelope]) -> None:
    """Write many messages in one statement, as `add` does one."""
    await conn.execute(
        "INSERT INTO outbox (envelope) SELECT unnest($1::json[])",
        [envelope.model_dump(mode="json") for envelope in envelopes],
    )


async def oldest_age(conn: db.Connection) -> float:
    """Return for how many seconds the oldest unsent message has waited; 0 when there is none (R40)."""
    age = await conn.fetchval("SELECT extract(epoch FROM now() - created_at)::float FROM outbox ORDER BY id LIMIT 1")
    return max(0.0, age or 0.0)


class Watch:
    """Looks at the oldest unsent message now and then: a figure for the metrics, a line when it becomes an alarm."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._overdue = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY)
            try:
                await self.look()
            except Unavailable:
                continue  # the database has its own lines about that

    async def look(self) -> None:
        """Set the metric, and say when a message has waited for too long, and when none does any more."""
        async with db.acquire(self._pool) as conn:
            service: str = await conn.fetchval("SELECT current_schema()")
            age = await oldest_age(conn)
        OLDEST.labels(service).set(age)
        if (age > OVERDUE) is not self._overdue:
            self._overdue = age > OVERDUE
            if self._overdue:
                log.error("outbox.overdue", oldest_seconds=round(age))
            else:
                log.info("outbox.caught_up")


class Outbox:
    """Transactions whose messages leave as soon as they are committed."""

    def __init__(self, pool: db.Pool, relay: Relay) -> None:
        self._pool, self._relay = pool, relay

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[db.Connection]:
        """Lend a connection inside a transaction, as `db.transaction` does, and wake the relay after the commit."""
        async with db.transaction(self._pool) as conn:
            yield conn
        self.wake()

    def wake(self) -> None:
        """Say that rows were committed, for a caller that commits by itself."""
        self._relay.wake()


@asynccontextmanager
async def open_outbox(pool: db.Pool, bus: Bus) -> AsyncIterator[Outbox]:
    """Run the relay while the context is open. At the end it finishes what it is publishing and claims no more."""
    relay = Relay(pool, bus)
    running = asyncio.create_task(relay.run(), name="outbox relay")
    watching = asyncio.create_task(Watch(pool).run(), name="outbox watch")
    try:
        yield Outbox(pool, relay)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        relay.stop()
        await asyncio.wait([running], timeout=CLOSE_TIMEOUT)
        if not running.done():
            running.cancel()
            await asyncio.wait([running])
