"""One handler, in a process of its own: as a service has it, without log lines, without authentication too, or bare.

`python -m bench.probe authenticated|quiet|plain|bare PORT [AUTH_INTERNAL_URL TOKEN]`; the log goes to standard output.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

import uvloop
from aiohttp import web

from shared import auth_client, callers, http, logs, server

ANSWER: dict[str, object] = {"deployments": [], "next_cursor": None}


async def bare(_request: web.Request) -> web.Response:
    """Answer a small JSON object."""
    return http.json(ANSWER)


async def main(what: str, port: int, url: str, token: str) -> None:
    """Serve until killed."""
    async with AsyncExitStack() as stack:
        if what == "bare":
            app = web.Application()
            app.router.add_get("/", bare)
            listening = web.AppRunner(app, access_log=None)
            await listening.setup()
            await web.TCPSite(listening, "127.0.0.1", port).start()
        else:
            logs.configure("probe")
            client = await stack.enter_async_context(auth_client.connect(url, token))

            async def authenticated(request: web.Request) -> web.Response:
                await callers.authenticate(request, client, scope="read")
                return http.json(ANSWER)

            app = http.application()
            app.router.add_get("/", bare if what == "plain" else authenticated)
            if what in {"plain", "quiet"}:
                logs.access = lambda **_: None
            serving = await stack.enter_async_context(server.serving(app))
            await stack.enter_async_context(server.listening(serving, server.bind("127.0.0.1", port)))
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), *(sys.argv[3:5] or ("", ""))))
