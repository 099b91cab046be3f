"""Submissions as one file to keep, made while it is sent: in pages, with no connection held between them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Final, Literal

import orjson

from services.deploy import contracts
from services.deploy.received import Received, show
from services.deploy.service.telling import Telling
from services.deploy.sheets import Sheet
from services.deploy.store import inbox
from services.deploy.store.inbox import Filter, Place
from shared import db, http
from shared.auth_client import Caller

#: Bytes of data in one page, give or take a submission, and the fewest and most rows that it is asked for.
PAGE: Final = http.MIB
FEWEST: Final = 16
MOST: Final = 2000
#: Rows that are written at a time: others have their turn in between.
SLICE: Final = 100
#: Fields that have a column of their own, and how many there are from which on some may not have been noted.
MAX_FIELDS: Final = 1000
MANY_FIELDS: Final = 500

Format = Literal["csv", "json", "ndjson"]
Pieces = AsyncGenerator[bytes, None]


class Downloads:
    """Writes submissions as CSV, JSON or NDJSON; one per process."""

    def __init__(self, pool: db.Pool, telling: Telling, api_url: str) -> None:
        self._pool = pool
        self._telling = telling
        self._api_url = api_url

    async def open(self, caller: Caller, given: Filter, kind: Format) -> tuple[str, Pieces]:
        """Return the site's slug, and its submissions in pieces, newest first. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            slug = await self._telling.owned(conn, caller, given.deployment_id)
        if kind == "csv":
            return slug, self._csv(given)
        base = f"{self._api_url}/submissions/{given.deployment_id}"
        if kind == "json":
            return slug, self._json(given, base)
        return slug, _pieces(self._pages(given), lambda rows: _lines(rows, base))

    async def _csv(self, given: Filter) -> Pieces:
        async with db.acquire(self._pool) as conn:
            contract, answered = await inbox.answered(conn, given.deployment_id, given.form, MAX_FIELDS)
        names = [column.name for column in contracts.columns(contract, answered, given.form)]
        sheet = Sheet(names, other=len(answered) >= MANY_FIELDS)
        yield sheet.header()
        async with aclosing(_pieces(self._pages(given), sheet.rows)) as pieces:
            async for piece in pieces:
                yield piece

    async def _json(self, given: Filter, base: str) -> Pieces:
        separator = b"["
        async with aclosing(_pieces(self._pages(given), lambda rows: _inside(rows, base))) as pieces:
            async for piece in pieces:
                yield separator + piece
                separator = b","
        yield b"]" if separator == b"," else b"[]"

    async def _pages(self, given: Filter) -> AsyncGenerator[Sequence[Received], None]:
        place: Place | None = None
        limit = FEWEST
        while True:
            async with db.acquire(self._pool) as conn:
                rows = await inbox.read_page(conn, given, limit=limit, size=PAGE, before=place)
            if rows:
                yield rows
                place = (rows[-1].created_at, rows[-1].id)
            if len(rows) < limit and sum(len(row.data) for row in rows) < PAGE:
                return
            limit = min(MOST, max(FEWEST, 2 * len(rows)))


async def _pieces(
    pages: AsyncGenerator[Sequence[Received], None], write: Callable[[Sequence[Received]], bytes]
) -> Pieces:
    async with aclosing(pages):
        async for page in pages:
            for start in range(0, len(page), SLICE):
                yield write(page[start : start + SLICE])
                await asyncio.sleep(0)


def _inside(rows: Iterable[Received], base: str) -> bytes:
    """Return rows as the inside of a JSON array."""
    return orjson.dumps([show(row, base) for row in rows])[1:-1]


def _lines(rows: Iterable[Received], base: str) -> bytes:
    # in JSON a line ends between values alone
    return b"".join(orjson.dumps(show(row, base)).translate(None, b"\r\n") + b"\n" for row in rows)
