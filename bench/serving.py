"""Pages of sites, from deploy's own port and through the gateway, beside others who serve files."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp

from bench import peers, wrk
from bench.bare import SIZES, content
from bench.publishing import publish
from bench.stage import Bed, Line, Stage, free_port, process
from bench.starts import rss
from tests.support.processes import TOKEN
from tests.support.servers import machine
from tests.support.servers.nginx import Gateway, Services

#: Who is held against whom, for which sizes and statuses with which goal; all other figures are told without one.
PAIRS: Final = (
    ("deploy", "bare aiohttp", 0.85, {("1 KiB", 200), ("1 KiB", 304), ("30 KiB", 200), ("30 KiB", 304)}),
    ("deploy", "nginx's files", 0.9, {("1 MiB", 200)}),
    ("gateway", "nginx's files", 0.7, {("1 KiB", 200), ("30 KiB", 200)}),
    ("gateway", "Caddy's files", 4.0, {("1 KiB", 200), ("30 KiB", 200)}),
    ("gateway", "sirv", 0.0, set[tuple[str, int]]()),
)
#: Downloads at once while memory is looked at, and MiB that it may grow by.
DOWNLOADS: Final = 200
GROWTH: Final = 50.0


@dataclass(frozen=True, slots=True)
class Side:
    """One who serves the pages: where, as which host, and with which tags."""

    port: int
    host: str
    tags: Mapping[str, str]

    async def rate(self, size: str, status: int) -> float:
        """Return the answers of this status in a second."""
        headers = {"Host": self.host} | ({"If-None-Match": self.tags[size]} if status == 304 else {})
        return await wrk.rate(f"http://127.0.0.1:{self.port}/{SIZES[size]}.html", headers, status=status)


async def side(port: int, host: str = "localhost") -> Side:
    """Look at the pages, whether they are the right ones."""
    tags = {}
    async with aiohttp.ClientSession(headers={"Host": host}, skip_auto_headers=["Accept-Encoding"]) as session:
        for name, size in SIZES.items():
            async with session.get(f"http://127.0.0.1:{port}/{size}.html") as answer:
                assert await answer.read() == content(size), f"{answer.url} of {host}: {answer.status}"
                tags[name] = answer.headers["ETag"]
    return Side(port, host, tags)


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder in memory, with the pages as files in `www`."""
    with machine.scratch("bench") as home:
        home.chmod(0o755)
        (home / "www").mkdir()
        for size in SIZES.values():
            (home / "www" / f"{size}.html").write_bytes(content(size))
        yield home


@asynccontextmanager
async def everybody(stage: Stage) -> AsyncIterator[tuple[Bed, dict[str, Side]]]:
    """Start all sides with the same pages; a peer that cannot be had is told and left out."""
    bump_port = free_port()
    async with stage.bed(INVOKER_GATEWAY_URLS=f"http://127.0.0.1:{bump_port}") as bed:
        with folder() as home, ExitStack() as stack:
            bare = free_port()
            stack.enter_context(process("bench.bare", "page", str(bare), log=home / "bare.log"))
            services = Services(deploy=[f"127.0.0.1:{bed.system.deploy.port}"])
            gateway = Gateway(home / "gateway", services, token=TOKEN, bump_port=bump_port)
            stack.callback(gateway.stop)
            gateway.start()
            site = await publish(bed, {f"{size}.html": content(size) for size in SIZES.values()})
            host = f"{site['slug']}.sites.localhost:8080"
            ports = {"deploy": bed.system.deploy.port, "gateway": gateway.port}
            sides = {name: await side(port, host) for name, port in ports.items()}
            sides["bare aiohttp"] = await side(bare)
            for name, serve in peers.ALL.items():
                try:
                    sides[name] = await side(stack.enter_context(serve(home / "www", home)))
                except peers.Unavailable as why:
                    print(f"without {name}: {why}", file=sys.stderr)
            yield bed, sides


async def serve(stage: Stage) -> list[Line]:
    """All sizes, 200 and 304, all sides in turns; then memory while many download at once."""
    lines: list[Line] = []
    async with everybody(stage) as (bed, sides):
        for size in SIZES:
            for status in (200, 304):
                turns = {name: partial(one.rate, size, status) for name, one in sides.items()}
                lines += compared(size, status, await wrk.in_turns(turns))
        lines.append(await memory(bed, sides["deploy"]))
    return lines


def compared(size: str, status: int, best: Mapping[str, float]) -> Iterator[Line]:
    """Yield a line for each pair of those that are there."""
    for ours, theirs, goal, held in PAIRS:
        if theirs in best:
            ratio = best[ours] / best[theirs]
            wanted = goal if (size, status) in held else 0.0
            yield Line(
                name=f"{size}, {status}: {ours} / {theirs} (req/s)",
                ours=f"{best[ours]:.0f}",
                bare=f"{best[theirs]:.0f}",
                ratio=ratio,
                goal=f">= {wanted:.2f}" if wanted else "none",
                met=ratio >= wanted,
            )


async def memory(bed: Bed, deploy: Side) -> Line:
    """Let many download 1 MiB at once, none reading on before all have begun, and look at deploy's memory."""
    path = f"/{SIZES['1 MiB']}.html"
    before = rss(bed.system.deploy.pid)
    streams = [await asyncio.open_connection("127.0.0.1", deploy.port, limit=1024) for _ in range(DOWNLOADS)]
    for _, writer in streams:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {deploy.host}\r\nConnection: close\r\n\r\n".encode())
    await asyncio.sleep(2)
    most = rss(bed.system.deploy.pid)
    for reader, writer in streams:
        assert len(await reader.read()) > SIZES["1 MiB"]
        writer.close()
        most = max(most, rss(bed.system.deploy.pid))
    grown = most - before
    return Line(
        name=f"deploy's memory grows, {DOWNLOADS} downloads of 1 MiB at once",
        ours=f"{grown:.0f} MiB",
        bare=f"{before:.0f} MiB",
        ratio=grown / before,
        goal=f"<= {GROWTH:.0f} MiB",
        met=grown <= GROWTH,
    )
