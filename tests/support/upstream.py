"""deploy as the gateway sees it: answers what a test says, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

#: What deploy says of a page that everybody may have.
PUBLIC = {"Cache-Control": "public, max-age=0, must-revalidate", "ETag": '"one"', "Accept-Ranges": "bytes"}


@dataclass(slots=True)
class Upstream:
    """A server that gives the same answer to all."""

    address: str = ""
    body: bytes = b"one"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: PUBLIC)
    #: Method, URL and headers of each request.
    asked: list[web.BaseRequest] = field(default_factory=list)
    #: Answers wait for it, with what was to be said when they were asked.
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer."""
        self.asked.append(request)
        response = web.Response(body=self.body, status=self.status, headers=self.headers)
        await self.gate.wait()
        response.headers["X-Request-ID"] = request.headers.get("X-Request-ID", "made-upstream")
        return response


@asynccontextmanager
async def answering() -> AsyncIterator[Upstream]:
    """Give one on a free port."""
    upstream = Upstream()
    upstream.gate.set()
    runner = web.ServerRunner(web.Server(upstream.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        await runner.cleanup()
