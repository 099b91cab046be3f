"""The bare limits: what the same libraries do when they do nothing else. `python -m bench.bare WHAT PORT [DSN]`.

Each is as plain as a tutorial's, on uvloop as our services are, without middlewares, logging or checks.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import asyncpg
import uvloop
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SIZES = {"1 KiB": 1024, "30 KiB": 30 * 1024, "1 MiB": 1024 * 1024}


def content(size: int) -> bytes:
    """Return a page of this many bytes."""
    return b"<!doctype html><title>page</title>" + b"x" * (size - 34)


def page(size: int) -> Handler:
    """Return a handler that answers so many bytes from memory, or that they are known."""
    body, tag = content(size), f'"{size}"'

    async def handler(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers={"ETag": tag})

    return handler


async def ready(_request: web.Request) -> web.Response:
    """Answer."""
    return web.Response()


async def no_reset(_conn: object) -> None:
    """Leave out the pool's reset."""


def select(pool: asyncpg.Pool) -> Handler:
    """Return a handler that makes one select."""

    async def handler(_request: web.Request) -> web.Response:
        found = await pool.fetchval("SELECT plan FROM bare_keys WHERE digest = $1", "d" * 64)
        return web.json_response({"plan": found})

    return handler


def insert(pool: asyncpg.Pool) -> Handler:
    """Return a handler that reads a JSON body and inserts it."""

    async def handler(request: web.Request) -> web.Response:
        body = await request.text()
        await pool.execute("INSERT INTO bare_forms (site, data) VALUES ($1, $2)", "dep_x", body)
        return web.json_response({"message": "Submission received"})

    return handler


TABLES = (
    "CREATE TABLE IF NOT EXISTS bare_keys (digest text PRIMARY KEY, plan text NOT NULL)",
    """CREATE TABLE IF NOT EXISTS bare_forms (id bigserial PRIMARY KEY, site text NOT NULL, data jsonb NOT NULL,
       created_at timestamptz NOT NULL DEFAULT now())""",
    "CREATE INDEX IF NOT EXISTS bare_forms_site ON bare_forms (site, created_at)",
    "INSERT INTO bare_keys VALUES (repeat('d', 64), 'free') ON CONFLICT DO NOTHING",
)


async def main(what: str, port: int, dsn: str) -> None:
    """Serve until killed."""
    app = web.Application()
    if what == "page":
        for size in SIZES.values():
            app.router.add_get(f"/{size}.html", page(size))
    else:
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=8, reset=no_reset)
        if what == "select":
            app.router.add_get("/", select(pool))
        elif what == "insert":
            app.router.add_post("/", insert(pool))
        app.router.add_get("/ready", ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
