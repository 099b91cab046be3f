"""What a deploy costs: one page, a thousand files by digest, and beside many versions and many sites."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import aiohttp
import asyncpg

from bench.bare import SIZES, content
from bench.stage import Bed, Line, Stage

#: Deploys that a median is taken of, and files of the large site, of so many bytes each.
TIMES: Final = 60
FILES: Final = 1000
FILE: Final = 10 * 1024
#: Uploads at once.
UPLOADS: Final = 16

#: Versions of one site, and other sites, that were there before.
_VERSIONS: Final = """
    INSERT INTO deploy.versions (deployment_id, number, manifest, files, size, created_by, ready_at)
    SELECT deployment_id, 1000000 + n, manifest, files, size, created_by, ready_at
    FROM deploy.versions, generate_series(1, $2::int) n WHERE deployment_id = $1 AND number = 1
"""
_PUBLICATIONS: Final = """
    INSERT INTO deploy.publications (deployment_id, version, published_by)
    SELECT $1, 1000000 + n, 'key_bench' FROM generate_series(1, $2::int) n
"""
_ACCOUNTS: Final = """
    INSERT INTO deploy.accounts (id, email, plan)
    SELECT 'acc_bench' || n, n || '@example.com', 'free' FROM generate_series($1::int, $2::int) n
"""
_SITES: Final = """
    INSERT INTO deploy.deployments (id, account_id, slug, live_version, last_version)
    SELECT 'dep_bench' || n, 'acc_bench' || n, 'bench-' || n, 1, 1 FROM generate_series($1::int, $2::int) n
"""
_THEIR_VERSIONS: Final = """
    INSERT INTO deploy.versions (deployment_id, number, manifest, files, size, created_by, ready_at)
    SELECT 'dep_bench' || n, 1, v.manifest, 1, v.size, 'key_bench', now()
    FROM (SELECT manifest, size FROM deploy.versions LIMIT 1) v, generate_series($1::int, $2::int) n
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who deploys, at deploy's own port."""

    bed: Bed
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, **given: Any) -> Any:
        """Call the API and return its answer."""
        headers = {"Authorization": f"Bearer {self.bed.key}", "Host": "localhost:8080"}
        url = self.bed.system.deploy.url + path
        async with self.session.request(method, url, headers=headers, **given) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def p50(self, site: str) -> float:
        """Return the median milliseconds of a deploy of one new page of 30 KiB, one after the other."""
        times = []
        for _ in range(TIMES):
            html = f"<!doctype html><title>{secrets.token_hex(8)}</title>".encode() + content(SIZES["30 KiB"])
            body = {"html": html[: SIZES["30 KiB"]].decode()}
            began = time.perf_counter()
            await self.call("PUT", f"/deploy/{site}", json=body)
            times.append((time.perf_counter() - began) * 1000)
        return median(times)

    async def by_digest(self, site: str | None, files: Mapping[str, bytes]) -> tuple[str, int, float]:
        """Deploy files by digest, sending what is missing; return the site, how many that were, and the seconds."""
        began = time.perf_counter()
        digests = {hashlib.sha256(data).hexdigest(): data for data in files.values()}
        listed = [
            {"path": path, "sha256": digest, "size": len(data)}
            for (path, data), digest in zip(files.items(), digests, strict=True)
        ]
        method, path = ("PUT", f"/deploy/{site}") if site else ("POST", "/deploy")
        made = await self.call(method, path, json={"files": listed})
        waiting = list(made["missing"])

        async def send() -> None:
            while waiting:
                digest = waiting.pop()
                await self.call("PUT", f"/deploy/{made['id']}/blobs/{digest}", data=digests[digest])

        await asyncio.gather(*(send() for _ in range(UPLOADS)))
        if made["missing"]:
            await self.call("POST", f"/deploy/{made['id']}/publish", json={"version": made["version"]})
        return made["id"], len(made["missing"]), time.perf_counter() - began


async def publish(bed: Bed, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Put a site of these files live and return what the API answered."""
    listed = [
        {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"} for path, data in files.items()
    ]
    async with aiohttp.ClientSession() as session:
        made: dict[str, Any] = await Owner(bed, session).call("POST", "/deploy", json={"files": listed})
        return made


@asynccontextmanager
async def _owner(stage: Stage) -> AsyncIterator[tuple[Owner, asyncpg.Connection]]:
    async with stage.bed() as bed, aiohttp.ClientSession() as session:
        conn = await asyncpg.connect(bed.dsn)
        try:
            yield Owner(bed, session), conn
        finally:
            await conn.close()


async def publishing(stage: Stage) -> list[Line]:
    """Measure all of it."""
    async with _owner(stage) as (owner, conn):
        site = (await publish(owner.bed, {"index.html": b"<p>first</p>"}))["id"]
        await owner.p50(site)
        lines = [_limited("deploy of one page of 30 KiB (p50)", await owner.p50(site), 15, "ms")]
        lines += await _thousand(owner)
        lines += await _beside(owner, conn, site)
        return lines


async def _thousand(owner: Owner) -> list[Line]:
    files = {f"f{n:03}.txt": secrets.token_bytes(FILE) for n in range(FILES - 1)} | {"index.html": b"<p>all</p>"}
    site, sent, took = await owner.by_digest(None, files)
    assert sent == FILES
    lines = [_limited("1,000 files of 10 KiB by digest, end to end", took, 3, "s")]
    changed = files | {f"f{n:03}.txt": secrets.token_bytes(FILE) for n in (1, 2, 3)}
    _, sent, took = await owner.by_digest(site, changed)
    assert sent == 3
    return [*lines, _limited("the same with 3 changed: 3 are sent", took, 3, "s")]


async def _beside(owner: Owner, conn: asyncpg.Connection, site: str) -> list[Line]:
    """Take the median beside few and many versions, then beside few and many sites."""
    few = await owner.p50(site)
    await conn.execute(_VERSIONS, site, 10_000)
    await conn.execute(_PUBLICATIONS, site, 10_000)
    await conn.execute("ANALYZE")
    many = await owner.p50(site)
    lines = [_flat("deploy as version 10,000 / as version 10 of a site (p50)", many, few)]
    other = (await publish(owner.bed, {"index.html": b"<p>other</p>"}))["id"]
    figures = []
    for first, last in ((1, 100), (101, 100_000)):
        async with conn.transaction():
            for statement in (_ACCOUNTS, _SITES, _THEIR_VERSIONS):
                await conn.execute(statement, first, last)
        await conn.execute("VACUUM ANALYZE")
        figures.append(await owner.p50(other))
    return [*lines, _flat("deploy beside 100,000 sites / beside 100 (p50)", figures[1], figures[0])]


def _limited(name: str, measured: float, limit: float, unit: str) -> Line:
    return Line(
        name=name, ours=f"{measured:.2f} {unit}", bare="-", ratio=measured / limit,
        goal=f"<= {limit:g} {unit}", met=measured <= limit,
    )  # fmt: skip


def _flat(name: str, many: float, few: float) -> Line:
    ratio = many / few
    return Line(name=name, ours=f"{many:.2f} ms", bare=f"{few:.2f} ms", ratio=ratio, goal="<= 1.25", met=ratio <= 1.25)
