"""Runs the server over its two transports."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from invoker_mcp.server.app import App
from invoker_mcp.server.memory import Memory
from invoker_mcp.server.redaction import log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoker_mcp.server.stdout import Wire
    from invoker_mcp.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def over_stdio(settings: Settings, wire: Wire) -> None:
    import anyio
    from mcp.server.stdio import stdio_server

    log_to_stderr(os.environ.get("INVOKER_LOG_LEVEL", "WARNING").upper())
    # Reading stdin cannot be cancelled: a Ctrl-C that was handled would wait for the client's next word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    memory = Memory()

    async def serve() -> None:
        server = App(settings, memory).server()
        streams = stdio_server(anyio.wrap_file(wire.read), anyio.wrap_file(wire.write))
        async with streams as (read, write):
            await server.run(read, write, server.create_initialization_options())
        if memory.waiting:
            memory.waiting.task.cancel()

    with contextlib.suppress(BrokenPipeError):
        anyio.run(serve)


def over_http(settings: Settings, host: str, port: int, hosts: Sequence[str], origins: Sequence[str]) -> None:
    """Serve at /mcp. Names other than this machine's own have to be allowed: DNS can make any name lead here."""
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    log_to_stderr(os.environ.get("INVOKER_LOG_LEVEL", "INFO").upper())
    named = [f"[{host}]" if ":" in host else host] if host not in {"0.0.0.0", "::"} else []  # noqa: S104 - compared, not bound
    known = dict.fromkeys([*LOOPBACK, *named])
    security = TransportSecuritySettings(
        allowed_hosts=[*(f"{name}:*" for name in known), *known, *hosts, *(f"{name}:*" for name in hosts)],
        allowed_origins=[
            *(f"http://{name}:*" for name in LOOPBACK),
            *(f"http://{name}" for name in LOOPBACK),
            *origins,
        ],
    )
    app = (
        App(settings, None)
        .server()
        .streamable_http_app(
            stateless_http=True, transport_security=security, host=host, max_request_body_size=26 * 1024 * 1024
        )
    )
    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False, server_header=False)
