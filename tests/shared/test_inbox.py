"""The inbox: of many deliveries of one message, one acts."""

import asyncio

from shared import db, inbox
from shared.bus import Delivery, Handlers, Retry
from shared.events import Envelope, SubmissionMail
from shared.inbox import Claim
from tests.support.buses import QUEUE, Rig, a_mail
from tests.support.eventually import eventually


async def claim(pool: db.Pool, message_id: str = "msg_1", lease: float = 60) -> Claim:
    async with db.acquire(pool) as conn:
        return await inbox.claim(conn, message_id, lease)


async def test_r35_one_of_many_concurrent_claims_wins(pool: db.Pool) -> None:
    for number in range(20):
        claims = await asyncio.gather(*(claim(pool, f"msg_{number}") for _ in range(10)))
        assert sorted(one.value for one in claims) == ["busy"] * 9 + ["won"]


async def test_finished_message_is_done_for_ever(pool: db.Pool) -> None:
    assert await claim(pool) is Claim.WON
    async with db.acquire(pool) as conn:
        await inbox.finish(conn, "msg_1")
    assert await claim(pool, lease=0) is Claim.DONE


async def test_r34_claim_of_a_crashed_consumer_is_taken_over_after_its_lease(pool: db.Pool) -> None:
    assert await claim(pool) is Claim.WON
    assert await claim(pool) is Claim.BUSY
    await pool.execute("UPDATE inbox SET lease_until = lease_until - interval '60 seconds'")
    claims = await asyncio.gather(*(claim(pool) for _ in range(5)))
    assert sorted(one.value for one in claims) == ["busy"] * 4 + ["won"]


async def test_released_claim_is_free_and_a_finished_one_stays(pool: db.Pool) -> None:
    await claim(pool)
    async with db.acquire(pool) as conn:
        await inbox.release(conn, "msg_1")
        assert await inbox.claim(conn, "msg_1", 60) is Claim.WON
        await inbox.finish(conn, "msg_1")
        await inbox.release(conn, "msg_1")
        assert await inbox.claim(conn, "msg_1", 60) is Claim.DONE


async def test_prune_forgets_only_what_is_old(pool: db.Pool) -> None:
    async with db.acquire(pool) as conn:
        for name in ("old", "new"):
            await inbox.claim(conn, name, 60)
            await inbox.finish(conn, name)
        await inbox.claim(conn, "working", 60)
        await conn.execute("UPDATE inbox SET done_at = now() - interval '31 days' WHERE message_id = 'old'")
        await inbox.prune(conn)
        left = await conn.fetch("SELECT message_id FROM inbox ORDER BY message_id")
    assert [row["message_id"] for row in left] == ["new", "working"]


async def test_r35_ten_deliveries_to_three_consumers_make_one_effect(pool: db.Pool, rig: Rig) -> None:
    effects: list[str] = []
    deliveries = 0

    async def handler(event: SubmissionMail, delivery: Delivery) -> None:
        nonlocal deliveries
        deliveries += 1
        async with db.acquire(pool) as conn:
            state = await inbox.claim(conn, delivery.envelope.id, 30)
        if state is Claim.BUSY:
            raise Retry("another has it")
        if state is Claim.WON:
            await asyncio.sleep(0.05)
            effects.append(event.submission_id)
            async with db.acquire(pool) as conn:
                await inbox.finish(conn, delivery.envelope.id)

    handlers: Handlers = {SubmissionMail: handler}
    async with (
        rig.open() as bus,
        bus.consume(QUEUE, handlers, prefetch=4),
        bus.consume(QUEUE, handlers, prefetch=4),
        bus.consume(QUEUE, handlers, prefetch=4),
    ):
        await eventually(bus.healthy)
        envelope = Envelope.of(a_mail())
        for _ in range(10):
            await bus.publish(envelope)
        await eventually(lambda: deliveries >= 10)
        await eventually(lambda: settled(rig))
    assert effects == ["one"]
    assert await rig.parked() == []


async def settled(rig: Rig) -> bool:
    return await rig.waiting() == 0
