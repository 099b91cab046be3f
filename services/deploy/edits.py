"""Small changes to text files: what stands exactly once is replaced. Pure functions."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import Conflict

#: Lines of the page that an error shows, and characters of each.
_SHOWN: Final = 6
_WIDTH: Final = 160
#: Characters of a file in which a similar place is looked for: beyond, an error shows none.
_COMPARED: Final = 200_000


class EditNotUnique(Conflict):
    """What an edit looks for is not in the file exactly once."""

    code = "edit_not_unique"

    def __init__(self, edit: "Edit", count: int, diff: str = "") -> None:
        there = f"{count} times" if count else "nowhere"
        hint = "Take more of the text around it, so that it stands there once." if count else (
            "Nothing was changed. 'diff' shows the most similar place; - is what you sent, + is what is there."
            if diff else "Nothing was changed. Read the file as it is now and try again."
        )  # fmt: skip
        details: dict[str, Any] = {"path": edit.path, "count": count}
        if diff:
            details["diff"] = diff
        super().__init__(f"The text to find is {there} in {edit.path!r}", hint=hint, details=details)


class FileNotThere(EditNotUnique):
    """The live version has no file of this path."""

    def __init__(self, edit: "Edit") -> None:
        super().__init__(edit, 0)
        self.message = f"The live version has no file {edit.path!r}"
        self.hint = "Nothing was changed. Correct the path; new files are sent with PUT."


class NotText(Conflict):
    """The file has no text that could be changed."""

    code = "not_text"
    hint = "Send the whole file with PUT instead."


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace, in a file, the one place where `find` stands."""

    path: str
    find: str
    replace: str


def apply(files: Mapping[str, bytes], edits: Iterable[Edit]) -> dict[str, bytes]:
    """Return the changed files; edits of one file build on each other. Raise EditNotUnique, NotText: all or none."""
    texts: dict[str, str] = {}
    for edit in edits:
        if (text := texts.get(edit.path)) is None:
            if edit.path not in files:
                raise FileNotThere(edit)
            text = _decode(edit.path, files[edit.path])
        if (count := count_of(text, edit.find)) != 1:
            raise EditNotUnique(edit, count, "" if count else nearest(text, edit.find))
        texts[edit.path] = text.replace(edit.find, edit.replace)
    return {path: text.encode() for path, text in texts.items()}


def count_of(text: str, find: str) -> int:
    """Count the places where `find` stands, those that overlap too."""
    count, at = 0, text.find(find)
    while at >= 0:
        count, at = count + 1, text.find(find, at + 1)
    return count


def nearest(text: str, find: str) -> str:
    """Return a short diff between what was looked for and the most similar place; "" when nothing is similar."""
    wanted, lines = find.splitlines()[:_SHOWN], text.splitlines()
    if not wanted or len(text) > _COMPARED:
        return ""
    key = max(wanted, key=lambda line: len(line.strip()))
    close = difflib.get_close_matches(key.strip()[:_WIDTH], [line.strip()[:_WIDTH] for line in lines], n=1, cutoff=0.5)
    if not close:
        # the page may be one long line
        return _within(text, key.strip()[:_WIDTH])
    at = next(number for number, line in enumerate(lines) if line.strip()[:_WIDTH] == close[0])
    start = max(0, at - wanted.index(key))
    return _diff(wanted, lines[start : start + len(wanted)])


def _within(text: str, wanted: str) -> str:
    """Return a diff to the part of a long line that has most of `wanted` in one piece."""
    found = difflib.SequenceMatcher(None, text, wanted, autojunk=False).find_longest_match()
    if found.size < max(4, len(wanted) // 3):
        return ""
    start = max(0, found.a - found.b)
    return _diff([wanted], text[start : start + len(wanted)].splitlines()[:_SHOWN])


def _diff(wanted: list[str], there: list[str]) -> str:
    lines = difflib.unified_diff([_cut(line) for line in wanted], [_cut(line) for line in there], lineterm="", n=1)
    return "\n".join([*lines][2:])


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[:_WIDTH] + "…"


def _decode(path: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NotText(f"The file {path!r} is not text in UTF-8") from None
