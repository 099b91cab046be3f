"""Somebody who is told things over HTTP: a replica, a gateway, a CDN's hook; remembers what was said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Ear:
    """One of them; `status` is what it answers, `silent` that it does not."""

    url: str = ""
    status: int = 200
    silent: bool = False
    heard: list[tuple[str, str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Remember path, credential and body."""
        self.heard.append((request.path, request.headers.get("Authorization", ""), await request.json()))
        if self.silent:
            await asyncio.sleep(60)
        return web.json_response({}, status=self.status)


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    """Give one that listens on a free port."""
    ear = Ear()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", ear.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield ear
    finally:
        await runner.cleanup()
