"""Answers fit a conversation, whatever is in them; a key is in none."""

import logging
from typing import Any

import pytest

from invoker_mcp.server import bounds
from invoker_mcp.server.failures import another
from invoker_mcp.server.redaction import Redacting, redacted

KEY = "inv_" + "a1B2" * 9


@pytest.mark.parametrize(
    "value",
    [
        "x" * 500_000,
        "語" * 100_000,
        [{"text": "x" * 3000}] * 100,
        {f"field {number}": "y" * 900 for number in range(1000)},
        {"deep": [{"deep": ["z" * 100_000] * 50}] * 50},
        {"x" * 100_000: 1},
    ],
    ids=["text", "wide", "rows", "fields", "deep", "name"],
)
def test_anything_is_made_to_fit(value: Any) -> None:
    assert bounds.size(bounds.fitting(value)) <= bounds.MOST_BYTES


def test_what_fits_is_left_as_it_is() -> None:
    value = {"a": ["b" * 1000, None, 3, True]}
    assert bounds.fitting(value) == value


async def test_a_page_that_is_too_large_is_asked_for_again_and_shorter() -> None:
    asked: list[int] = []

    async def fetch(limit: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        asked.append(limit)
        return [{"data": "x" * 5000}] * limit, {"next_cursor": f"after {limit}"}

    rows, rest = await bounds.page(fetch)
    assert bounds.size(rows) <= bounds.MOST_BYTES
    assert rest["next_cursor"] == f"after {len(rows)}"
    assert len(asked) == 2


async def test_one_row_that_is_too_large_is_cut() -> None:
    async def fetch(_limit: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return [{"data": {"message": "x" * 250_000}}], {}

    rows, _ = await bounds.page(fetch)
    assert "(250000 characters)" in rows[0]["data"]["message"]


def test_a_long_text_comes_whole_in_pieces() -> None:
    text, cursor, pieces = "語a" * 40_000, None, []
    while True:
        piece, cursor = bounds.piece(text, cursor)
        pieces.append(piece)
        if cursor is None:
            break
    assert "".join(pieces) == text
    assert max(map(bounds.size, pieces)) <= bounds.MOST_BYTES


def test_a_key_is_taken_out_of_values_names_and_logs() -> None:
    assert KEY not in str(redacted({"a": [f"x {KEY} y"], KEY: None}))
    record = logging.LogRecord("a", logging.ERROR, "a", 1, "said %s", (KEY,), None)
    assert Redacting("%(message)s").format(record) == "said inv_…"


@pytest.mark.parametrize(
    "slug,after",
    [("my-page", "my-page-2"), ("my-page-2", "my-page-3"), ("a" * 63, "a" * 60 + "-2"), ("2026", "2026-2")],
)
def test_another_slug_is_proposed(slug: str, after: str) -> None:
    assert another(slug) == after
