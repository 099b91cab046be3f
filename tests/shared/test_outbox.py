"""The outbox: a message leaves if and only if its change was committed, soon, and through every fault."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from shared import db, outbox
from shared.bus import BusError, Handlers, Unroutable
from shared.events import Envelope, SubmissionMail
from shared.outbox import Outbox, open_outbox
from shared.relay import Relay
from tests.support.buses import QUEUE, RabbitRig, Recorder, Rig, a_mail, a_revocation
from tests.support.eventually import PATIENCE, eventually
from tests.support.timing import once_within


class FakeBus:
    """A bus that notes what it gets, or raises what it was told to."""

    def __init__(self) -> None:
        self.published: list[Envelope] = []
        self.times: list[float] = []
        self.tries = 0
        self.error: BaseException | None = None
        self.gate: asyncio.Event | None = None

    async def publish(self, envelope: Envelope) -> None:
        self.tries += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.published.append(envelope)
        self.times.append(time.perf_counter())

    def healthy(self) -> bool:
        return True

    def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AbstractAsyncContextManager[None]:
        raise AssertionError("the relay only publishes", queue, handlers, prefetch)

    def listen(self, handlers: Handlers, *, on_gap: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        raise AssertionError("the relay only publishes", handlers, on_gap)


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
async def box(pool: db.Pool, bus: FakeBus) -> AsyncIterator[Outbox]:
    async with open_outbox(pool, bus) as opened:
        yield opened


async def leave(pool: db.Pool, count: int = 1) -> None:
    """Commit rows and die before anybody is woken."""
    async with db.transaction(pool) as conn:
        for number in range(count):
            await outbox.add(conn, a_mail(str(number)))


async def rows(pool: db.Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM outbox")
    return count


async def left(pool: db.Pool, count: int) -> bool:
    return await rows(pool) == count


async def empty(pool: db.Pool) -> bool:
    return await left(pool, 0)


async def test_message_leaves_within_50_ms_of_the_commit(pool: db.Pool, bus: FakeBus, box: Outbox) -> None:
    async def measure() -> float:
        await asyncio.sleep(0.12)  # idle again
        before = len(bus.published)
        async with box.transaction() as conn:
            envelope = await outbox.add(conn, a_mail())
        committed = time.perf_counter()
        await eventually(lambda: len(bus.published) == before + 1, every=0.001)
        assert bus.published[-1] == envelope
        return bus.times[-1] - committed

    await once_within(0.05, measure)
    await eventually(lambda: empty(pool))


async def test_message_goes_with_a_rollback(pool: db.Pool, bus: FakeBus, box: Outbox) -> None:
    async def change_and_fail() -> None:
        async with box.transaction() as conn:
            await outbox.add(conn, a_mail())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change_and_fail()
    box.wake()
    await asyncio.sleep(0.1)
    assert bus.tries == 0
    assert await rows(pool) == 0


async def test_row_of_a_dead_process_is_found_without_being_woken(pool: db.Pool, bus: FakeBus, box: Outbox) -> None:
    await asyncio.sleep(0.1)
    await leave(pool)
    await eventually(lambda: len(bus.published) == 1)


async def test_crash_between_publish_and_delete_publishes_the_same_id_again(
    pool: db.Pool, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leave(pool)
    publish = bus.publish

    async def publish_and_die(envelope: Envelope) -> None:
        await publish(envelope)
        raise asyncio.CancelledError

    monkeypatch.setattr(bus, "publish", publish_and_die)
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await Relay(pool, bus)._round(10)
    assert await rows(pool) == 1
    monkeypatch.setattr(bus, "publish", publish)
    async with open_outbox(pool, bus):
        await eventually(lambda: empty(pool))
    assert len(bus.published) == 3
    assert len({envelope.id for envelope in bus.published}) == 1


async def test_outage_costs_one_line_and_a_try_a_second(pool: db.Pool, bus: FakeBus) -> None:
    bus.error = BusError("away")
    with capture_logs() as lines:
        async with open_outbox(pool, bus) as box:
            for number in range(20):
                async with box.transaction() as conn:
                    await outbox.add(conn, a_mail(str(number)))
            began = time.perf_counter()
            await asyncio.sleep(2)
            assert bus.tries <= 20 + 2.5 * (time.perf_counter() - began)
            assert await rows(pool) == 20
            bus.error = None
            await eventually(lambda: empty(pool))
    assert [line["event"] for line in lines] == ["outbox.stalled", "outbox.resumed"]
    assert len({envelope.id for envelope in bus.published}) == 20


async def test_r2_unroutable_message_waits_and_does_not_hold_up_others(
    pool: db.Pool, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = bus.publish

    async def refuse_some(envelope: Envelope) -> None:
        if envelope.type == SubmissionMail.type:
            raise Unroutable("no queue takes it")
        await publish(envelope)

    monkeypatch.setattr(bus, "publish", refuse_some)
    with capture_logs() as lines:
        async with open_outbox(pool, bus) as box:
            for number in range(150):
                async with box.transaction() as conn:
                    await outbox.add(conn, a_mail(str(number)))
            async with box.transaction() as conn:
                wanted = await outbox.add(conn, a_revocation())
            await eventually(lambda: wanted in bus.published, within=8)
            await eventually(lambda: left(pool, 150))
    assert [line["event"] for line in lines] == ["outbox.unroutable"]


async def test_broadcast_that_nobody_hears_is_done(pool: db.Pool, bus: FakeBus, box: Outbox) -> None:
    bus.error = Unroutable("no queue takes it")
    async with box.transaction() as conn:
        await outbox.add(conn, a_revocation())
    await eventually(lambda: empty(pool))


async def test_expired_message_is_dropped_unpublished(pool: db.Pool, bus: FakeBus, box: Outbox) -> None:
    with capture_logs() as lines:
        async with box.transaction() as conn:
            await outbox.add(conn, a_mail(), expires_at=datetime.now(UTC) - timedelta(seconds=1))
        await eventually(lambda: empty(pool))
    assert bus.tries == 0
    assert [line["event"] for line in lines] == ["outbox.expired"]


async def test_two_relays_publish_each_row_once(pool: db.Pool, bus: FakeBus) -> None:
    await leave(pool, 300)
    async with open_outbox(pool, bus), open_outbox(pool, bus):
        await eventually(lambda: empty(pool))
    assert len(bus.published) == len({envelope.id for envelope in bus.published}) == 300


async def test_closing_finishes_what_is_being_published(pool: db.Pool, bus: FakeBus) -> None:
    bus.gate = asyncio.Event()
    async with open_outbox(pool, bus) as box:
        async with box.transaction() as conn:
            await outbox.add(conn, a_mail())
        await eventually(lambda: bus.tries == 1)
        asyncio.get_running_loop().call_later(0.1, bus.gate.set)
    assert len(bus.published) == 1
    assert await rows(pool) == 0


async def test_closing_does_not_wait_for_ever(pool: db.Pool, bus: FakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CLOSE_TIMEOUT", 0.2)
    bus.gate = asyncio.Event()
    async with open_outbox(pool, bus) as box:
        async with box.transaction() as conn:
            await outbox.add(conn, a_mail())
        await eventually(lambda: bus.tries == 1)
        began = time.perf_counter()
    assert time.perf_counter() - began < PATIENCE
    assert await rows(pool) == 1


async def test_oldest_age_is_what_the_alarm_needs(pool: db.Pool) -> None:
    async with db.acquire(pool) as conn:
        assert await outbox.oldest_age(conn) == 0
        await outbox.add(conn, a_mail())
        await conn.execute("UPDATE outbox SET created_at = now() - interval '90 seconds'")
        assert 90 <= await outbox.oldest_age(conn) < 90 + PATIENCE


async def test_r40_a_message_that_waits_for_a_minute_is_an_alarm_once(pool: db.Pool) -> None:
    watch = outbox.Watch(pool)
    with capture_logs() as lines:
        for age in (30, 90, 91, 1):
            async with db.acquire(pool) as conn:
                await conn.execute("DELETE FROM outbox")
                await outbox.add(conn, a_mail())
                await conn.execute("UPDATE outbox SET created_at = now() - interval '1 second' * $1", age)
                service = await conn.fetchval("SELECT current_schema()")
            await watch.look()
            assert age <= outbox.OLDEST.labels(service)._value.get() < age + PATIENCE
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("outbox.overdue", "error"), ("outbox.caught_up", "info")
    ]  # fmt: skip


async def test_from_commit_to_handler(pool: db.Pool, rig: Rig) -> None:
    handler = Recorder()
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}), open_outbox(pool, bus) as box:
        await eventually(bus.healthy)
        for number in range(200):
            async with box.transaction() as conn:
                await outbox.add(conn, a_mail(str(number)))
        await eventually(lambda: len(handler.finished) == 200)
    assert len(set(handler.names())) == len(handler.names()) == 200


async def test_r2_row_waits_while_its_queue_is_deleted(pool: db.Pool, rabbit: RabbitRig) -> None:
    handler = Recorder()
    async with rabbit.open() as bus, open_outbox(pool, bus) as box:
        async with box.transaction() as conn:
            await outbox.add(conn, a_mail("patient"))
        await asyncio.sleep(0.5)
        assert await rows(pool) == 1
        async with bus.consume(QUEUE, {SubmissionMail: handler}):
            await eventually(lambda: handler.finished == ["patient"])
