"""R87: a spreadsheet shows what was sent, and runs none of it."""

import csv
import io
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from services.deploy.received import Received
from services.deploy.sheets import Sheet, safe

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRIGGERS = "=+-@\t\r"


def received(data: dict[str, Any], **given: Any) -> Received:
    facts: dict[str, Any] = {
        "id": "sub_0000000000000000", "form": None, "status": "accepted", "created_at": NOW, "version": 1,
        "files": None, "read_at": None, "unknown_fields": None, "problems": None, "spam_reason": None,
    }  # fmt: skip
    return Received(data=json.dumps(data), **(facts | given))


def parse(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline=""), strict=True))


def stored(cell: str) -> str:
    """Take away what was put in front, as the description says it."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'")[:1] in {*TRIGGERS} and cell.lstrip("'") else cell


def fuzzed(rng: random.Random) -> str:
    """Return a text of what makes trouble in spreadsheets and CSV."""
    parts = [*TRIGGERS, "'", '"', ",", ";", "\n", "\r\n", " ", "a", "ü", "|calc", "=1+1", "\u2028", "＝", ""]
    return "".join(rng.choice(parts) for _ in range(rng.randrange(8)))


def test_r87_ten_thousand_fuzzed_rows_come_back_as_stored_and_no_cell_is_run() -> None:
    """R87, headers too."""
    rng = random.Random(87)
    fields = ["name", *sorted({fuzzed(rng) for _ in range(5)} - {""})]
    given = [{name: fuzzed(rng) for name in fields} for _ in range(10_000)]
    sheet = Sheet(fields)
    raw = sheet.header() + sheet.rows(received(row, form=fuzzed(rng)) for row in given)
    header, *rows = parse(raw)
    assert not [cell for row in (header, *rows) for cell in row if cell[:1] in {*TRIGGERS} and cell]
    assert [stored(cell) for cell in header] == ["id", "created_at", "form", "status", *fields]
    assert [[stored(cell) for cell in row[4:]] for row in rows] == [list(row.values()) for row in given]


@pytest.mark.parametrize(
    "text, cell",
    [
        ("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("'=1", "''=1"),
        ("''-", "'''-"), ("'x", "'x"), ("'", "'"), ("", ""), (" =1", " =1"), ("x=1", "x=1"), ("''", "''"),
    ],
)  # fmt: skip
def test_r87_what_a_spreadsheet_would_run_has_an_apostrophe_in_front(text: str, cell: str) -> None:
    """R87."""
    assert safe(text) == cell
    assert stored(cell) == text


def test_values_that_are_no_text_are_json() -> None:
    data = {"n": -1.5, "t": True, "no": None, "list": ["a", "b, c"], "deep": {"x": [1]}, "text": "a, b"}
    _, row = parse((sheet := Sheet(list(data))).header() + sheet.rows([received(data)]))
    assert row[4:] == ["'-1.5", "true", "", '["a","b, c"]', '{"x":[1]}', "a, b"]


def test_files_are_their_names_in_their_field() -> None:
    files = [{"field": field, "name": name} for field, name in (("cv", "=a.pdf"), ("more", "b"), ("more", "c"))]
    sheet = Sheet(["name", "cv", "more"])
    _, row = parse(sheet.header() + sheet.rows([received({"name": "Ada"}, files=files)]))
    assert row[4:] == ["Ada", "'=a.pdf", '["b","c"]']


def test_a_field_called_like_a_fixed_column_has_a_name_of_its_own() -> None:
    sheet = Sheet(["id", "status", "data.id", "name"])
    header, row = parse(
        sheet.header() + sheet.rows([received({"id": "1", "status": "2", "data.id": "3", "name": "4"})])
    )
    assert header == ["id", "created_at", "form", "status", "data.data.id", "data.status", "data.id", "name"]
    assert row[4:] == ["1", "2", "3", "4"]


def test_what_has_no_column_is_in_the_last_one() -> None:
    sheet = Sheet(["a"], other=True)
    header, first, second = parse(sheet.header() + sheet.rows([received({"a": "1", "b": "=2"}), received({"a": "3"})]))
    assert (header[4:], first[4:], second[4:]) == (["a", "_other"], ["1", '{"b":"=2"}'], ["3", ""])


def test_lines_end_as_the_rfc_says() -> None:
    sheet = Sheet(["a"])
    assert sheet.header() == b"id,created_at,form,status,a\r\n"
    assert sheet.rows([received({"a": 'x"y'})]) == (
        b'sub_0000000000000000,2026-03-01T12:00:00.000Z,,accepted,"x""y"\r\n'
    )
