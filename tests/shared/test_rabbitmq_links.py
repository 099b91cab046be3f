"""Links to RabbitMQ that are cut, swallowed and broken: everything comes back by itself."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import aio_pika
import pytest
from structlog.testing import capture_logs

from shared import rabbitmq, rabbitmq_link
from shared.bus import LISTEN_PREFETCH, PUBLISH_TIMEOUT, BusError, Unroutable
from shared.events import Envelope, KeyRevoked, SubmissionMail
from shared.rabbitmq import RabbitMQ
from tests.support.buses import QUEUE, RabbitRig, Recorder, a_revocation, publish
from tests.support.eventually import eventually
from tests.support.proxy import Proxy, between


@pytest.fixture
async def proxy(rabbit: RabbitRig) -> AsyncIterator[Proxy]:
    """Put a proxy between the code under test and the broker; `rabbit.url` stays the direct way."""
    async with between(rabbit.url) as opened:
        yield opened


async def consumers(rabbit: RabbitRig, count: int) -> bool:
    """Tell whether the queue has so many consumers, by a connection of its own."""
    try:
        return bool((await rabbit.look()).consumer_count == count)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return False


async def cut(bus: RabbitMQ, rabbit: RabbitRig, proxy: Proxy) -> None:
    proxy.cut()


async def delete_queue(bus: RabbitMQ, rabbit: RabbitRig, proxy: Proxy) -> None:
    async with rabbit.channel() as channel:
        await channel.queue_delete(f"{rabbit.prefix}.{QUEUE}.v1")


async def break_channel(bus: RabbitMQ, rabbit: RabbitRig, proxy: Proxy) -> None:
    for link in bus._links:
        assert link.channel is not None
        await (await link.channel.get_underlay_channel()).basic_ack(999_999)  # 406 PRECONDITION_FAILED


Harm = Callable[[RabbitMQ, RabbitRig, Proxy], Awaitable[None]]


@pytest.mark.parametrize("harm", [cut, delete_queue, break_channel])
async def test_r6_everything_is_back_after(rabbit: RabbitRig, proxy: Proxy, harm: Harm) -> None:
    """R6: within 10 s the consumer is back and messages flow, without anybody's help."""
    handler = Recorder()
    async with rabbitmq.connect(proxy.url, prefix=rabbit.prefix) as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        assert await consumers(rabbit, 1)
        await harm(bus, rabbit, proxy)
        began = time.perf_counter()
        await eventually(lambda: consumers(rabbit, 1))
        await eventually(bus.healthy)
        await eventually(lambda: published(bus, "after"))
        await eventually(lambda: "after" in handler.finished)
        assert time.perf_counter() - began < 10


async def published(bus: RabbitMQ, name: str) -> bool:
    try:
        await publish(bus, name)
    except BusError:
        return False
    return True


async def test_work_survives_a_cut_link_and_its_redelivery_is_the_same_message(rabbit: RabbitRig, proxy: Proxy) -> None:
    """1.5: the handler is not cancelled with the link; its ack is lost, so the message comes again."""
    handler = Recorder(gate=asyncio.Event())
    assert handler.gate is not None
    async with rabbitmq.connect(proxy.url, prefix=rabbit.prefix) as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        await publish(bus, "one")
        await eventually(lambda: handler.running == 1)
        proxy.cut()
        await eventually(lambda: handler.running == 2)
        handler.gate.set()
        await eventually(lambda: handler.finished == ["one", "one"])
    assert len({delivery.envelope.id for _, delivery in handler.seen}) == 1
    assert (await rabbit.look()).message_count == 0


async def test_listener_drops_its_caches_after_a_cut(rabbit: RabbitRig, proxy: Proxy) -> None:
    handler, gaps = Recorder(), []
    async with (
        rabbitmq.connect(proxy.url, prefix=rabbit.prefix) as bus,
        bus.listen({KeyRevoked: handler}, on_gap=lambda: gaps.append(1)),
    ):
        await eventually(bus.healthy)
        assert len(gaps) == 1
        proxy.cut()
        await eventually(lambda: len(gaps) == 2)
        await eventually(bus.healthy)
        await bus.publish(Envelope.of(a_revocation("key_2")))
        await eventually(lambda: handler.finished == ["key_2"])
    async with rabbit.open() as other:  # its queue is gone
        with pytest.raises(Unroutable):
            await other.publish(Envelope.of(a_revocation()))


