"""Submissions as a spreadsheet reads them: RFC 4180, and no cell that it would run (R87). Pure functions.

Texts are as they were sent; numbers, truth values, lists and objects are JSON; what was not sent is empty. A cell or a
header that begins with `=`, `+`, `-`, `@`, a tab or a carriage return, after any number of `'`, has one `'` more in
front: who takes one away from such a cell has what was stored.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from services.deploy.received import Received
from shared import http

#: The columns of every sheet.
FIXED: Final = ("id", "created_at", "form", "status")
#: What no column of its own was known for, as JSON: no field's name begins with `_`.
OTHER: Final = "_other"

_TRIGGER: Final = re.compile(r"'*[=+\-@\t\r]")
#: What such a cell begins with: one look for nearly every cell.
_FIRST: Final = frozenset("'=+-@\t\r")


class Sheet:
    """Writes rows; the names are those of the fields that have a column, in order."""

    def __init__(self, names: Sequence[str], *, other: bool = False) -> None:
        self._names = names
        self._known = frozenset(names)
        self._other = other
        self._out = io.StringIO()
        self._writer = csv.writer(self._out, lineterminator="\r\n")

    def header(self) -> bytes:
        """Return the first line."""
        taken = {*FIXED, *self._names}
        own = [_renamed(name, taken) if name in FIXED else name for name in self._names]
        return self._write([[safe(name) for name in (*FIXED, *own, *([OTHER] if self._other else ()))]])

    def rows(self, given: Iterable[Received]) -> bytes:
        """Return lines."""
        return self._write(map(self._row, given))

    def _row(self, given: Received) -> list[str]:
        data: dict[str, Any] = orjson.loads(given.data)
        if given.files:
            data = _with_files(data, given.files)
        cells = [given.id, http.timestamp(given.created_at) or "", safe(given.form or ""), given.status]
        for name in self._names:
            value = data.get(name)
            if value is None:
                cells.append("")
                continue
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            cells.append(safe(text) if text and text[0] in _FIRST else text)
        if self._other:
            others = {name: value for name, value in data.items() if name not in self._known}
            cells.append(orjson.dumps(others).decode() if others else "")
        return cells

    def _write(self, rows: Iterable[Sequence[str]]) -> bytes:
        self._writer.writerows(rows)
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text.encode()


def safe(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if _TRIGGER.match(text) else text


def _renamed(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"data.{name}"
    return name


def _with_files(data: dict[str, Any], files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return data in which a field that had files has their names, unless it has a value of its own."""
    named: dict[str, list[str]] = {}
    for file in files:
        named.setdefault(file["field"], []).append(file["name"])
    return {name: names[0] if len(names) == 1 else names for name, names in named.items()} | data
