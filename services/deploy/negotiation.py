"""What HTTP lets a visitor ask for of a file: a coding, a part, or only what it has not yet (RFC 9110). Pure."""

import re
from functools import lru_cache
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_WEIGHT: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
#: Codings that the store has, the smaller one first.
CODINGS: Final = ("br", "gzip")


class Unsatisfiable(Exception):
    """The file has no byte of the part that was asked for."""


@lru_cache(512)
def codings(accepted: str) -> tuple[str, ...]:
    """Return the codings that an Accept-Encoding prefers to the bytes as they are, the best one first (12.5.3).

    Those that weigh the same come in the order of `CODINGS`.
    """
    weights: dict[str, float] = {}
    for entry in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        weights.setdefault({"x-gzip": "gzip"}.get(coding, coding), _weight(parameters))
    others = weights.get("*", 0.0)
    plain = weights.get("identity", 0.0)
    rated = [(weights.get(coding, others), coding) for coding in CODINGS]
    # sorting is stable
    return tuple(coding for weight, coding in sorted(rated, key=lambda r: -r[0]) if weight > 0 and weight >= plain)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        # one that cannot be read is no wish for anything
        return float(found[1]) if (found := _WEIGHT.fullmatch(parameter)) else 0.0
    return 1.0


def matches(tags: str, etag: str) -> bool:
    """Tell whether an If-None-Match names the tag, by weak comparison (13.1.2)."""
    return tags == etag or tags.strip() == "*" or any(tag.strip().removeprefix("W/") == etag for tag in tags.split(","))


def matches_strongly(tags: str, etag: str) -> bool:
    """Tell whether an If-Match names the tag, by strong comparison (13.1.1)."""
    return tags.strip() == "*" or any(tag.strip() == etag for tag in tags.split(","))


def part(wanted: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of the part that a Range asks for (14.1.2).

    None stands for the whole file: another unit, several parts, or what is no range at all. Raise Unsatisfiable.
    """
    found = _RANGE.fullmatch(wanted)
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        if (count := _number(found[2])) == 0:
            raise Unsatisfiable
        # an empty file has its last bytes, but no part of it can be named
        return (max(0, size - count), size) if size else None
    start = _number(found[1])
    last = _number(found[2]) if found[2] else size - 1
    if found[2] and last < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(last + 1, size)


def _number(digits: str) -> int:
    """Return what they say; one too long for any file stays that."""
    return int(digits.lstrip("0")[:20] or "0")
