"""The mailer on a real database, broker and SMTP server: each mail once, within its useful life."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import aio_pika
import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.mailer.handlers import MAILS_OF
from shared import logs, rabbitmq
from shared.bus import BusError
from shared.errors import Unavailable
from shared.events import EVENTS, Envelope
from tests.mailer.conftest import OpenMailer
from tests.support.eventually import eventually
from tests.support.mail_events import KINDS, a_login_mail, a_message
from tests.support.proxy import between
from tests.support.servers import Postgres
from tests.support.smtp import SmtpServer
from tests.support.timing import once_within, seconds


async def publish(bus: rabbitmq.RabbitMQ, *messages: Envelope) -> None:
    """Publish, once the queue is there."""
    for message in messages:

        async def taken(message: Envelope = message) -> bool:
            try:
                await bus.publish(message)
            except BusError:
                return False
            return True

        await eventually(taken)


async def state(database_url: str, message: Envelope) -> tuple[str, str | None] | None:
    """Return what the inbox knows of a message."""
    conn = await asyncpg.connect(database_url)
    try:
        row = await conn.fetchrow("SELECT state, refused FROM mailer.inbox WHERE message_id = $1", message.id)
    finally:
        await conn.close()
    return tuple(row) if row else None


async def waiting(amqp_url: str, queue: str) -> int:
    """Return how many messages lie in a queue, asked over a connection of its own."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        found = await channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0


def count(result: str, mail: str = "mail.login_code") -> float:
    return REGISTRY.get_sample_value("invoker_mails_total", {"mail": mail, "result": result}) or 0.0


def test_every_mail_event_is_heard() -> None:
    assert set(MAILS_OF) == {event for name, event in EVENTS.items() if name.startswith("mail.")}


async def test_each_kind_of_mail_is_sent_with_the_id_of_its_request(open_mailer: OpenMailer, smtp: SmtpServer) -> None:
    async with open_mailer() as (bus, service):
        messages = [a_message(make()) for make in KINDS]
        messages = [message.model_copy(update={"correlation_id": "req_12345678"}) for message in messages]
        await publish(bus, *messages)
        await eventually(lambda: len(smtp.received) == len(KINDS))
        await service.ready()
    assert {mail.message_id for mail in smtp.received} == {f"<{message.id}@invoker.example>" for message in messages}
    assert {mail.message["X-Request-ID"] for mail in smtp.received} == {"req_12345678"}
    assert service.public is None


async def test_one_message_delivered_many_times_is_one_transaction_r35(
    open_mailer: OpenMailer, smtp: SmtpServer, amqp_url: str, bus_prefix: str
) -> None:
    """R35: delivered 10 times concurrently to 3 mailers: exactly one SMTP transaction."""
    smtp.pause = lambda: 0.1
    before = count("duplicate")
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_mailer()) for _ in range(3)]
        message = a_message()
        await publish(opened[0][0], message)
        await asyncio.gather(*(opened[0][0].publish(message) for _ in range(9)))
        await eventually(lambda: count("duplicate") - before == 9)
    assert smtp.transactions == ["ada@example.com"]
    assert await waiting(amqp_url, f"{bus_prefix}.mailer.v1.parked") == 0


async def test_bus_link_cut_between_data_and_250_sends_once_r7(
    open_mailer: OpenMailer, smtp: SmtpServer, amqp_url: str, database_url: str
) -> None:
    """R7: after everything has settled the SMTP server holds exactly one message for that id."""
    smtp.stalls["ada@example.com"] = answer = asyncio.Event()
    before = count("duplicate")
    async with between(amqp_url) as proxy, open_mailer(proxy.url) as (bus, _):
        message = a_message()
        await publish(bus, message)
        await eventually(lambda: smtp.transactions)
        proxy.cut()
        await eventually(lambda: not bus.healthy())
        answer.set()
        await eventually(lambda: count("duplicate") - before == 1)
    assert len(smtp.received) == len(smtp.transactions) == 1
    assert await state(database_url, message) == ("done", None)


@pytest.mark.parametrize("answer", ["421 4.3.2 going down", "450 4.2.1 later", "451 4.7.1 greylisted"])
async def test_4xx_is_tried_again(open_mailer: OpenMailer, smtp: SmtpServer, answer: str) -> None:
    smtp.at_rcpt["ada@example.com"] = [answer, answer]
    async with open_mailer() as (bus, _):
        await publish(bus, a_message())
        await eventually(lambda: smtp.received)
    assert len(smtp.transactions) == 3


async def test_a_connection_lost_after_data_is_tried_again_under_the_same_id(
    open_mailer: OpenMailer, smtp: SmtpServer
) -> None:
    smtp.drops.add("ada@example.com")
    async with open_mailer() as (bus, _):
        await publish(bus, a_message())
        await eventually(lambda: len(smtp.received) == 2)
    assert len({mail.message_id for mail in smtp.received}) == 1


@pytest.mark.parametrize("answer", ["550 5.1.1 <ada@example.com>: no such user", "552 5.2.2 mailbox full"])
async def test_5xx_is_never_tried_again(
    open_mailer: OpenMailer, smtp: SmtpServer, database_url: str, answer: str
) -> None:
    smtp.at_rcpt["ada@example.com"] = [answer]
    before = count("duplicate")
    async with open_mailer() as (bus, _):
        message = a_message()
        await publish(bus, message)
        await eventually(lambda: refused_is_known(database_url, message))
        await publish(bus, message)
        await eventually(lambda: count("duplicate") - before == 1)
    assert len(smtp.transactions) == 1


