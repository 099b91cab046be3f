"""From the POST that asks for a code to SMTP's 250, when nothing else happens."""

import asyncio
import time
from email.message import EmailMessage
from statistics import median, quantiles

import aio_pika
import aiosmtplib
from aiohttp import ClientSession

from bench.stage import Bed, Line, Sink, Stage

#: Rounds that take turns, logins in a round, and the pause between two, in seconds.
ROUNDS = 5
EACH = 20
IDLE = 0.05


async def ours(bed: Bed, session: ClientSession, number: str) -> float:
    """Ask for a code and return the milliseconds until its mail was taken."""
    headers = {"Host": "localhost:8080"}
    url, email = bed.system.auth.url, f"login-{number}@example.com"
    async with session.post(f"{url}/auth/session", json={"verifier_hash": "0" * 64}, headers=headers) as answer:
        started = (await answer.json())["session_id"]
    began = time.perf_counter()
    body = {"session_id": started, "email": email}
    async with session.post(f"{url}/auth/otp", json=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
    return (await bed.sink.wait_for(email) - began) * 1000


class Bare:
    """Publish with a confirm to a quorum queue, consume it, send it over a new SMTP connection; nothing else."""

    def __init__(self, exchange: aio_pika.abc.AbstractExchange, queue: aio_pika.abc.AbstractQueue, sink: Sink) -> None:
        self._exchange, self._queue, self._sink = exchange, queue, sink

    async def consume(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        """Send the mail of a message, then ack it."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "bench@example.com", message.body.decode(), "123456 is your code"
        mail.set_content("Your code: 123456")
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=self._sink.port, start_tls=False)
        await message.ack()

    async def login(self, number: str) -> float:
        """Return the milliseconds from the publish to the 250."""
        email = f"bare-{number}@example.com"
        began = time.perf_counter()
        message = aio_pika.Message(email.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await self._exchange.publish(message, self._queue.name)
        return (await self._sink.wait_for(email) - began) * 1000


async def login(stage: Stage) -> list[Line]:
    """Measure both, in rounds that take turns."""
    async with stage.bed() as bed, ClientSession() as session:
        connection = await aio_pika.connect(stage.amqp_url)
        async with connection:
            channel = await connection.channel(on_return_raises=True)
            queue = await channel.declare_queue(
                "bench.bare", durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 5}
            )
            bare = Bare(channel.default_exchange, queue, bed.sink)
            tag = await queue.consume(bare.consume)
            mine, limit = [], []
            for round_ in range(ROUNDS):
                for number in range(EACH):
                    limit.append(await bare.login(f"{round_}-{number}"))
                    await asyncio.sleep(IDLE)
                for number in range(EACH):
                    mine.append(await ours(bed, session, f"{round_}-{number}"))
                    await asyncio.sleep(IDLE)
            await queue.cancel(tag)
            await queue.delete(if_unused=False, if_empty=False)
    p95, bare_p95 = (quantiles(values, n=20)[18] for values in (mine, limit))
    return [
        Line(
            name=f"login POST to SMTP 250, idle (p95; p50 {median(mine):.1f} and {median(limit):.1f} ms)",
            ours=f"{p95:.1f} ms",
            bare=f"{bare_p95:.1f} ms",
            ratio=p95 / bare_p95,
            goal="<= 3",
            met=p95 <= 3 * bare_p95,
        )
    ]
