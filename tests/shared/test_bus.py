"""The rules of the bus, held against RabbitMQ and the local bus alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared import logs
from shared.bus import DELIVERY_LIMIT, Delivery, Reject, Retry, Unroutable
from shared.errors import Unavailable
from shared.events import Envelope, KeyRevoked, SubmissionMail
from tests.support.buses import QUEUE, Recorder, Rig, a_mail, a_revocation, publish
from tests.support.eventually import eventually


async def test_message_is_handled_once_and_gone(rig: Rig) -> None:
    handler = Recorder()
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        [envelope] = await publish(bus, "one")
        await eventually(lambda: handler.finished == ["one"])
        assert handler.seen[0][1] == Delivery(envelope=envelope, attempt=1, last=False)
    assert await rig.waiting() == 0
    assert await rig.parked() == []


async def test_handler_runs_under_the_requests_id(rig: Rig) -> None:
    seen: list[str] = []

    async def handler(_event: SubmissionMail, _delivery: Delivery) -> None:
        await asyncio.sleep(0)
        seen.append(logs.request_id.get())

    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        token = logs.request_id.set("req_of_the_caller")
        envelope = Envelope.of(a_mail())
        logs.request_id.reset(token)
        await bus.publish(envelope)
        await eventually(lambda: seen == ["req_of_the_caller"])


async def test_message_waits_for_its_consumer(rig: Rig) -> None:
    handler = Recorder()
    async with rig.open() as bus:
        async with bus.consume(QUEUE, {SubmissionMail: handler}):
            await eventually(bus.healthy)
        await publish(bus, "early")
        assert await rig.waiting() == 1
        async with bus.consume(QUEUE, {SubmissionMail: handler}):
            await eventually(lambda: handler.finished == ["early"])


async def test_r11_retries_follow_the_schedule_then_the_message_is_parked(rig: Rig) -> None:
    handler, delays = Recorder(raises={"later": Retry("busy")}), (0.2, 2.0)
    async with rig.open(retry_delays=delays) as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        [envelope] = await publish(bus, "later")
        await eventually(lambda: handler.count("later") == len(delays) + 1)
        assert await eventually(rig.parked) == [(envelope.id, "gave up after 3 attempts: busy")]
    assert [(delivery.attempt, delivery.last) for _, delivery in handler.seen] == [(1, False), (2, False), (3, True)]
    first, second = (later - sooner for sooner, later in pairwise(handler.times))
    assert delays[0] <= first < delays[1] <= second


async def test_r11_a_long_delay_does_not_hold_up_a_short_one(rig: Rig) -> None:
    handler = Recorder(raises={"slow": Retry("busy")}, raises_once={"quick": Retry("busy")})
    # a hold of ten minutes: no load of the machine makes it run out while the test looks
    async with rig.open(retry_delays=(0.2, 600)) as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        await publish(bus, "slow")
        await eventually(lambda: handler.count("slow") == 2)  # in the long hold queue now
        await publish(bus, "quick")
        await eventually(lambda: "quick" in handler.finished)
    assert handler.names() == ["slow", "slow", "quick", "quick"]


async def test_unavailable_database_is_a_reason_to_retry(rig: Rig) -> None:
    handler = Recorder(raises_once={"one": Unavailable()})
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        await publish(bus, "one")
        await eventually(lambda: handler.finished == ["one"])
    assert [delivery.attempt for _, delivery in handler.seen] == [1, 2]


async def test_rejected_message_is_parked_at_once(rig: Rig) -> None:
    handler = Recorder(raises={"bad": Reject("no such address")})
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        [envelope] = await publish(bus, "bad")
        assert await eventually(rig.parked) == [(envelope.id, "rejected: no such address")]
    assert handler.count("bad") == 1


async def test_r10_poison_is_parked_after_limit_plus_one_deliveries(rig: Rig) -> None:
    handler = Recorder(raises={"poison": ValueError("boom")})
    others = [f"good {number}" for number in range(50)]
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}, prefetch=4):
        await eventually(bus.healthy)
        [envelope] = await publish(bus, "poison")
        await publish(bus, *others)
        assert await eventually(rig.parked) == [(envelope.id, "delivery_limit")]
        await eventually(lambda: len(handler.finished) == len(others))
        await asyncio.sleep(0.1)
    assert handler.count("poison") == DELIVERY_LIMIT + 1
    assert sorted(handler.finished) == sorted(others)


async def test_handler_that_takes_too_long_is_ended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.HANDLER_TIMEOUT", 0.05)
    handler = Recorder(gate=asyncio.Event())
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        [envelope] = await publish(bus, "stuck")
        assert await eventually(rig.parked) == [(envelope.id, "delivery_limit")]
    assert handler.running == 0


@pytest.mark.parametrize(
    "change,reason",
    [
        ({"version": 99}, "unreadable: mail.submission version 99 is newer than this service knows"),
        ({"data": {"to": 1}}, "unreadable: to: string_type; slug: missing"),
    ],
)
async def test_what_cannot_be_read_is_parked(rig: Rig, change: dict[str, object], reason: str) -> None:
    handler = Recorder()
    envelope = Envelope.of(a_mail()).model_copy(update=change)
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        await bus.publish(envelope)
        [(found, why)] = await eventually(rig.parked)
        assert (found, why[: len(reason)]) == (envelope.id, reason)
    assert handler.seen == []


async def test_expired_message_is_dropped(rig: Rig) -> None:
    handler = Recorder()
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        await bus.publish(Envelope.of(a_mail("stale"), expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        await publish(bus, "fresh")
        await eventually(lambda: handler.finished == ["fresh"])
    assert handler.names() == ["fresh"]
    assert await rig.waiting() == 0
    assert await rig.parked() == []


async def test_unroutable_message_is_an_error(rig: Rig) -> None:
    async with rig.open() as bus:
        async with bus.consume(QUEUE, {SubmissionMail: Recorder()}):
            await eventually(bus.healthy)
        with pytest.raises(Unroutable):
            await bus.publish(Envelope.of(a_revocation()))


async def test_broadcast_reaches_every_listener_and_is_kept_for_nobody(rig: Rig) -> None:
    first, second, gaps = Recorder(), Recorder(), []
    async with rig.open() as one, rig.open() as other:
        async with (
            one.listen({KeyRevoked: first}, on_gap=lambda: gaps.append("first")),
            other.listen({KeyRevoked: second}, on_gap=lambda: gaps.append("second")),
            one.consume(QUEUE, {SubmissionMail: Recorder()}),
        ):
            await eventually(lambda: one.healthy() and other.healthy())
            assert sorted(gaps) == ["first", "second"]
            await one.publish(Envelope.of(a_revocation("key_7")))
            await eventually(lambda: first.finished == ["key_7"])
            if type(one).__name__ != "LocalBus":  # two local buses do not hear each other
                await eventually(lambda: second.finished == ["key_7"])
        assert await rig.waiting() == 0


async def test_listener_that_fails_has_its_caches_dropped(rig: Rig) -> None:
    handler, gaps = Recorder(raises={"key_1": ValueError("boom")}), []
    async with (
        rig.open() as bus,
        bus.consume(QUEUE, {SubmissionMail: Recorder()}),
        bus.listen({KeyRevoked: handler}, on_gap=lambda: gaps.append(1)),
    ):
        await eventually(bus.healthy)
        await bus.publish(Envelope.of(a_revocation("key_1")))
        await eventually(lambda: len(gaps) == 2)


async def test_r8_no_more_than_prefetch_at_once(rig: Rig) -> None:
    handler = Recorder(gate=asyncio.Event())
    assert handler.gate is not None
    async with rig.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}, prefetch=3):
        await eventually(bus.healthy)
        await publish(bus, *map(str, range(10)))
        await eventually(lambda: handler.running == 3)
        await asyncio.sleep(0.1)
        handler.gate.set()
        await eventually(lambda: len(handler.finished) == 10)
    assert handler.most == 3


async def test_r9_leaving_finishes_what_is_in_work_and_takes_no_more(rig: Rig) -> None:
    handler = Recorder(gate=asyncio.Event())
    assert handler.gate is not None
    async with rig.open() as bus:
        async with bus.consume(QUEUE, {SubmissionMail: handler}, prefetch=2):
            await eventually(bus.healthy)
            await publish(bus, *map(str, range(6)))
            await eventually(lambda: handler.running == 2)
            asyncio.get_running_loop().call_later(1, handler.gate.set)
        assert len(handler.finished) == handler.most == 2
        await eventually(lambda: rig_waiting(rig, 4))
        async with bus.consume(QUEUE, {SubmissionMail: handler}):
            await eventually(lambda: len(handler.finished) == 6)
    assert len(handler.seen) == len(set(handler.names()))


async def rig_waiting(rig: Rig, count: int) -> bool:
    return await rig.waiting() == count
