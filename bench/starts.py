"""How long a service takes to be ready, and what it then holds in memory."""

import asyncio
import subprocess
import time
from statistics import median
from urllib.request import urlopen

from bench.stage import Line, Stage, free_port, process

#: Starts of each.
ROUNDS = 5


def rss(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S607
    return int(shown.stdout) / 1024


def bare(stage: Stage, dsn: str) -> float:
    """Return the seconds until a bare aiohttp with a pool answers."""
    port = free_port()
    began = time.monotonic()
    with (
        process("bench.bare", "pool", str(port), dsn, log=stage.directory / "pool.log"),
        urlopen(f"http://127.0.0.1:{port}/ready"),
    ):
        return time.monotonic() - began


async def start(stage: Stage) -> list[Line]:
    """Start each service several times, in turn with the bare process."""
    lines = []
    async with stage.bed() as bed:
        await asyncio.sleep(2)
        memory = {service.name: rss(service.pid) for service in bed.system.services}
        for service in bed.system.services:
            times, limits = [], []
            for _ in range(ROUNDS):
                service.stop()
                limits.append(await asyncio.to_thread(bare, stage, bed.dsn))
                times.append(await asyncio.to_thread(service.start))
            ratio = median(mine / limit for mine, limit in zip(times, limits, strict=True))
            lines.append(
                Line(
                    name=f"start of {service.name} to ready; {memory[service.name]:.0f} MiB idle (goal <= 90)",
                    ours=f"{median(times):.2f} s",
                    bare=f"{median(limits):.2f} s",
                    ratio=ratio,
                    goal="<= 2.5",
                    met=ratio <= 2.5 and memory[service.name] <= 90,
                )
            )
    return lines
