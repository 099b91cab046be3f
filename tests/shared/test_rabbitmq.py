"""What only RabbitMQ has: the way messages are published, the topology, the backlog."""

import ast
import asyncio
import resource
import sys
from pathlib import Path

import aio_pika

from shared import rabbitmq, rabbitmq_topology
from shared.bus import DELIVERY_LIMIT, RETRY_DELAYS, Reject
from shared.events import Envelope, SubmissionMail
from tests.support.buses import QUEUE, RabbitRig, Recorder, a_mail, publish
from tests.support.eventually import eventually

ROOT = Path(rabbitmq.__file__).parent.parent
BODY = "not an envelope: \x00"


def calls(*names: str) -> list[tuple[str, ast.Call]]:
    """Return the calls of these methods in services and shared."""
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for folder in ("services", "shared")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    ]


def test_r1_one_call_publishes_to_the_broker() -> None:
    """R1: everything else that publishes goes through `Bus.publish`, and that through this call."""
    [(place, call)] = [
        (place, call)
        for place, call in calls("publish", "basic_publish")
        if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).lstrip("self._") == "bus")
    ]
    assert place == "shared/rabbitmq.py"
    words = {word.arg: ast.unparse(word.value) for word in call.keywords}
    assert words["mandatory"] == "True"
    assert "delivery_mode=2" in words["properties"]
    assert "message_id=message_id" in words["properties"]
    around = (ROOT / place).read_text(encoding="utf-8").splitlines()[: call.lineno]
    assert [line.strip() for line in around if "async with" in line][-1] == "async with bounded(bus.PUBLISH_TIMEOUT):"
    channels = [ast.unparse(call) for _, call in calls("channel")]
    # nothing is ever published on the other: it asks for a sign of life
    assert sorted(channels) == [
        "connection.channel(on_return_raises=True)",
        "connection.channel(publisher_confirms=False)",
    ]


async def test_r1_published_message_has_all_its_properties(rabbit: RabbitRig) -> None:
    async with rabbit.open() as bus:
        async with bus.consume(QUEUE, {SubmissionMail: Recorder()}):
            await eventually(bus.healthy)
        [envelope] = await publish(bus, "one")
        async with rabbit.channel() as channel:
            queue = await channel.declare_queue(f"{rabbit.prefix}.{QUEUE}.v1", passive=True)
            message = await queue.get()
            await message.ack()
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert (message.message_id, message.type) == (envelope.id, "mail.submission")
    assert (message.correlation_id or "") == envelope.correlation_id
    assert (message.routing_key, message.content_type) == ("mail.submission", "application/json")
    assert message.expiration is None
    assert Envelope.from_bytes(message.body) == envelope


def test_r11_no_client_x_header_is_read() -> None:
    """R11: brokers from 4.0 on ignore and overwrite `x-` headers that clients set; only topology names them."""
    for path in sorted({*(ROOT / "shared").glob("rabbitmq*.py"), ROOT / "shared" / "handling.py"}):
        if path.name == "rabbitmq_topology.py":
            continue
        texts = [
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40
        ]
        headers = {text.lower() for text in texts if text.lower().startswith("x-")}
        assert headers == set(), path


class FakeChannel:
    """Notes what is declared."""

    def __init__(self) -> None:
        self.queues: dict[str, dict[str, object]] = {}

    async def declare_exchange(self, *_: object, **__: object) -> None:
        pass

    async def declare_queue(self, name: str, **options: object) -> "FakeChannel":
        self.queues[name] = options
        return self

    async def bind(self, *_: object) -> None:
        pass


