"""Webhooks: how many a second one process delivers, of submissions that come all at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import orjson
from aiohttp import web

from bench.forms import FIELDS, numbered
from bench.publishing import publish
from bench.stage import Bed, Line, Stage, free_port

#: Webhooks of the site, submissions, and rounds.
HOOKS: Final = 4
POSTS: Final = 250
ROUNDS: Final = 5


@dataclass(slots=True)
class _Receiver:
    """Counts what comes, by its `webhook-id`."""

    seen: set[str] = field(default_factory=set)
    wanted: int = 0
    first: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    last: float = 0.0

    async def take(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        self.first = self.first or time.perf_counter()
        self.seen.add(request.headers.get("webhook-id", str(len(self.seen))))
        if len(self.seen) >= self.wanted:
            self.last = time.perf_counter()
            self.done.set()
        return web.Response()

    async def rate(self, count: int) -> float:
        """Wait for so many, and return how many came a second."""
        async with asyncio.timeout(60):
            await self.done.wait()
        return count / (self.last - self.first)

    def expect(self, count: int) -> None:
        self.seen.clear()
        self.wanted, self.first = count, 0.0
        self.done.clear()


@asynccontextmanager
async def _receiving(port: int) -> AsyncIterator[_Receiver]:
    receiver = _Receiver()
    runner = web.ServerRunner(web.Server(receiver.take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def _bare(port: int, receiver: _Receiver) -> float:
    """Return what aiohttp's client alone manages, 32 at a time, a connection for each."""
    receiver.expect(HOOKS * POSTS)
    connector = aiohttp.TCPConnector(force_close=True, limit=32)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(number: int) -> None:
            async with session.post(f"http://127.0.0.1:{port}/", json=FIELDS, headers={"webhook-id": str(number)}):
                pass

        await asyncio.gather(*(post(number) for number in range(HOOKS * POSTS)))
    return await receiver.rate(HOOKS * POSTS)


async def _ours(bed: Bed, site: str, session: aiohttp.ClientSession, receiver: _Receiver) -> float:
    receiver.expect(HOOKS * POSTS)
    url = f"{bed.system.deploy.url}/submit/{site}"
    body, headers = numbered(orjson.dumps(FIELDS)), {"Content-Type": "application/json", "Host": "localhost:8080"}

    async def post() -> None:
        async with session.post(url, data=body(), headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    await asyncio.gather(*(post() for _ in range(POSTS)))
    return await receiver.rate(HOOKS * POSTS)


async def webhooks(stage: Stage) -> list[Line]:
    """Measure both in turns."""
    port = free_port()
    async with (
        stage.bed(INVOKER_WEBHOOK_ALLOW_PRIVATE="1") as bed,
        aiohttp.ClientSession() as session,
        _receiving(port) as receiver,
    ):
        site = (await publish(bed, {"index.html": b"<p>form</p>"}))["id"]
        bed.system.mailer.stop()
        headers = {"Authorization": f"Bearer {bed.key}", "Host": "localhost:8080"}
        for number in range(HOOKS):
            body = {"url": f"http://127.0.0.1:{port}/{number}"}
            where = f"{bed.system.deploy.url}/webhooks/{site}"
            async with session.post(where, json=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
        pairs = [(await _ours(bed, site, session, receiver), await _bare(port, receiver)) for _ in range(ROUNDS)]
    ours, bare = (sorted(each)[ROUNDS // 2] for each in zip(*pairs, strict=True))
    return [
        Line(
            name=f"webhook deliveries, {HOOKS} webhooks of one site (deliveries/s)", ours=f"{ours:.0f}",
            bare=f"{bare:.0f}", ratio=ours / bare, goal=">= 300/s", met=ours >= 300,
        )
    ]  # fmt: skip
