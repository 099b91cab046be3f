"""A site's own rules for its paths, from its `_redirects` and `_headers`: which one a path meets. Pure functions.

Paths are matched part by part, so that a path costs its length, whatever the rules say.
"""

import re
import unicodedata
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

REWRITES: Final = frozenset({200, 404})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
SPLAT: Final = "splat"

#: A part of a path, or of a target, that stands for what the visitor asked for.
PLACEHOLDER: Final = re.compile(r":([A-Za-z][A-Za-z0-9_]*)")
#: What stands in a path as it is (RFC 3986 3.3), and the slash.
_PATH_CHARACTERS: Final = "/-._~!$&'()*+,;=:@"
#: Behind every rule there can be.
_LAST: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class RedirectRule:
    """One line of `_redirects`."""

    #: Decoded, with its slash; may have `:name` parts and end in `/*`.
    source: str
    #: A path of the site, or for redirects a URL; may name what `source` has.
    to: str
    status: int
    #: Whether it wins over a file that is there.
    force: bool


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One path of `_headers` with what it sets."""

    source: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """What a path leads to: for 200 and 404 a decoded path of the site to show, else where to go."""

    to: str
    status: int

    @property
    def rewrites(self) -> bool:
        """Whether the visitor's address stays, and `to` is shown."""
        return self.status in REWRITES

    def location(self, query: str) -> str:
        """Return `to` with the visitor's own query, unless it states one."""
        if not query or "?" in self.to:
            return self.to
        address, hash_sign, fragment = self.to.partition("#")
        return f"{address}?{query}{hash_sign}{fragment}"


@dataclass(frozen=True, slots=True)
class Rules:
    """All that `_redirects` and `_headers` of a version say."""

    redirects: tuple[RedirectRule, ...] = ()
    headers: tuple[HeaderRule, ...] = ()
    _all: "_Index" = field(init=False, repr=False, compare=False)
    _forced: "_Index" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the redirects by what they begin with."""
        object.__setattr__(self, "_all", _Index(self.redirects))
        object.__setattr__(self, "_forced", _Index([rule for rule in self.redirects if rule.force]))

    def __bool__(self) -> bool:
        """Tell whether there is a rule at all."""
        return bool(self.redirects or self.headers)

    def find(self, path: str, *, forced: bool = False) -> tuple[RedirectRule, Mapping[str, str]] | None:
        """Return the first rule that a decoded path meets, and what its placeholders stand for."""
        return (self._forced if forced else self._all).find(path)


def to_json(rules: Rules) -> dict[str, Any] | None:
    """Return the rules as they are stored; None for none."""
    if not rules:
        return None
    return {
        "redirects": [[rule.source, rule.to, rule.status, rule.force] for rule in rules.redirects],
        "headers": [[rule.source, [list(header) for header in rule.headers]] for rule in rules.headers],
    }


def from_json(raw: Mapping[str, Any] | None) -> Rules:
    """Read stored rules."""
    if not raw:
        return Rules()
    return Rules(
        tuple(RedirectRule(*entry) for entry in raw["redirects"]),
        tuple(HeaderRule(source, tuple((name, value) for name, value in pairs)) for source, pairs in raw["headers"]),
    )


def match_redirect(rules: Rules, path: str, *, forced: bool = False) -> Redirect | None:
    """Return where the decoded request path (with its slash) leads by the first rule that it meets.

    With `forced` only rules count that win over a file: those are asked before the files are, the others after.
    """
    if not rules.redirects or (found := rules.find(path, forced=forced)) is None:
        return None
    rule, values = found
    return Redirect(fill(rule, values), rule.status)


def headers_for(rules: Rules, path: str) -> dict[str, str]:
    """Return the headers that the rules set on the decoded request path; of two that set the same, the later does."""
    found: dict[str, tuple[str, str]] = {}
    parts = split(path)
    for rule in rules.headers:
        if _meets(rule.source, path, parts):
            found.update((name.lower(), (name, value)) for name, value in rule.headers)
    return dict(found.values())


def split(path: str) -> list[str]:
    """Return the parts of a decoded path, in NFC; a slash at its end is an empty last one."""
    if not path.isascii():
        path = unicodedata.normalize("NFC", path)
    return path.removeprefix("/").split("/")


def split_pattern(source: str) -> tuple[str, ...]:
    """Return the parts of a rule's path; a slash at its end makes no difference."""
    parts = split(source)
    return tuple(parts[:-1] if parts[-1] == "" else parts)