async def refused_is_known(database_url: str, message: Envelope) -> bool:
    known = await state(database_url, message)
    return known is not None and known[0] == "done" and known[1] is not None and "ada@" not in known[1]


async def test_a_recipient_that_is_no_address_is_refused_without_smtp(
    open_mailer: OpenMailer, smtp: SmtpServer, database_url: str
) -> None:
    async with open_mailer() as (bus, _):
        message = a_message(a_login_mail(to="nobody"))
        await publish(bus, message)
        await eventually(lambda: refused_is_known(database_url, message))
    assert smtp.connections == []


async def test_an_expired_mail_is_dropped(open_mailer: OpenMailer, smtp: SmtpServer) -> None:
    now = datetime.now(UTC)
    async with open_mailer() as (bus, _):
        await publish(bus, a_message(expires_at=now - timedelta(seconds=1)))
        await publish(bus, a_message(a_login_mail(to="bob@example.com"), expires_at=now + timedelta(seconds=60)))
        await eventually(lambda: smtp.received)
    assert smtp.transactions == ["bob@example.com"]


async def test_a_mail_that_expires_between_two_attempts_is_dropped(open_mailer: OpenMailer, smtp: SmtpServer) -> None:
    smtp.at_rcpt["ada@example.com"] = ["450 later"] * 4
    with capture_logs() as lines:
        async with open_mailer() as (bus, _):
            await publish(bus, a_message(a_login_mail(to="bob@example.com")))
            await publish(bus, a_message(expires_at=datetime.now(UTC) + timedelta(seconds=2.5)))
            # the fifth attempt, which would go well, comes after 3 s
            await eventually(lambda: "message.expired" in {line["event"] for line in lines})
    assert "ada@example.com" in smtp.transactions
    assert smtp.to("ada@example.com") == []


async def test_one_stalled_recipient_does_not_hold_up_the_others(open_mailer: OpenMailer, smtp: SmtpServer) -> None:
    smtp.stalls["stuck@example.com"] = stall = asyncio.Event()
    async with open_mailer(deadline=60.0, lease=61.0) as (bus, _):
        await publish(bus, a_message(a_login_mail(to="stuck@example.com")))
        await eventually(lambda: "stuck@example.com" in smtp.transactions)

        async def thirty_more() -> None:
            before = len(smtp.to("ada@example.com"))
            await publish(bus, *(a_message() for _ in range(30)))
            await eventually(lambda: len(smtp.to("ada@example.com")) >= before + 30)

        await once_within(5.0, lambda: seconds(thirty_more))
        stall.set()
        await eventually(lambda: smtp.to("stuck@example.com"))
    assert len(smtp.to("stuck@example.com")) == 1


async def test_a_crashed_mailers_claim_is_taken_over_when_it_ends(
    open_mailer: OpenMailer, smtp: SmtpServer, database_url: str
) -> None:
    message = a_message()
    conn = await asyncpg.connect(database_url)
    await conn.execute(
        "INSERT INTO mailer.inbox (message_id, state, lease_until) VALUES ($1, 'claimed', now() + interval '1 second')",
        message.id,
    )
    await conn.close()
    async with open_mailer() as (bus, _):
        await publish(bus, message)
        await eventually(lambda: smtp.received)
    assert await state(database_url, message) == ("done", None)


@asynccontextmanager
async def database_away(server: Postgres, name: str) -> AsyncIterator[None]:
    """Let nobody into a database, and throw out who is in."""
    conn = await asyncpg.connect(server.dsn)
    await conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    try:
        yield
    finally:
        await conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await conn.close()


async def test_what_became_of_a_mail_is_written_down_once_the_database_is_back(
    open_mailer: OpenMailer, smtp: SmtpServer, database_url: str, postgres_server: Postgres
) -> None:
    smtp.stalls["ada@example.com"] = answer = asyncio.Event()
    async with open_mailer(deadline=5.0, lease=6.0) as (bus, _):
        message = a_message()
        await publish(bus, message)
        await eventually(lambda: smtp.transactions)
        async with database_away(postgres_server, database_url.rpartition("/")[2]):
            answer.set()
            await eventually(lambda: smtp.received)
            await asyncio.sleep(0.3)
        await eventually(lambda: is_done(database_url, message))
    assert len(smtp.transactions) == 1


async def is_done(database_url: str, message: Envelope) -> bool:
    return await state(database_url, message) == ("done", None)


async def test_a_mailer_without_its_bus_is_not_ready(open_mailer: OpenMailer) -> None:
    async with open_mailer("amqp://guest:guest@127.0.0.1:1/") as (_, service):
        with pytest.raises(Unavailable):
            await service.ready()


async def test_no_code_link_or_address_is_logged(open_mailer: OpenMailer, smtp: SmtpServer) -> None:
    out = io.StringIO()
    logs.configure("mailer", out=out, json=True, level="DEBUG")
    smtp.at_rcpt["ada@example.com"] = ["450 4.2.1 <ada@example.com> later"]
    async with open_mailer() as (bus, _):
        await publish(bus, a_message())
        await eventually(lambda: smtp.received)
    told = out.getvalue()
    assert "450 4.2.1 <…> later" in told
    for secret in ("042137", "lnk_0123", "ada@example.com"):
        assert secret not in told