async def test_r32_a_listener_notices_a_black_hole_by_asking(
    rabbit: RabbitRig, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R32, sooner: a loss is noticed by its own questions, long before three heartbeats, and caches are dropped."""
    assert rabbitmq_link.PROBE_EVERY + rabbitmq_link.PROBES * rabbitmq_link.PROBE_TIMEOUT <= 15
    monkeypatch.setattr(rabbitmq_link, "PROBE_EVERY", 0.3)
    monkeypatch.setattr(rabbitmq_link, "PROBE_TIMEOUT", 0.5)
    handler, gaps = Recorder(), []
    async with (
        rabbitmq.connect(proxy.url, prefix=rabbit.prefix) as bus,
        bus.listen({KeyRevoked: handler}, on_gap=lambda: gaps.append(1)),
        rabbit.open() as publisher,
    ):
        await eventually(bus.healthy)
        await asyncio.sleep(1.2)
        assert len(gaps) == 1, "a link that answers is left alone"
        proxy.blackhole()
        await eventually(lambda: not bus.healthy(), within=10)
        with suppress(BusError):  # nobody may be listening any more
            await publisher.publish(Envelope.of(a_revocation("missed")))
        proxy.heal()
        await eventually(lambda: len(gaps) == 2)
        await publisher.publish(Envelope.of(a_revocation("heard")))
        await eventually(lambda: "heard" in handler.finished)


async def test_a_listener_under_load_is_not_disturbed_by_its_own_questions(
    rabbit: RabbitRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_link, "PROBE_EVERY", 0.01)
    handler, gaps = Recorder(gate=asyncio.Event()), []
    assert handler.gate is not None
    async with rabbit.open() as bus, bus.listen({KeyRevoked: handler}, on_gap=lambda: gaps.append(1)):
        await eventually(bus.healthy)
        await asyncio.gather(*(bus.publish(Envelope.of(a_revocation(str(number)))) for number in range(500)))
        await eventually(lambda: handler.running == LISTEN_PREFETCH)
        await asyncio.sleep(0.3)  # all that it may have in work is stuck: its link is asked all the same
        handler.gate.set()
        await eventually(lambda: len(handler.finished) == 500)
    assert len(set(handler.finished)) == 500
    assert len(gaps) == 1


async def test_r4_black_hole(rabbit: RabbitRig, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4, with a heartbeat of 1 s instead of 10: publishing fails in time, the loss is noticed, all comes back.

    R5: what a dying link leaves behind is a BusError, never a CancelledError that would drop an HTTP request.
    """
    handler = Recorder()
    async with (
        rabbitmq.connect(proxy.url, prefix=rabbit.prefix, heartbeat=1) as bus,
        bus.consume(QUEUE, {SubmissionMail: handler}),
    ):
        await eventually(bus.healthy)
        proxy.blackhole()
        began = time.perf_counter()
        with pytest.raises(BusError):
            await publish(bus, "lost")
        assert time.perf_counter() - began < 8
        monkeypatch.setattr("shared.bus.PUBLISH_TIMEOUT", 60.0)
        with pytest.raises(BusError):  # waits until the link is declared dead
            await publish(bus, "lost too")
        await eventually(lambda: not bus.healthy())
        assert time.perf_counter() - began < 20, "before TCP gives up"
        proxy.heal()
        await eventually(bus.healthy)
        await publish(bus, "after")
        await eventually(lambda: "after" in handler.finished)


async def test_starting_without_a_broker_is_no_error() -> None:
    with capture_logs() as lines:
        async with (
            rabbitmq.connect("amqp://guest:guest@127.0.0.1:1/") as bus,
            bus.consume(QUEUE, {SubmissionMail: Recorder()}),
        ):
            began = time.perf_counter()
            with pytest.raises(BusError):
                await publish(bus, "one")
            assert time.perf_counter() - began < PUBLISH_TIMEOUT / 2
            await asyncio.sleep(1.5)
            assert not bus.healthy()
    assert [line["event"] for line in lines] == ["bus.down", "bus.down"]  # one for each link
    assert logging.getLogger("aiormq").level == logging.CRITICAL
