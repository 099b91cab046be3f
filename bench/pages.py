"""Pages served and forms taken, from deploy's own port."""

import asyncpg
import orjson
from aiohttp import ClientSession

from bench import load
from bench.bare import PAGE, TABLES
from bench.stage import Bed, Line, Stage, compare, free_port, process

FIELDS = {"email": "ada@example.com", "message": "I would like to hear more. " * 4}


async def a_site(bed: Bed, html: str) -> dict[str, str]:
    """Put a page live and return what the API answered."""
    headers = {"Authorization": f"Bearer {bed.key}", "Host": "localhost:8080"}
    async with (
        ClientSession() as session,
        session.post(f"{bed.system.deploy.url}/deploy", json={"html": html}, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        made: dict[str, str] = await answer.json()
        return made


async def page(stage: Stage) -> list[Line]:
    """A page of 30 KiB by its Host, against a handler that answers the same bytes from memory."""
    async with stage.bed() as bed:
        site = await a_site(bed, PAGE.decode())
        port = free_port()
        with process("bench.bare", "page", str(port), log=stage.directory / "page.log"):
            by_host = load.request("GET", "/", host=f"{site['slug']}.sites.localhost:8080")
            plain = load.request("GET", "/")

            async def rate(to: int, request: bytes) -> float:
                return (await load.run(to, lambda: request, connections=32, seconds=1)).per_second

            ours, bare, ratio = await compare(lambda: rate(bed.system.deploy.port, by_host), lambda: rate(port, plain))
    return [
        Line(
            name="page of 30 KiB by Host from deploy (req/s)",
            ours=f"{ours:.0f}",
            bare=f"{bare:.0f}",
            ratio=ratio,
            goal=">= 0.85",
            met=ratio >= 0.85,
        )
    ]


async def form(stage: Stage) -> list[Line]:
    """A form post, committed with its mail's outbox row, against a handler that does the one INSERT.

    The relay publishes meanwhile; the mailer is stopped, since it would run on another machine.
    """
    async with stage.bed() as bed:
        conn = await asyncpg.connect(bed.dsn)
        for statement in TABLES:
            await conn.execute(statement)
        await conn.close()
        site = await a_site(bed, "<p>form</p>")
        bed.system.mailer.stop()
        port = free_port()
        with process("bench.bare", "insert", str(port), bed.dsn, log=stage.directory / "insert.log"):
            json = {"Content-Type": "application/json"}
            body = orjson.dumps(FIELDS)
            submit = load.request("POST", f"/submit/{site['id']}", host="localhost:8080", headers=json, body=body)
            plain = load.request("POST", "/", headers=json, body=body)

            async def rate(to: int, request: bytes) -> float:
                return (await load.run(to, lambda: request, connections=32, seconds=1)).per_second

            ours, bare, ratio = await compare(lambda: rate(bed.system.deploy.port, submit), lambda: rate(port, plain))
    return [
        Line(
            name="form post, committed with its mail's row (posts/s)",
            ours=f"{ours:.0f}",
            bare=f"{bare:.0f}",
            ratio=ratio,
            goal=">= 0.70",
            met=ratio >= 0.70,
        )
    ]
