"""Both buses behind one face, so that one suite holds them to the same rules."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import aio_pika

from shared import db, rabbitmq
from shared.bus import Bus, Delivery
from shared.events import Envelope, Event, KeyRevoked, SubmissionMail
from shared.local_bus import LocalBus
from tests.support.eventually import eventually

QUEUE = "mailer"
#: The schedule of the tests, in seconds.
DELAYS = (0.2, 0.4)
#: Every delay that a test may have a hold queue for, by the label in its name.
HOLDS = ("200ms", "400ms", "2s", "5s", "30s", "2m", "10m")


def a_mail(name: str = "one") -> SubmissionMail:
    """Build an event for the durable queue; `name` is found again in `submission_id`."""
    return SubmissionMail(
        to="owner@example.com",
        slug="s",
        site_url="http://s.example",
        submission_id=name,
        data={"message": "hello"},
        reply_to=None,
        received_at=datetime.now(UTC),
    )


def a_revocation(key_id: str = "key_1") -> KeyRevoked:
    """Build a broadcast event."""
    return KeyRevoked(digest="00", key_id=key_id)


@dataclass(slots=True)
class Recorder:
    """A handler that remembers, raises what it was told to (each time, or the first time only), and can be held."""

    raises: dict[str, BaseException | type[BaseException]] = field(default_factory=dict)
    raises_once: dict[str, BaseException | type[BaseException]] = field(default_factory=dict)
    seen: list[tuple[str, Delivery]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    running: int = 0
    most: int = 0

    async def __call__(self, event: Any, delivery: Delivery) -> None:
        name = event.submission_id if isinstance(event, SubmissionMail) else event.key_id
        self.seen.append((name, delivery))
        self.times.append(asyncio.get_running_loop().time())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if name in self.raises:
                raise self.raises[name]
            if name in self.raises_once:
                raise self.raises_once.pop(name)
            self.finished.append(name)
        finally:
            self.running -= 1

    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def count(self, name: str) -> int:
        return self.names().count(name)


class Rig(Protocol):
    """A kind of bus under test."""

    def open(self, retry_delays: Sequence[float] = DELAYS) -> AbstractAsyncContextManager[Bus]:
        """Open a bus on this test's own names, and wait until it is healthy."""

    async def parked(self) -> list[tuple[str, str]]:
        """Return id and reason of what is parked, and leave it there."""

    async def waiting(self) -> int:
        """Return how many messages the queue holds, in work or not."""


class RabbitRig:
    """On the session's RabbitMQ."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url, self.prefix = url, prefix

    @asynccontextmanager
    async def open(self, retry_delays: Sequence[float] = DELAYS) -> AsyncIterator[Bus]:
        async with rabbitmq.connect(self.url, prefix=self.prefix, retry_delays=retry_delays) as bus:
            await eventually(bus.healthy, within=15)
            yield bus

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
        """Give a plain channel, to look past the code under test."""
        connection = await aio_pika.connect(self.url)
        async with connection, connection.channel() as channel:
            yield channel

    async def look(self, name: str = f"{QUEUE}.v1") -> Any:
        """Return what the broker says of a queue."""
        async with self.channel() as channel:
            return (await channel.declare_queue(f"{self.prefix}.{name}", passive=True)).declaration_result

    async def parked(self) -> list[tuple[str, str]]:
        found = []
        async with self.channel() as channel:
            queue = await channel.declare_queue(f"{self.prefix}.{QUEUE}.v1.parked", passive=True)
            while (message := await queue.get(no_ack=False, fail=False)) is not None:
                reason = message.headers.get("invoker-reason") or message.headers.get("x-first-death-reason")
                found.append((message.message_id or "", str(reason)))
        return found

    async def waiting(self) -> int:
        counts = [(await self.look(f"{QUEUE}.v1{tail}")).message_count for tail in ("", ".hold.200ms", ".hold.400ms")]
        return sum(count or 0 for count in counts)

    async def remove(self) -> None:
        """Delete the test's queues and exchange."""
        async with self.channel() as channel:
            for tail in ("", ".parked", *(f".hold.{delay}" for delay in HOLDS)):
                await channel.queue_delete(f"{self.prefix}.{QUEUE}.v1{tail}")
            await channel.exchange_delete(f"{self.prefix}.v1")


class LocalRig:
    """On a table of this test's own database."""

    def __init__(self, pool: db.Pool, bindings: dict[str, Collection[type[Event]]] | None = None) -> None:
        self.pool, self.bindings = pool, bindings

    @asynccontextmanager
    async def open(self, retry_delays: Sequence[float] = DELAYS) -> AsyncIterator[Bus]:
        yield LocalBus(self.pool, self.bindings, retry_delays=retry_delays)

    async def parked(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("SELECT envelope, reason FROM messages WHERE parked_at IS NOT NULL")
        return [(row["envelope"]["id"], row["reason"]) for row in rows]

    async def waiting(self) -> int:
        count: int = await self.pool.fetchval("SELECT count(*) FROM messages WHERE parked_at IS NULL")
        return count


async def publish(bus: Bus, *names: str) -> list[Envelope]:
    """Publish a mail for each name."""
    envelopes = [Envelope.of(a_mail(name)) for name in names]
    await asyncio.gather(*(bus.publish(envelope) for envelope in envelopes))
    return envelopes
