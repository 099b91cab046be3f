"""The lines of `_redirects` and `_headers`: what is wrong with one is said with its number. Pure functions."""

import re
import unicodedata
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from shared.errors import Invalid

MAX_RULES: Final = 500
#: Bytes.
MAX_LINE: Final = 1000
#: Wrong lines that are told at once.
MAX_PROBLEMS: Final = 10
CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\\]")


class Problem(NamedTuple):
    """A line that is wrong, and what to write instead."""

    file: str
    line: int
    message: str


class BadRules(Invalid):
    """A line of `_redirects` or `_headers` is wrong; nothing was published."""

    code = "bad_rules"

    def __init__(self, problems: list[Problem]) -> None:
        first, more = problems[0], len(problems) - 1
        super().__init__(
            f"{first.file} line {first.line}: {first.message}" + (f" ({more} more are wrong)" if more else ""),
            hint="Nothing was published. Correct the lines in 'problems', or leave the file out.",
            details={"problems": [problem._asdict() for problem in problems]},
        )


class Wrong(Exception):
    """What is wrong with the line being read."""


@dataclass(slots=True)
class Reader:
    """Reads one file line by line, and goes on behind what is wrong."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def lines(self, raw: bytes) -> Iterator[tuple[int, str]]:
        """Yield what is no comment and not empty, with its number."""
        for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
            if len(self.problems) >= MAX_PROBLEMS:
                return
            if len(line) > MAX_LINE:
                self.wrong(number, f"is longer than {MAX_LINE} bytes; make it shorter")
                continue
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self.wrong(number, "is not UTF-8; save the file as UTF-8")
                continue
            if text.strip() and not text.lstrip().startswith("#"):
                yield number, text

    def wrong(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.file, line, message))


def decoded(text: str) -> str:
    path = urllib.parse.unquote(text)
    if CONTROL.search(path) or "\t" in path or "�" in path:
        raise Wrong("has an escape of a control character, a backslash or no UTF-8; take it out")
    if any(part in {".", ".."} for part in path.split("/")):
        raise Wrong("has a part '.' or '..'; write the path that is meant")
    return unicodedata.normalize("NFC", path)


def shown(text: str) -> str:
    return "".join(char for char in text[:60] if char.isprintable()) + ("…" if len(text) > 60 else "")
