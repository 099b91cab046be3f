"""Names and arguments of everything on the broker, all in this place.

A queue's arguments cannot be changed once it exists (PRECONDITION_FAILED): whoever changes one here raises the version,
and lets the old queue run empty. Only what RabbitMQ 3.10 and 4.x both know is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue

from shared import bus, ids

VERSION: Final = "v1"

#: A person may look at a parked message this often: each look that puts it back counts as a delivery.
LOOKS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Topology:
    """The broker's objects that belong to one prefix; tests share a broker by having one each."""

    prefix: str
    retry_delays: Sequence[float]

    @property
    def exchange(self) -> str:
        """Where everything is published; the routing key is the event's type."""
        return f"{self.prefix}.{VERSION}"

    def queue(self, name: str) -> str:
        """Return the full name of a durable queue."""
        return f"{self.prefix}.{name}.{VERSION}"

    def parked(self, name: str) -> str:
        """Return the queue that keeps what could not be handled."""
        return f"{self.queue(name)}.parked"

    def hold(self, name: str, attempt: int) -> str:
        """Return the queue that keeps a message until the attempt after this one."""
        return f"{self.queue(name)}.hold.{label(self.retry_delays[attempt - 1])}"

    async def declare_exchange(self, channel: AbstractChannel) -> None:
        """Make sure that the exchange is there."""
        await channel.declare_exchange(self.exchange, ExchangeType.TOPIC, durable=True)

    async def declare_queue(self, channel: AbstractChannel, name: str, types: Iterable[str]) -> AbstractQueue:
        """Make sure that a durable queue with all that belongs to it is there, and bound to these types."""
        await self.declare_exchange(channel)
        main = self.queue(name)
        # rejecting a parked message without requeueing it sends it to its queue again: how it is replayed
        await channel.declare_queue(self.parked(name), durable=True, arguments=_quorum(main, limit=LOOKS))
        for attempt, delay in enumerate(self.retry_delays, 1):
            # one queue for each delay: a time to live is only looked at at a queue's head (1.10)
            arguments = _quorum(main) | {"x-message-ttl": int(delay * 1000)}
            await channel.declare_queue(self.hold(name, attempt), durable=True, arguments=arguments)
        queue = await channel.declare_queue(main, durable=True, arguments=_quorum(self.parked(name)))
        for kind in types:
            await queue.bind(self.exchange, kind)
        return queue

    async def declare_ears(self, channel: AbstractChannel, types: Iterable[str]) -> AbstractQueue:
        """Make a queue that lives as long as the connection, for broadcast events."""
        await self.declare_exchange(channel)
        # a new name each time: the last one stays locked until the broker notices a dead connection (1.11)
        queue = await channel.declare_queue(
            f"{self.prefix}.{ids.new_id('listen')}",
            exclusive=True,
            auto_delete=True,
            arguments={"x-queue-type": "classic"},
        )
        for kind in types:
            await queue.bind(self.exchange, kind)
        return queue


def label(seconds: float) -> str:
    """Return a delay as part of a queue's name: `5s`, `2m`."""
    if seconds < 1 or seconds != int(seconds):
        return f"{int(seconds * 1000)}ms"
    return f"{int(seconds)}s" if seconds < 60 or seconds % 60 else f"{int(seconds // 60)}m"


def _quorum(dead_letters: str, *, limit: int = bus.DELIVERY_LIMIT) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": limit,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_letters,
        # a message leaves its queue only once the next one has confirmed it; needs reject-publish
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
