"""Forms taken at deploy's own port: how many, and how fast while the broker is away."""

import asyncio
import itertools
import secrets
from collections.abc import Callable

import asyncpg
import orjson

from bench import load
from bench.bare import TABLES
from bench.publishing import publish
from bench.stage import Line, Stage, compare, free_port, process
from tests.support import proxy

#: What each post replaces by a number of its own: the same text for the third time would be held as spam.
NUMBER = "00000000"
FIELDS = {"email": "ada@example.com", "message": f"I would like to hear more. {NUMBER} " * 3}


def numbered(request: bytes) -> Callable[[], bytes]:
    """Return what gives the request with another number each time."""
    numbers, began = itertools.count(), secrets.randbelow(10**7)
    before, *others = request.split(NUMBER.encode())

    def each() -> bytes:
        number = b"%08d" % ((began + next(numbers)) % 10**8)
        return number.join([before, *others])

    return each


async def form(stage: Stage) -> list[Line]:
    """A form post, committed with the note that it is to be told, against a handler that does the one INSERT.

    Notifier and relay work meanwhile; the mailer is stopped, since it would run on another machine.
    """
    async with stage.bed() as bed:
        conn = await asyncpg.connect(bed.dsn)
        for statement in TABLES:
            await conn.execute(statement)
        await conn.close()
        site = await publish(bed, {"index.html": b"<p>form</p>"})
        bed.system.mailer.stop()
        port = free_port()
        with process("bench.bare", "insert", str(port), bed.dsn, log=stage.directory / "insert.log"):
            json = {"Content-Type": "application/json"}
            body = orjson.dumps(FIELDS)
            submit = load.request("POST", f"/submit/{site['id']}", host="localhost:8080", headers=json, body=body)
            plain = load.request("POST", "/", headers=json, body=body)

            async def rate(to: int, request: Callable[[], bytes]) -> float:
                return (await load.run(to, request, connections=32, seconds=1)).per_second

            ours, bare, ratio = await compare(
                lambda: rate(bed.system.deploy.port, numbered(submit)), lambda: rate(port, numbered(plain))
            )
    return [
        Line(
            name="form post, committed with its notice (posts/s)",
            ours=f"{ours:.0f}",
            bare=f"{bare:.0f}",
            ratio=ratio,
            goal=">= 0.75",
            met=ratio >= 0.75,
        )
    ]


async def away(stage: Stage) -> list[Line]:
    """Form posts at 70 % of the measured peak with the broker away, in an open loop."""
    async with proxy.between(stage.amqp_url) as broker, stage.bed(INVOKER_AMQP_URL=broker.url) as bed:
        site = await publish(bed, {"index.html": b"<p>form</p>"})
        broker.blackhole()
        broker.cut()
        headers = {"Content-Type": "application/json"}
        body = orjson.dumps(FIELDS)
        request = load.request("POST", f"/submit/{site['id']}", host="localhost:8080", headers=headers, body=body)
        port, submit = bed.system.deploy.port, numbered(request)
        peak = max([(await load.run(port, submit, connections=32, seconds=2)).per_second for _ in range(3)])
        await asyncio.sleep(2)
        taken = await load.paced(port, submit, rate=0.7 * peak, seconds=10)
        assert not taken.failed, f"{taken.failed} posts were refused"
    p99 = taken.percentile(99)
    return [
        Line(
            name=f"form post at 70 % of {peak:.0f}/s, broker away (p99; p50 {taken.percentile(50):.1f} ms)",
            ours=f"{p99:.1f} ms",
            bare="-",
            ratio=p99 / 200,
            goal="<= 200 ms",
            met=p99 <= 200,
        )
    ]
