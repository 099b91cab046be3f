"""A broker that is killed: what it confirmed is not lost, and everything comes back."""

import asyncio
import secrets
from collections.abc import Iterator

import pytest

from shared import db, outbox, rabbitmq
from shared.bus import Bus, BusError, Delivery
from shared.events import Envelope, SubmissionMail
from shared.outbox import open_outbox
from tests.support import servers
from tests.support.buses import QUEUE, Recorder, a_mail, publish
from tests.support.eventually import eventually

ROUNDS = 2
PUBLISHERS = 8


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Broker]:
    """Give a broker to kill."""
    with servers.private_rabbitmq(tmp_path_factory.mktemp("victim")) as broker:
        yield broker


@pytest.fixture
def prefix() -> str:
    return f"t{secrets.token_hex(4)}"


class Effects:
    """A consumer that dedupes, as all of ours do."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.ids: set[str] = set()
        self.effects = 0

    async def __call__(self, _event: SubmissionMail, delivery: Delivery) -> None:
        self.deliveries += 1
        if delivery.envelope.id not in self.ids:
            self.ids.add(delivery.envelope.id)
            self.effects += 1


async def keep_publishing(bus: Bus, confirmed: set[str], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        envelope = Envelope.of(a_mail())
        try:
            await bus.publish(envelope)
        except BusError:
            await asyncio.sleep(0.05)
        else:
            confirmed.add(envelope.id)


async def test_r3_nothing_confirmed_is_lost_when_the_broker_is_killed(victim: servers.Broker, prefix: str) -> None:
    """R3, shortened to two rounds; and R6: after each, publishing and consuming are back within 10 s."""
    effects, confirmed, stopping = Effects(), set[str](), asyncio.Event()
    async with rabbitmq.connect(victim.url, prefix=prefix) as bus, bus.consume(QUEUE, {SubmissionMail: effects}):
        await eventually(bus.healthy)
        # RabbitMQ 3.x writes a queue's declaration to disk some seconds after it has confirmed it: one that is killed
        # before is not lost messages, but a queue that nobody had yet
        await asyncio.sleep(3)
        publishers = [asyncio.create_task(keep_publishing(bus, confirmed, stopping)) for _ in range(PUBLISHERS)]
        for _ in range(ROUNDS):
            enough = len(confirmed) + 1_000
            await eventually(lambda enough=enough: len(confirmed) > enough)  # type: ignore[misc]
            await asyncio.to_thread(victim.kill)
            await eventually(lambda: not bus.healthy())
            await asyncio.to_thread(victim.start)
            await eventually(bus.healthy)
        stopping.set()
        await asyncio.wait(publishers)
        await eventually(lambda: confirmed <= effects.ids)
    assert len(confirmed) > 2_000
    assert effects.effects == len(effects.ids)
    print(f"confirmed {len(confirmed)}, deliveries {effects.deliveries}, effects {effects.effects}")


async def test_r2_outbox_delivers_what_was_written_while_the_broker_was_away(
    victim: servers.Broker, prefix: str, pool: db.Pool
) -> None:
    handler = Recorder()
    async with (
        rabbitmq.connect(victim.url, prefix=prefix) as bus,
        bus.consume(QUEUE, {SubmissionMail: handler}),
        open_outbox(pool, bus) as box,
    ):
        await eventually(bus.healthy)
        await asyncio.to_thread(victim.stop)
        for number in range(100):
            async with box.transaction() as conn:
                await outbox.add(conn, a_mail(str(number)))
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 100
        assert not bus.healthy()
        with pytest.raises(BusError):
            await publish(bus, "now")
        await asyncio.to_thread(victim.start)
        await eventually(lambda: len(set(handler.finished)) == 100)
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
