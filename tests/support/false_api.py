"""An API that answers whatever a test wants, and keeps what it was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.ports import free_port


@dataclass
class FalseApi:
    """Answers every path alike, or as `answers` says for `METHOD /path`: a body, or a status and a body."""

    answers: dict[str, Any] = field(default_factory=dict)
    otherwise: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        named = f"{request.method} {request.path}"
        self.requests.append((named, request.headers.get("Authorization", "")))
        said, status = self.answers.get(named, self.otherwise), self.status
        if isinstance(said, tuple):
            status, said = said
        if isinstance(said, bytes):
            return web.Response(body=said, status=status, headers=self.headers)
        return web.json_response(said, status=status, headers=self.headers)


@asynccontextmanager
async def false_api(**given: Any) -> AsyncIterator[FalseApi]:
    """Serve one on a port of its own."""
    api = FalseApi(**given)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    api.url = f"http://127.0.0.1:{port}"
    try:
        yield api
    finally:
        await runner.cleanup()
