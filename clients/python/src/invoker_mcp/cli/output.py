"""What the person sees: results on stdout – for people, for programs as JSON –, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn

if TYPE_CHECKING:
    from rich.console import Console


def clean(value: object) -> str:
    """Return what came from elsewhere as one line that cannot steer a terminal."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else "�" if sign not in "\r\n\t" else " " for sign in text)


class Output:
    """The two streams; colours only on a terminal, and not where NO_COLOR is set."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def out(self) -> "Console":
        return _console(stderr=False)

    @property
    def err(self) -> "Console":
        return _console(stderr=True)

    def result(self, data: Any, *lines: str) -> None:
        """Print a result: all of it as JSON, or these lines."""
        if self.as_json:
            self.json(data)
        else:
            for line in lines:
                _write(clean(line))

    def json(self, data: Any, *, indent: int | None = 2) -> None:
        # Escaped, so that no letter of it can steer a terminal.
        _write(json.dumps(data, indent=indent, ensure_ascii=not _speaks_utf8()).translate(CONTROL))

    def table(self, data: Any, head: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
        """Print a list: as a table on a terminal, else a line a row with tabs between, nothing cut off."""
        cells = [[clean(cell) for cell in row] for row in rows]
        if self.as_json:
            self.json(data)
        elif not cells:
            self.note(empty)
        elif not sys.stdout.isatty():
            for row in cells:
                _write("\t".join(row))
        else:
            self._drawn(head, cells)

    def _drawn(self, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name in head:
            table.add_column(name, overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        self.out.print(table)

    def note(self, text: str, style: str = "") -> None:
        """Say something that is no result."""
        from rich.text import Text

        self.err.print(Text(clean(text), style=style), soft_wrap=True)

    def failure(self, error: ClientError) -> None:
        """Say what went wrong, what to do about it, and which request it was."""
        if self.as_json:
            sys.stderr.write(json.dumps(failure_object(error)) + "\n")
            return
        self.note(f"Error: {error.message or 'it did not work'}", style="bold red")
        if error.hint:
            self.note(error.hint)
        if isinstance(error, ApiError) and error.retry_after:
            self.note(f"Try again in {error.retry_after:.0f} s.")
        if error.request_id:
            self.note(f"Request: {error.request_id}", style="dim")


def failure_object(error: ClientError) -> dict[str, Any]:
    """Return an error for programs, in the API's own shape."""
    said: dict[str, Any] = {"error": error.message, "code": _code(error), "hint": error.hint}
    said["request_id"] = error.request_id
    if isinstance(error, ApiError):
        said |= {"status": error.status, "retry_after": error.retry_after}
    return said


def moment(value: object) -> str:
    """Return an RFC 3339 time as people read it."""
    return clean(value).replace("T", " ")[:16] if isinstance(value, str) else "never"


def size(count: object) -> str:
    """Return a number of bytes as people say it."""
    left = float(count) if isinstance(count, int | float) else 0.0
    for unit in ("B", "KiB", "MiB"):
        if left < 1024:
            return f"{left:.0f} {unit}" if unit == "B" else f"{left:.1f} {unit}"
        left /= 1024
    return f"{left:.1f} GiB"


def warnings(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the findings of the checks before publishing, a line each."""
    return [f"Warning: {row.get('message')}" for row in found]


#: What `json` leaves as it is and a terminal does not.
_STEERING = (range(0x7F, 0xA0), range(0x200E, 0x2010), range(0x2028, 0x202F), range(0x2066, 0x206A))
CONTROL = {number: f"\\u{number:04x}" for numbers in _STEERING for number in numbers}


def _code(error: ClientError) -> str:
    if isinstance(error, ApiError):
        return error.code or "refused"
    return "not_logged_in" if isinstance(error, NotLoggedIn) else type(error).__name__.lower()


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _write(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
