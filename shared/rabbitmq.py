"""The bus on RabbitMQ: confirmed publishing, consumers that drain, delayed retries, parking, broadcast."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from pamqp.commands import Basic

from shared import bus, handling, logs
from shared.bus import BusError, Handlers, Unroutable
from shared.events import Envelope
from shared.handling import Fate
from shared.rabbitmq_intake import Intake
from shared.rabbitmq_link import Link, Setup, bounded
from shared.rabbitmq_topology import Topology

log = logs.get(__name__)

#: Which attempt this is. Without `x-`: brokers from 4.0 on ignore and overwrite what clients set there (1.10).
ATTEMPT: Final = "invoker-attempt"
#: Why a message was parked; the broker's own `x-first-death-reason` says it of one that broke its handlers.
REASON: Final = "invoker-reason"

#: Seconds between heartbeats: a black hole is noticed after three of them and three seconds (R4: at most 45 s).
HEARTBEAT: Final = 10
#: Seconds to send an answer for a message; the broker does not confirm those.
ACK_TIMEOUT: Final = 5.0


@asynccontextmanager
async def connect(
    url: str, *, prefix: str = "invoker", retry_delays: Sequence[float] = bus.RETRY_DELAYS, heartbeat: int = HEARTBEAT
) -> AsyncIterator["RabbitMQ"]:
    """Open the bus. It connects in the background: a broker that is away delays nothing and breaks nothing."""
    for noisy in ("aio_pika", "aiormq"):
        # they write several lines for each try to connect; the links report what happens themselves
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    opened = RabbitMQ(url, Topology(prefix, tuple(retry_delays)), heartbeat)
    async with opened.running():
        yield opened


class RabbitMQ:
    """A `bus.Bus`: one connection that publishes, and one for each consumer, so that an alarm never stops acks."""

    def __init__(self, url: str, topology: Topology, heartbeat: int) -> None:
        self._url, self._topology, self._heartbeat = url, topology, heartbeat
        self._publisher = self._link("publish", topology.declare_exchange)
        self._links = [self._publisher]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the publishing link up while the context is open."""
        async with self._publisher.running():
            yield

    def healthy(self) -> bool:
        """Tell whether every link is up at this moment."""
        return all(link.channel is not None for link in self._links)

    async def publish(self, envelope: Envelope) -> None:
        """Publish to whoever subscribed to the type; returns once the broker has it on disk."""
        await self._send(
            self._topology.exchange,
            envelope.type,
            envelope.to_bytes(),
            message_id=envelope.id,
            kind=envelope.type,
            correlation_id=envelope.correlation_id,
        )

    @asynccontextmanager
    async def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AsyncIterator[None]:
        """Handle messages of the durable queue while the context is open; see `bus.Bus`."""

        async def work(channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
            attempt = _attempt(message)
            retries = len(self._topology.retry_delays)
            verdict = await handling.handle(message.body, attempt, handlers, retries=retries)
            match verdict.fate:
                case Fate.DONE:
                    pass
                case Fate.AGAIN:
                    # not nack: from 4.3 on only a reject counts towards the delivery limit (1.10)
                    async with bounded(ACK_TIMEOUT):
                        await message.reject(requeue=True)
                    return
                case Fate.LATER:
                    hold = self._topology.hold(queue, attempt)
                    await self._move(channel, intake.link, message, hold, {ATTEMPT: attempt + 1})
                case Fate.PARK:
                    headers = {ATTEMPT: attempt, REASON: verdict.reason}
                    await self._move(channel, intake.link, message, self._topology.parked(queue), headers)
            async with bounded(ACK_TIMEOUT):
                await message.ack()

        types = [event.type for event in handlers]
        intake = Intake(lambda channel: self._topology.declare_queue(channel, queue, types), work, prefetch=prefetch)
        async with self._taking(intake, f"consume {queue}"):
            yield

    @asynccontextmanager
    async def listen(self, handlers: Handlers, *, on_gap: Callable[[], None]) -> AsyncIterator[None]:
        """Hear broadcast events while the context is open; see `bus.Bus`."""

        async def work(_channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
            verdict = await handling.handle(message.body, 1, handlers, retries=0)
            if verdict.fate is not Fate.DONE:
                on_gap()
            async with bounded(ACK_TIMEOUT):
                await message.ack()

        types = [event.type for event in handlers]
        intake = Intake(
            lambda channel: self._topology.declare_ears(channel, types),
            work,
            prefetch=bus.LISTEN_PREFETCH,
            on_begin=on_gap,
        )
        # what a lost link keeps from this process, nobody else hears of either (R32)
        async with self._taking(intake, "listen", probed=True):
            yield

    @asynccontextmanager
    async def _taking(self, intake: Intake, name: str, *, probed: bool = False) -> AsyncIterator[None]:
        intake.link = self._link(name, intake.begin, probed=probed)
        self._links.append(intake.link)
        try:
            async with intake.link.running(), intake.draining():
                yield
        finally:
            self._links.remove(intake.link)

    def _link(self, name: str, setup: Setup, *, probed: bool = False) -> Link:
        return Link(self._url, f"{self._topology.prefix} {name}", setup, heartbeat=self._heartbeat, probed=probed)

    async def _send(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        *,
        message_id: str,
        kind: str,
        correlation_id: str,
        headers: dict[str, Any] | None = None,
    ) -> None:
        """Publish, with everything that R1 asks for; the only place that does.

        On the channel below aio-pika's `Exchange.publish`, which costs half as much again for each message.
        """
        if self._publisher.channel is None:
            raise BusError("no link to the broker")
        async with bounded(bus.PUBLISH_TIMEOUT):
            channel = await self._publisher.channel.get_underlay_channel()
            await channel.basic_publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                mandatory=True,
                properties=Basic.Properties(
                    content_type="application/json",
                    delivery_mode=2,  # on disk before it is confirmed: without it a crash lost half of them (E18)
                    message_id=message_id,
                    message_type=kind,
                    correlation_id=correlation_id,
                    headers=headers,
                ),
            )

    async def _move(
        self,
        channel: AbstractChannel,
        link: Link,
        message: AbstractIncomingMessage,
        queue: str,
        headers: dict[str, Any],
    ) -> None:
        """Publish a message to another queue before it is acked here, for as long as it is still ours.

        Rejecting it while the publishing link is away would count as a delivery and park it for nothing.
        """
        while not channel.is_closed:
            try:
                return await self._send(
                    "",
                    queue,
                    message.body,
                    message_id=message.message_id or "",
                    kind=message.type or "",
                    correlation_id=message.correlation_id or "",
                    headers=headers,
                )
            except Unroutable:
                # somebody deleted the hold or parking queue: the link's restart declares it anew
                link.restart()
                raise
            except BusError:
                await asyncio.sleep(0.5)
        raise BusError("the message is no longer ours")


def _attempt(message: AbstractIncomingMessage) -> int:
    attempt = message.headers.get(ATTEMPT, 1)
    return attempt if isinstance(attempt, int) and attempt >= 1 else 1
