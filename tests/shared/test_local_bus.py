"""What only the local bus has: rows that survive their process, and a consumer that sleeps while there is nothing."""

import asyncio

import pytest

from shared import local_queue
from shared.bus import DELIVERY_LIMIT, BusError
from shared.errors import Unavailable
from shared.events import SubmissionMail
from shared.local_bus import LocalBus
from tests.support.buses import QUEUE, LocalRig, Recorder, publish
from tests.support.eventually import eventually

BINDINGS = {QUEUE: (SubmissionMail,)}


async def test_message_waits_for_a_consumer_that_never_ran(local: LocalRig) -> None:
    await publish(LocalBus(local.pool, BINDINGS), "early")
    handler = Recorder()
    async with LocalBus(local.pool).consume(QUEUE, {SubmissionMail: handler}):
        await eventually(lambda: handler.finished == ["early"])


async def test_message_of_a_killed_process_is_delivered_again_at_once(local: LocalRig) -> None:
    stuck, handler = Recorder(gate=asyncio.Event()), Recorder()
    assert stuck.gate is not None
    killed, restarted = LocalBus(local.pool, BINDINGS), LocalBus(local.pool, BINDINGS)
    async with killed.consume(QUEUE, {SubmissionMail: stuck}):
        await publish(killed, "one")
        await eventually(lambda: stuck.running == 1)
        assert await local.pool.fetchval("SELECT deliveries FROM messages") == 1  # counted before it is handled
        async with restarted.consume(QUEUE, {SubmissionMail: handler}):
            await eventually(lambda: handler.finished == ["one"])
        stuck.gate.set()


async def test_r10_message_that_kills_the_process_is_parked(local: LocalRig) -> None:
    handler = Recorder()
    bus = LocalBus(local.pool, BINDINGS)
    [killer] = await publish(bus, "killer")
    await local.pool.execute("UPDATE messages SET deliveries = $1", DELIVERY_LIMIT + 1)
    async with bus.consume(QUEUE, {SubmissionMail: handler}):
        assert await eventually(local.parked) == [(killer.id, "delivery_limit")]
    assert handler.seen == []


async def test_idle_consumer_asks_the_database_nothing(local: LocalRig, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    fill = local_queue.Consumer._fill

    async def counted(self: local_queue.Consumer) -> float | None:
        nonlocal looks
        looks += 1
        return await fill(self)

    monkeypatch.setattr(local_queue.Consumer, "_fill", counted)
    handler = Recorder()
    bus = LocalBus(local.pool, BINDINGS)
    async with bus.consume(QUEUE, {SubmissionMail: handler}):
        await publish(bus, "one")
        await eventually(lambda: handler.finished == ["one"])

        async def half_a_second_of_peace() -> bool:
            before = looks
            await asyncio.sleep(0.5)
            return looks == before

        await eventually(half_a_second_of_peace)
        await publish(bus, "two")
        await eventually(lambda: handler.finished == ["one", "two"])


async def test_database_that_is_away_is_a_bus_error(local: LocalRig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_pool: object) -> None:
        raise Unavailable

    monkeypatch.setattr("shared.db.acquire", away)
    with pytest.raises(BusError):
        await publish(LocalBus(local.pool, BINDINGS), "one")
