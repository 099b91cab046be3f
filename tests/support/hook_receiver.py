"""A webhook's receiver on this machine: notes what comes, and answers as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class HookReceiver:
    """What it answers from now on, and the bodies that came."""

    url: str
    status: int = 200
    answer: str = "ok"
    came: list[Any] = field(default_factory=list)


@asynccontextmanager
async def receiving(**given: Any) -> AsyncIterator[HookReceiver]:
    """Give a receiver that listens."""
    receiver = HookReceiver(url="", **given)

    async def take(request: web.Request) -> web.Response:
        receiver.came.append(await request.json())
        return web.Response(status=receiver.status, text=receiver.answer, content_type="text/html")

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
