"""Keeps answers under 20,000 tokens, whatever the API gives."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

#: A token is seldom less than two bytes and mostly three or four; the text beside the data has to fit too.
MOST_BYTES = 36_000
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
        if size(rows) <= MOST_BYTES:
            return rows, rest
        if limit == 1:
            return fitting(rows), rest
        limit = max(1, limit * MOST_BYTES // (size(rows) * 2))
