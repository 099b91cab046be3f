"""From `DELETE /keys/{id}` until the last of four replicas refuses the key, with all of them at work."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median, quantiles
from typing import Final

import aio_pika
from aiohttp import ClientSession, TCPConnector

from bench.stage import Bed, Line, Stage
from tests.support.eventually import eventually
from tests.support.minted import Minted, minted
from tests.support.processes import Process

REPLICAS: Final = 4
TIMES: Final = 100
#: Authenticated requests a second on each replica meanwhile.
TRAFFIC: Final = 50
#: Seconds between two uses of the key that is being revoked, on each replica: what the figures are exact to.
EVERY: Final = 0.005


async def revoke(stage: Stage) -> list[Line]:
    """Measure both in turns: a revocation, and a bare publish that reaches four queues."""
    async with stage.bed() as bed, AsyncExitStack() as stack:
        urls = [bed.system.deploy.url] + [await stack.enter_async_context(_replica(bed)) for _ in range(REPLICAS - 1)]
        session = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
        _, (first, *targets) = await minted(bed.dsn, TIMES + 1)
        publish = await stack.enter_async_context(_bare(stage.amqp_url))
        await stack.enter_async_context(_traffic(session, urls, first.key))
        await stack.enter_async_context(_traffic(session, urls, first.key))
        from_sending, from_answer, bare = [], [], []
        for target in targets:
            bare.append(await publish())
            sent, answered, refused = await _once(session, bed, urls, first, target)
            from_sending.append((refused - sent) * 1000)
            from_answer.append(max(0.0, refused - answered) * 1000)
    return [_line("the answer", from_answer, bare), _line("sending", from_sending, bare)]


def _line(since: str, took: list[float], bare: list[float]) -> Line:
    p99, bare_p99 = (quantiles(values, n=100)[98] for values in (took, bare))
    return Line(
        name=f"revoke to {REPLICAS} refusals, from {since} (p99; p50 {median(took):.0f}, max {max(took):.0f} ms)",
        ours=f"{p99:.0f} ms",
        bare=f"{bare_p99:.0f} ms",
        ratio=p99 / bare_p99,
        goal="<= 1000 ms",
        met=p99 <= 1000,
    )


async def _once(
    session: ClientSession, bed: Bed, urls: list[str], first: Minted, target: Minted
) -> tuple[float, float, float]:
    """Revoke one key; return when it was sent, when it was answered, and when the last replica refused."""
    assert set(await asyncio.gather(*(_status(session, url, target.key) for url in urls))) == {200}

    async def delete() -> tuple[float, float]:
        sent = time.perf_counter()
        headers = {"Authorization": f"Bearer {first.key}", "Host": "localhost:8080"}
        async with session.delete(f"{bed.system.auth.url}/keys/{target.id}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        return sent, time.perf_counter()

    refusing = asyncio.gather(*(_refused(session, url, target.key) for url in urls))
    sent, answered = await delete()
    return sent, answered, max(await refusing)


async def _refused(session: ClientSession, url: str, key: str) -> float:
    """Use a key until it is refused, and return when that was."""

    async def refused() -> bool:
        return await _status(session, url, key) == 401

    await eventually(refused, within=60, every=EVERY)
    return time.perf_counter()


async def _status(session: ClientSession, url: str, key: str) -> int:
    async with session.get(f"{url}/deploy", headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status


@asynccontextmanager
async def _replica(bed: Bed) -> AsyncIterator[str]:
    started: Process = bed.system.another_deploy()
    try:
        await asyncio.to_thread(started.start)
        yield started.url
    finally:
        started.close()


@asynccontextmanager
async def _traffic(session: ClientSession, urls: list[str], key: str) -> AsyncIterator[None]:
    """Keep every replica at work."""

    async def on(url: str) -> None:
        while True:
            assert await _status(session, url, key) == 200
            await asyncio.sleep(1 / TRAFFIC)

    tasks = [asyncio.create_task(on(url)) for url in urls]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


@asynccontextmanager
async def _bare(amqp_url: str) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """Give a function that publishes to four exclusive queues, and returns the milliseconds until the last has it.

    Persistent and confirmed, each queue on a connection of its own.
    """
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(await aio_pika.connect(amqp_url))
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.declare_exchange("bench.bare.fanout", "fanout", auto_delete=True)
        for _ in range(REPLICAS):
            ear = await stack.enter_async_context(await aio_pika.connect(amqp_url))
            queue = await (await ear.channel()).declare_queue(exclusive=True)
            await queue.bind(exchange)

            async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
                await arrived.put(message.body)
                await message.ack()

            await queue.consume(take)

        async def publish() -> float:
            began = time.perf_counter()
            message = aio_pika.Message(b"{}" * 100, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await exchange.publish(message, "")
            for _ in range(REPLICAS):
                await arrived.get()
            return (time.perf_counter() - began) * 1000

        yield publish
