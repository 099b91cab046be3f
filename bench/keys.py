"""How much a key check costs, known and unknown."""

from functools import partial

import asyncpg

from bench import load
from bench.bare import TABLES
from bench.stage import Line, Stage, compare, free_port, keys, process
from tests.support.processes import TOKEN


async def warm(stage: Stage) -> list[Line]:
    """An authenticated, logged answer from a warm cache, against the same handler without either."""
    lines = []
    async with stage.bed() as bed:
        ours_port, quiet_port, plain_port, bare_port = free_port(), free_port(), free_port(), free_port()
        url = bed.system.auth.internal_url
        with (
            process("bench.probe", "authenticated", str(ours_port), url, TOKEN, log=stage.directory / "warm.log"),
            process("bench.probe", "quiet", str(quiet_port), url, TOKEN, log=stage.directory / "quiet.log"),
            process("bench.probe", "plain", str(plain_port), url, TOKEN, log=stage.directory / "plain.log"),
            process("bench.probe", "bare", str(bare_port), log=stage.directory / "bare.log"),
        ):
            request = load.request("GET", "/", headers={"Authorization": f"Bearer {bed.key}"})

            async def rate(port: int) -> float:
                return (await load.run(port, lambda: request, connections=32, seconds=1)).per_second

            for name, port, goal in (
                ("authenticated answer, warm cache, logged (req/s)", plain_port, 0.80),
                ("the same against itself without the log, R22", quiet_port, 0.80),
                ("the same against aiohttp with nothing around it", bare_port, 0.0),
            ):
                ours, bare, ratio = await compare(partial(rate, ours_port), partial(rate, port))
                lines.append(
                    Line(
                        name=name,
                        ours=f"{ours:.0f}",
                        bare=f"{bare:.0f}",
                        ratio=ratio,
                        goal=f">= {goal:.2f}" if goal else "none",
                        met=ratio >= goal,
                    )
                )
    return lines


async def cold(stage: Stage) -> list[Line]:
    """A key that no cache knows, end to end, against a handler with one select; latency of one caller."""
    async with stage.bed() as bed:
        conn = await asyncpg.connect(bed.dsn)
        for statement in TABLES:
            await conn.execute(statement)
        await conn.close()
        _, minted = await keys(bed.dsn, 60_000)
        unknown = iter(minted)
        ours_port, bare_port = free_port(), free_port()
        url = bed.system.auth.internal_url
        with (
            process("bench.probe", "authenticated", str(ours_port), url, TOKEN, log=stage.directory / "cold.log"),
            process("bench.bare", "select", str(bare_port), bed.dsn, log=stage.directory / "select.log"),
        ):
            plain = load.request("GET", "/")

            def fresh() -> bytes:
                return load.request("GET", "/", headers={"Authorization": f"Bearer {next(unknown)}"})

            async def p50(port: int, *, cold: bool) -> float:
                made = fresh if cold else lambda: plain
                return (await load.run(port, made, connections=1, seconds=1)).percentile(50)

            ours, bare, ratio = await compare(lambda: p50(ours_port, cold=True), lambda: p50(bare_port, cold=False))
    return [
        Line(
            name="key check, cold cache, end to end (p50)",
            ours=f"{ours:.2f} ms",
            bare=f"{bare:.2f} ms",
            ratio=ratio,
            goal="<= 2",
            met=ratio <= 2,
        )
    ]