def _meets(source: str, path: str, parts: Sequence[str]) -> bool:
    before, _, after = source.partition("*")
    if after:
        return len(path) >= len(before) + len(after) and path.startswith(before) and path.endswith(after)
    return _match(split_pattern(source), parts) is not None


def _match(pattern: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    """Return what the pattern's placeholders stand for in a path, None when the path does not fit."""
    values: dict[str, str] = {}
    if pattern and pattern[-1] == "*":
        pattern = pattern[:-1]
        values[SPLAT] = "/".join(parts[len(pattern) :])
        parts = parts[: len(pattern)]
    elif len(parts) == len(pattern) + 1 and parts[-1] == "":
        parts = parts[:-1]
    if len(parts) != len(pattern):
        return None
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith(":") and part:
            values[expected[1:]] = part
        elif expected != part:
            return None
    return values


def fill(rule: RedirectRule, values: Mapping[str, str]) -> str:
    """Return a rule's target with the visitor's parts in it: they change neither its host nor its query (R63)."""
    if rule.status in REWRITES:
        return PLACEHOLDER.sub(lambda found: values[found[1]], rule.to)
    address, mark, rest = rule.to.partition("?")
    address = PLACEHOLDER.sub(lambda found: urllib.parse.quote(values[found[1]], safe=_PATH_CHARACTERS), address)
    rest = PLACEHOLDER.sub(lambda found: urllib.parse.quote(values[found[1]], safe=""), rest)
    if address.startswith("/"):
        # two slashes at the front would be another host
        address = "/" + address.lstrip("/")
    return address + mark + rest


def names(source: str) -> Iterator[str]:
    """Yield what a rule's path makes available to its target."""
    for part in split_pattern(source):
        if part == "*":
            yield SPLAT
        elif part.startswith(":"):
            yield part[1:]


class _Index:
    """Redirects by what they begin with; those without placeholders by their whole path."""

    __slots__ = ("_anywhere", "_below", "_exact")

    def __init__(self, rules: Sequence[RedirectRule]) -> None:
        self._exact: dict[tuple[str, ...], tuple[int, RedirectRule]] = {}
        self._below: dict[str, list[tuple[int, tuple[str, ...], RedirectRule]]] = {}
        self._anywhere: list[tuple[int, tuple[str, ...], RedirectRule]] = []
        for number, rule in enumerate(rules):
            pattern = split_pattern(rule.source)
            if not any(part == "*" or part.startswith(":") for part in pattern):
                self._exact.setdefault(pattern, (number, rule))
            elif pattern[0] == "*" or pattern[0].startswith(":"):
                self._anywhere.append((number, pattern, rule))
            else:
                self._below.setdefault(pattern[0], []).append((number, pattern, rule))

    def find(self, path: str) -> tuple[RedirectRule, dict[str, str]] | None:
        """Return the first rule that the path meets."""
        parts = split(path)
        whole = tuple(parts[:-1] if parts[-1] == "" else parts)
        last, found = _LAST, None
        if exact := self._exact.get(whole):
            last, found = exact[0], (exact[1], dict[str, str]())
        for candidates in (self._below.get(parts[0], ()), self._anywhere):
            for number, pattern, rule in candidates:
                if number > last:
                    break
                if (values := _match(pattern, parts)) is not None:
                    last, found = number, (rule, values)
                    break
        return found


#: A site without rules.
NONE: Final = Rules()
