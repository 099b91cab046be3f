"""The bus without a broker, for one process: RabbitMQ's rules on a PostgreSQL table.

A published message is a row for each queue; it is deleted when it is handled. Nothing polls: a publish wakes the
queue's consumers, and a retry sets the time of the next look. Broadcasts are handed over in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from shared import bus, db, handling, logs
from shared.bus import BusError, Handlers, Unroutable
from shared.errors import Unavailable
from shared.events import Envelope, Event
from shared.handling import Fate
from shared.local_queue import Consumer, Queue

log = logs.get(__name__)

#: Whose schema and migrations hold the table.
SERVICE: Final = "standalone"


class LocalBus:
    """A `bus.Bus` for the one process that owns the table; `pool` is on the schema `standalone`.

    `bindings` tells which queue takes which events, from the start: what is published before a consumer has started
    waits for it, as it would on a broker.
    """

    def __init__(
        self,
        pool: db.Pool,
        bindings: Mapping[str, Collection[type[Event]]] | None = None,
        *,
        retry_delays: Sequence[float] = bus.RETRY_DELAYS,
    ) -> None:
        self._pool, self._retry_delays = pool, tuple(retry_delays)
        self._queues: dict[str, Queue] = {}
        self._ears: list[_Ear] = []
        for name, events in (bindings or {}).items():
            self._bind(name, events)

    def healthy(self) -> bool:
        """There is no link to lose; the database has its own check."""
        return True

    async def publish(self, envelope: Envelope) -> None:
        """Keep the message for every queue bound to its type, and hand it to every listener."""
        queues = [queue for queue in self._queues.values() if envelope.type in queue.types]
        ears = [ear for ear in self._ears if envelope.type in ear.types]
        if not queues and not ears:
            raise Unroutable("no queue takes it")
        if queues:
            try:
                async with asyncio.timeout(bus.PUBLISH_TIMEOUT), db.acquire(self._pool) as conn:
                    await conn.execute(
                        "INSERT INTO messages (queue, envelope) SELECT unnest($1::text[]), $2",
                        [queue.name for queue in queues],
                        envelope.model_dump(mode="json"),
                    )
            except (Unavailable, TimeoutError) as error:
                raise BusError("the database is not available") from error
        for queue in queues:
            queue.wake()
        for ear in ears:
            ear.waiting.put_nowait(envelope)

    @asynccontextmanager
    async def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AsyncIterator[None]:
        """Handle messages of the durable queue while the context is open; see `bus.Bus`."""
        consumer = Consumer(self._pool, self._bind(queue, handlers), handlers, prefetch, self._retry_delays)
        async with consumer.running():
            yield

    @asynccontextmanager
    async def listen(self, handlers: Handlers, *, on_gap: Callable[[], None]) -> AsyncIterator[None]:
        """Hear broadcast events while the context is open; see `bus.Bus`."""
        ear = _Ear(handlers, on_gap)
        self._ears.append(ear)
        hearing = asyncio.create_task(ear.run(), name="listen")
        on_gap()
        try:
            yield
        finally:
            self._ears.remove(ear)
            hearing.cancel()
            await asyncio.wait([hearing])

    def _bind(self, name: str, events: Iterable[type[Event]]) -> Queue:
        queue = self._queues.setdefault(name, Queue(name))
        queue.types.update(event.type for event in events)
        return queue


class _Ear:
    """One listener: takes what is handed over, one after the other."""

    def __init__(self, handlers: Handlers, on_gap: Callable[[], None]) -> None:
        self._handlers, self._on_gap = handlers, on_gap
        self.types = {event.type for event in handlers}
        self.waiting: asyncio.Queue[Envelope] = asyncio.Queue()

    async def run(self) -> None:
        while True:
            envelope = await self.waiting.get()
            verdict = await handling.handle(envelope.to_bytes(), 1, self._handlers, retries=0)
            if verdict.fate is not Fate.DONE:
                self._on_gap()
