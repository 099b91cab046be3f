"""Submissions while they arrive: server-sent events, or looking every few seconds where a stream gets not through."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from invoker_mcp.api import Api, rows
from invoker_mcp.errors import ApiError, Unreachable

#: One submission is at most 256 KiB of text.
LONGEST_EVENT = 4 * 1024 * 1024
LOOK_AGAIN = 3.0
#: As many as a stream tells of after a break.
REMEMBERED = 400

Row = dict[str, Any]


async def follow(api: Api, site: str, *, status: str = "accepted") -> AsyncIterator[Row]:
    """Give each submission once, from now on and for ever. What the API refuses ends it."""
    newest = await _page(api, site, status)
    seen = deque((row["id"] for row in reversed(newest)), maxlen=REMEMBERED)
    streaming = True
    while True:
        events = _stream(api, site, status, seen[-1] if seen else None) if streaming else _news(api, site, status, seen)
        try:
            async for row in events:
                if row["id"] not in seen:
                    seen.append(row["id"])
                    yield row
        except Unreachable:
            pass  # the network went away: it comes back
        except ApiError as error:
            if error.status in {404, 405, 406, 429} and streaming:
                streaming = False  # no streams here, or too many of them
                continue
            if error.status not in {429, 502, 503, 504}:
                raise
        await asyncio.sleep(0.5 if streaming else LOOK_AGAIN)


async def _page(api: Api, site: str, status: str) -> list[Row]:
    found = rows(await api.get(f"/submissions/{site}", params={"status": status, "limit": 200}), "submissions")
    return [row for row in found if isinstance(row.get("id"), str)]


async def _news(api: Api, site: str, status: str, seen: deque[str]) -> AsyncIterator[Row]:
    for row in reversed(await _page(api, site, status)):
        if row["id"] not in seen:
            yield row


async def _stream(api: Api, site: str, status: str, last: str | None) -> AsyncIterator[Row]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    path, params = f"/submissions/{site}/events", {"status": status}
    async with api.stream("GET", path, params=params, headers=headers) as response:
        buffer = b""
        async for part in response.aiter_raw():
            *events, buffer = (buffer + part).replace(b"\r\n", b"\n").split(b"\n\n")
            if len(buffer) > LONGEST_EVENT:
                raise Unreachable("An event has no end")
            for event in events:
                row = _event(event)
                if row is not None:
                    yield row


def _event(raw: bytes) -> Row | None:
    """Return the row of an event; None for comments, and for what is no submission."""
    lines = raw.decode("utf-8", "replace").split("\n")
    data = "\n".join(line.removeprefix("data:").removeprefix(" ") for line in lines if line.startswith("data:"))
    try:
        row = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get("id"), str) else None
