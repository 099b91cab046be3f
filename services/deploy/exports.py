"""An account's sites as one JSON array, made row by row: each with its versions and what its forms received.

Every page of rows is read on a connection lent for one statement, so that a slow reader holds none. It is no snapshot:
what changes meanwhile is there as it was when its turn came.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any, Final

import asyncpg
import orjson

from services.deploy import holdings
from services.deploy.holdings import Place
from shared import db, http

#: Rows of one statement; a submission has up to 256 KiB.
ROWS: Final = 32

#: Reads at most so many rows behind a place.
Read = Callable[[db.Connection, Place, int], Awaitable[Sequence[asyncpg.Record]]]
Rows = AsyncGenerator[dict[str, Any], None]
#: JSON in pieces.
Pieces = AsyncGenerator[bytes, None]


async def sites(pool: db.Pool, account_id: str, site_url: Callable[[str], str]) -> Pieces:
    """Yield the array in pieces. Raise Unavailable."""
    separator = b"["
    async with aclosing(_rows(pool, partial(holdings.sites, account_id=account_id))) as found:
        async for site in found:
            facts = orjson.dumps(site | {"url": site_url(site["slug"])})
            yield separator + facts[:-1]
            for name, rows in _of_a_site(pool, site["id"]):
                yield b',"%s":[' % name.encode()
                async for piece in _list(rows):
                    yield piece
                yield b"]"
            yield b"}"
            separator = b","
    yield b"]" if separator == b"," else b"[]"


def _of_a_site(pool: db.Pool, deployment_id: str) -> Iterator[tuple[str, Rows]]:
    """Yield the lists that a site has, by name."""
    yield "versions", _rows(pool, partial(holdings.versions, deployment_id=deployment_id))
    yield "submissions", _submissions(pool, deployment_id)
    yield "recipients", _rows(pool, partial(holdings.recipients, deployment_id=deployment_id))
    yield "webhooks", _rows(pool, partial(holdings.webhooks, deployment_id=deployment_id))


async def _submissions(pool: db.Pool, deployment_id: str) -> Rows:
    for status in holdings.STATUSES:
        async for row in _rows(pool, partial(holdings.submissions, deployment_id=deployment_id, status=status)):
            yield row


async def _rows(pool: db.Pool, read: Read) -> Rows:
    place: Place = None
    while True:
        async with db.acquire(pool) as conn:
            rows = await read(conn, place, ROWS)
        for row in rows:
            yield {name: _plain(value) for name, value in row.items()}
        if len(rows) < ROWS:
            return
        place = (rows[-1]["created_at"], rows[-1][0])


def _plain(value: Any) -> Any:
    return http.timestamp(value) if isinstance(value, datetime) else value


async def _list(rows: Rows) -> AsyncGenerator[bytes, None]:
    """Yield rows as the inside of a JSON array."""
    separator = b""
    async for row in rows:
        yield separator + orjson.dumps(row)
        separator = b","
