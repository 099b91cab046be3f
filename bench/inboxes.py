"""What an owner reads: the list of a site with a million submissions, and an export of a hundred thousand."""

import time
from statistics import median
from typing import Final

import aiohttp
import asyncpg
import psutil

from bench.publishing import publish
from bench.stage import Bed, Line, Stage, compare

#: Submissions of the sites.
FEW: Final = 1_000
MANY: Final = 1_000_000
EXPORTED: Final = 100_000
#: Lists of one round.
LISTS: Final = 10

_ROWS: Final = """
    INSERT INTO deploy.submissions (id, deployment_id, form, status, data, version, created_at, words)
    SELECT 'sub_' || left(md5($1 || n), 20), $1, NULL, 'accepted',
           json_build_object('email', 'visitor-' || n || '@example.com', 'message', 'I would like to hear more'),
           1, now() - n * interval '1 second',
           array_to_tsvector(ARRAY[$1, 'visitor', n::text, 'example', 'com', 'would', 'like', 'hear', 'more'])
    FROM generate_series($2::int, $3::int) n
"""


async def _fill(conn: asyncpg.Connection, site: str, count: int) -> None:
    step = 50_000
    for first in range(1, count + 1, step):
        await conn.execute(_ROWS, site, first, min(first + step - 1, count), timeout=120)
    await conn.execute(
        "INSERT INTO deploy.form_fields (deployment_id, form, name) VALUES ($1, '', 'email'), ($1, '', 'message')"
        " ON CONFLICT DO NOTHING", site,
    )  # fmt: skip


def _mib(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


class _Owner:
    def __init__(self, bed: Bed, session: aiohttp.ClientSession) -> None:
        self._bed, self._session = bed, session
        self._headers = {"Authorization": f"Bearer {bed.key}", "Host": "localhost:8080"}

    async def lists(self, site: str, query: str = "") -> float:
        """Return the median milliseconds of a list of 50."""
        times = []
        for _ in range(LISTS):
            began = time.perf_counter()
            url = f"{self._bed.system.deploy.url}/submissions/{site}?limit=50{query}"
            async with self._session.get(url, headers=self._headers) as answer:
                assert answer.status == 200, await answer.text()
                assert len((await answer.json())["submissions"]) == 50
            times.append((time.perf_counter() - began) * 1000)
        return median(times)

    async def export(self, site: str, form: str) -> tuple[float, float]:
        """Return rows a second of a whole export, and by how many MiB the service's memory grew meanwhile."""
        process = psutil.Process(self._bed.system.deploy.pid)
        before, most, lines = _mib(process), 0.0, 0
        began = time.perf_counter()
        url = f"{self._bed.system.deploy.url}/submissions/{site}/export?format={form}"
        async with self._session.get(url, headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            async for piece in answer.content.iter_any():
                lines += piece.count(b"visitor-")
                most = max(most, _mib(process))
        assert lines == EXPORTED, lines
        return lines / (time.perf_counter() - began), most - before


async def inboxes(stage: Stage) -> list[Line]:
    """Measure lists in turns, then exports."""
    async with stage.bed() as bed, aiohttp.ClientSession() as session:
        few, many, exported = [(await publish(bed, {"index.html": b"<p>form</p>"}))["id"] for _ in range(3)]
        conn = await asyncpg.connect(bed.dsn)
        for site, count in ((few, FEW), (many, MANY), (exported, EXPORTED)):
            await _fill(conn, site, count)
        await conn.execute("VACUUM ANALYZE deploy.submissions", timeout=300)
        await conn.close()
        owner = _Owner(bed, session)
        lines = []
        for name, query in (("", ""), (" that have a common word", "&q=hear")):
            ours, bare, ratio = await compare(lambda q=query: owner.lists(many, q), lambda q=query: owner.lists(few, q))  # type: ignore[misc]
            lines.append(
                Line(
                    name=f"list of 50{name} from 1,000,000 submissions / from 1,000",
                    ours=f"{ours:.1f} ms",
                    bare=f"{bare:.1f} ms",
                    ratio=ratio,
                    goal="none" if query else "<= 1.30",
                    met=bool(query) or ratio <= 1.3,
                )
            )
        for form in ("csv", "json", "ndjson"):
            await owner.export(exported, form)
            rates = [await owner.export(exported, form) for _ in range(3)]
            lines += _exported(form, median(rate for rate, _ in rates), max(grown for _, grown in rates))
    return lines


def _exported(form: str, rate: float, grown: float) -> list[Line]:
    return [
        Line(
            name=f"export of 100,000 submissions as {form} (rows/s)", ours=f"{rate:.0f}", bare="-",
            ratio=rate / 20_000, goal=">= 20000", met=rate >= 20_000,
        ),
        Line(
            name=f"memory meanwhile, {form}", ours=f"{grown:.0f} MiB", bare="-", ratio=grown / 30,
            goal="<= 30 MiB", met=grown <= 30,
        ),
    ]  # fmt: skip
