"""Keeps answers under 20,000 tokens, whatever the API gives."""

import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from invoker_mcp.server.tool import ToolError

#: A token is seldom less than two bytes and mostly three or four; the text beside the data has to fit too.
MOST_BYTES = 36_000
MOST_TEXT = 3_000
PAGE = 50
Fetch = Callable[[int], Awaitable[tuple[list[dict[str, Any]], dict[str, Any]]]]


def size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def shortened(value: Any, longest: int) -> Any:
    """Give the value with every long text cut, and lists and objects kept to as many members as a tenth of that."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}… ({len(value)} characters)"
    if isinstance(value, list):
        return [shortened(each, longest) for each in value[: max(longest // 10, 1)]]
    if isinstance(value, dict):
        kept = list(value.items())[: max(longest // 10, 1)]
        return {shortened(str(name), 200): shortened(held, longest) for name, held in kept}
    return value


def clipped(text: str) -> str:
    """Give the text beside the data, cut where what the API gave makes it long."""
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


def fitting(value: Any, most: int = MOST_BYTES) -> Any:
    """Give the value, cut as little as makes it fit."""
    longest = 20_000
    while size(value) > most and longest > 10:
        value, longest = shortened(value, longest), longest // 2
    return value


async def page(fetch: Fetch, limit: int = PAGE) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Fetch as long a page as fits: cursors of the API lead on from whole pages, so a shorter one is asked for."""
    while True:
        rows, rest = await fetch(limit)
        rows = rows[:limit]  # an API that gives more than was asked for is not read to its end
        if size(rows) <= MOST_BYTES:
            return rows, rest
        if limit == 1:
            return fitting(rows), rest
        limit = max(1, limit * MOST_BYTES // (size(rows) * 2))


def slice_of(rows: list[Any], cursor: str | None) -> tuple[list[Any], str | None]:
    """Give as many rows of a list that is wholly here as fit, and where to go on."""
    start = position(cursor)
    sizes = itertools.accumulate(size(row) for row in rows[start:])
    count = max(1, sum(1 for total in sizes if total <= MOST_BYTES))
    end = start + count
    return [fitting(row) for row in rows[start:end]], str(end) if end < len(rows) else None


def piece(text: str, cursor: str | None, longest: int = 30_000) -> tuple[str, str | None]:
    """Give as much of a text as fits, and where to go on."""
    start = position(cursor)
    end = min(len(text), start + longest)
    while size(text[start:end]) > MOST_BYTES:
        end = start + (end - start) // 2
    return text[start:end], str(end) if end < len(text) else None


def position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise ToolError("This cursor is not one of this tool", "Take next_cursor of its last answer, or omit it.")
    return int(cursor)
