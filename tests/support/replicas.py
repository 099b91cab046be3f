"""Several replicas of deploy in this process, each with its own cache and its own links to a real broker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from services.deploy.app import open_service
from shared import rabbitmq, server
from tests.support.deploying import settings
from tests.support.eventually import eventually


@dataclass(frozen=True, slots=True)
class Replica:
    """One of them, as a client sees it."""

    url: str
    session: aiohttp.ClientSession
    bus: rabbitmq.RabbitMQ

    async def status(self, key: str) -> int:
        """Use a key, and return the answer's status."""
        headers = {"Authorization": f"Bearer {key}"}
        async with self.session.get(f"{self.url}/deploy", headers=headers) as answer:
            return answer.status

    async def refuses(self, key: str) -> float:
        """Use a key until it is refused, and return when that was, on `time.monotonic`. Raise after 40 s."""

        async def refused() -> bool:
            return await self.status(key) == 401

        await eventually(refused, within=40)
        return time.monotonic()


async def all_refuse(replicas: list[Replica], key: str) -> list[float]:
    """Use a key everywhere until each refuses it, and return when each did."""
    return await asyncio.gather(*(replica.refuses(key) for replica in replicas))


@asynccontextmanager
async def replicas(
    amqp_urls: list[str], *, database_url: str, blobs: Path, auth_url: str, prefix: str
) -> AsyncIterator[list[Replica]]:
    """Open one for each way to the broker."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        opened = []
        for url in amqp_urls:
            bus = await stack.enter_async_context(rabbitmq.connect(url, prefix=prefix))
            port, internal = server.bind("127.0.0.1", 0), server.bind("127.0.0.1", 0)
            internal_url = f"http://127.0.0.1:{internal.getsockname()[1]}"
            config = settings(database_url, blobs, auth_url, database_pool_size=2, internal_advertise_url=internal_url)
            service = await stack.enter_async_context(open_service(config, bus))
            assert service.public is not None
            await stack.enter_async_context(server.listening(service.public, port))
            await stack.enter_async_context(server.listening(service.internal, internal))
            opened.append(Replica(f"http://127.0.0.1:{port.getsockname()[1]}", session, bus))
        await eventually(lambda: all(one.bus.healthy() for one in opened))
        yield opened