async def test_r12_every_queue_is_quorum_with_limit_and_dead_letters_or_exclusive() -> None:
    channel = FakeChannel()
    topology = rabbitmq_topology.Topology("invoker", RETRY_DELAYS)
    await topology.declare_queue(channel, QUEUE, ["mail.submission"])  # type: ignore[arg-type]
    await topology.declare_ears(channel, ["key.revoked"])  # type: ignore[arg-type]
    names = [name for name in channel.queues if "listen" not in name]
    main = "invoker.mailer.v1"
    holds = [f"{main}.hold.{label}" for label in ("5s", "30s", "2m", "10m")]
    assert sorted(names) == sorted([main, f"{main}.parked", *holds])
    for name, options in channel.queues.items():
        arguments = options["arguments"]
        assert isinstance(arguments, dict)
        if "listen" in name:
            assert (options["exclusive"], options["auto_delete"], arguments["x-queue-type"]) == (True, True, "classic")
            continue
        assert (options["durable"], arguments["x-queue-type"]) == (True, "quorum")
        assert arguments["x-dead-letter-routing-key"] == (f"{main}.parked" if name == main else main)
        assert arguments["x-delivery-limit"] >= DELIVERY_LIMIT
    assert channel.queues[main]["arguments"]["x-delivery-limit"] == DELIVERY_LIMIT  # type: ignore[index]
    ttls = [channel.queues[name]["arguments"]["x-message-ttl"] for name in holds]  # type: ignore[index]
    assert ttls == [5_000, 30_000, 120_000, 600_000]


async def test_r12_the_broker_takes_the_real_topology_twice(rabbit: RabbitRig) -> None:
    for _ in range(2):  # PRECONDITION_FAILED if an argument were not what it was
        async with rabbit.open(RETRY_DELAYS) as bus, bus.consume(QUEUE, {SubmissionMail: Recorder()}):
            await eventually(bus.healthy)
    for tail in (".parked", ".hold.5s", ".hold.30s", ".hold.2m", ".hold.10m"):
        assert (await rabbit.look(f"{QUEUE}.v1{tail}")).message_count == 0


def test_r12_prefetch_is_per_consumer() -> None:
    assert [ast.unparse(call) for _, call in calls("set_qos", "basic_qos")] == [
        "channel.set_qos(self._prefetch, global_=False)"
    ]


async def test_garbage_is_parked(rabbit: RabbitRig) -> None:
    async with rabbit.open() as bus, bus.consume(QUEUE, {SubmissionMail: Recorder()}):
        await eventually(bus.healthy)
        async with rabbit.channel() as channel:
            message = aio_pika.Message(BODY.encode(), headers={"invoker-attempt": "many"})
            await channel.default_exchange.publish(message, f"{rabbit.prefix}.{QUEUE}.v1")
        [(_, reason)] = await eventually(rabbit.parked)
        assert reason == "unreadable: : json_invalid"


async def test_rejecting_a_parked_message_replays_it(rabbit: RabbitRig) -> None:
    handler = Recorder(raises={"one": Reject("mailbox full")})
    async with rabbit.open() as bus, bus.consume(QUEUE, {SubmissionMail: handler}):
        await eventually(bus.healthy)
        await publish(bus, "one")
        await eventually(rabbit.parked)
        handler.raises.clear()
        async with rabbit.channel() as channel:
            parked = await channel.declare_queue(f"{rabbit.prefix}.{QUEUE}.v1.parked", passive=True)
            await (await parked.get()).reject(requeue=False)
        await eventually(lambda: handler.finished == ["one"])
    assert await rabbit.parked() == []


def peak_memory() -> int:
    """Return the most that this process ever had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def test_r8_backlog_does_not_fill_the_memory(rabbit: RabbitRig) -> None:
    """R8, scaled: 5,000 messages wait, the consumer holds `prefetch` of them."""
    handler = Recorder()
    async with rabbit.open() as bus:
        async with bus.consume(QUEUE, {SubmissionMail: handler}):
            await eventually(bus.healthy)
        padding = a_mail().model_copy(update={"data": {"text": "x" * 20_000}})
        for _ in range(50):
            await asyncio.gather(*(bus.publish(Envelope.of(padding)) for _ in range(20)))
        for _ in range(40):
            await publish(bus, *map(str, range(100)))
        before = peak_memory()
        handler.gate = asyncio.Event()
        async with bus.consume(QUEUE, {SubmissionMail: handler}, prefetch=16):
            await eventually(lambda: handler.running == 16)
            await asyncio.sleep(0.3)
            assert peak_memory() - before < 20 * 2**20
            assert len(handler.seen) == 16
            handler.gate.set()
            handler.gate = None
            await asyncio.sleep(0.5)
        assert peak_memory() - before < 50 * 2**20
