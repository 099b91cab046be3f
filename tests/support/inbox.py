"""What a site's inbox has in tests: submissions written into the tables, and streams that are read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson

from services.deploy import submissions, words
from services.deploy.submissions import Arrival, Submission
from shared import db, ids
from tests.support.deploying import Deploy
from tests.support.eventually import PATIENCE
from tests.support.publishing import fetch

#: Many at once, as words and ledgers are none of their test's business.
_MANY = """
    INSERT INTO submissions (id, deployment_id, form, status, data, version, created_at, words)
    SELECT 'sub_' || $1::text || lpad(i::text, 10, '0'), $2, $3, $4, json_build_object('n', i, 'text', $5::text), 1,
           now() - i * interval '1 second',
           array_to_tsvector(array_remove(ARRAY[$2, 'hello', 'n' || i, '=' || $3], NULL))
    FROM generate_series(1, $6::int) i
"""


async def add(deploy: Deploy, site: dict[str, Any], *data: dict[str, Any], **given: Any) -> list[str]:
    """Write submissions as intake does, a second apart, the last one now; return their ids."""
    names = [ids.new_id("sub") for _ in data]
    now = given.pop("created_at", datetime.now(UTC))
    arrivals = [
        Arrival(
            submission=Submission(
                **{
                    "id": name, "deployment_id": site["id"], "form": None, "status": "accepted", "version": 1,
                    "data": each, "created_at": now - timedelta(seconds=len(data) - 1 - number), **given,
                }
            ),
            words=words.of(site["id"], given.get("form"), words.texts(each)),
            ledger_form=given.get("form") or "",
            new_fields=list(each),
        )
        for number, (name, each) in enumerate(zip(names, data, strict=True))
    ]  # fmt: skip
    async with db.pool(deploy.database_url, "deploy", size=1) as pool, db.acquire(pool) as conn:
        await submissions.add_all(conn, arrivals)
    return names


async def add_many(
    deploy: Deploy, site: dict[str, Any], count: int, *, form: str | None = None, status: str = "accepted",
    text: str = "hello",
) -> None:  # fmt: skip
    """Write many small submissions, a second apart, the newest a second ago."""
    await fetch(deploy, _MANY, ids.random_base62(6), site["id"], form, status, text, count)


def url(site: dict[str, Any], *rest: str) -> str:
    """Return the path of a site's submissions, or of something below them."""
    return "/".join([f"/submissions/{site['id']}", *rest])


class Stream:
    """A client of a stream of events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> dict[str, str]:
        """Return the next event, field by field; a comment is under the empty name. Raise EOFError at the end."""
        lines: list[str] = []
        while (raw := await self.response.content.readline()) != b"\n":
            if not raw:
                raise EOFError
            lines.append(raw.decode().rstrip("\n"))
        return {line.partition(":")[0]: line.partition(":")[2].strip() for line in lines}

    async def next(self) -> Any:
        """Return the next submission."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.block()
                if event.get("event") == "submission":
                    row = orjson.loads(event["data"])
                    assert event["id"] == row["id"]
                    return row

    async def ended(self) -> list[dict[str, str]]:
        """Wait for the end; return what came before it."""
        seen: list[dict[str, str]] = []
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    seen.append(await self.block())
            except EOFError:
                return seen


@asynccontextmanager
async def stream(
    deploy: Deploy, site: dict[str, Any], key: str, query: str = "", *, last: str | None = None
) -> AsyncIterator[Stream]:
    """Open a stream, and give it once it is told what arrives."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": last} if last else {})
    # a connection of its own: it is closed in the middle
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{deploy.url}{url(site, 'events')}{query}", headers=headers) as response,
    ):
        yield Stream(response)


def names(listed: dict[str, Any]) -> Sequence[str]:
    """Return the ids of a list's rows."""
    return [row["id"] for row in listed["submissions"]]
