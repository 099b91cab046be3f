"""What a page or style sheet refers to, and whether it is there. Pure functions."""

import re
import unicodedata
import urllib.parse
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from services.deploy import rules, versions
from services.deploy.markup import Element
from services.deploy.rules import Rules

#: Which attributes of a tag name something that the page loads.
_LOADS: Final = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "video": ("src", "poster"),
}
_LOADED: Final = frozenset({"stylesheet", "icon", "apple-touch-icon", "manifest", "modulepreload", "preload"})
#: Where a reader of the page may go.
_GOES: Final = frozenset({"a", "area"})
#: Tags that `references` looks at.
TAGS: Final = frozenset({*_LOADS, *_GOES, "link", "base", "style"})

_CSS: Final = re.compile(
    r"""/\*(?s:.*?)(?:\*/|\Z)|url\(\s*+(?:"(?P<a>[^"\n]*+)"|'(?P<b>[^'\n]*+)'|(?P<c>[^\s"'()]*+))|"""
    r"""@import\s++(?:"(?P<d>[^"\n]*+)"|'(?P<e>[^'\n]*+)')""",
    re.IGNORECASE,
)
#: Addresses on this page, on another site, or of another kind.
_ELSEWHERE: Final = re.compile(r"#|//|[A-Za-z][A-Za-z0-9+.-]*+:")
#: Addresses in which nothing is escaped, and no part is `.`, `..` or empty.
_PLAIN: Final = re.compile(r"/?(?:[\w~-][\w.~-]*+/)*+(?:[\w~-][\w.~-]*+)?+", re.ASCII)
#: What a template or a script would fill in.
_UNFINISHED: Final = re.compile(r"\{\{|\$\{|<%|\{%|%7B%7B", re.IGNORECASE)
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Reference(NamedTuple):
    """One address in a page, as it is written."""

    url: str
    line: int
    #: Whether the page loads it; else it leads there.
    loaded: bool


def references(elements: Sequence[Element]) -> Iterator[Reference]:
    """Yield what the tags of a page refer to."""
    for element in elements:
        name, given, line = element.name, element.attributes, element.line
        if element.closing:
            continue
        if name == "style":
            yield from in_css(element.inside, line)
        elif name == "link" and _LOADED & set(given.get("rel", "").lower().split()):
            yield Reference(given.get("href", ""), line, True)
        elif name in _GOES:
            yield Reference(given.get("href", ""), line, False)
        for attribute in _LOADS.get(name, ()):
            for url in _split(attribute, given.get(attribute, "")):
                yield Reference(url, line, True)


def in_css(text: str, line: int = 1) -> Iterator[Reference]:
    """Yield what a style sheet loads."""
    at = 0
    for found in _CSS.finditer(text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        url = found["a"] or found["b"] or found["c"] or found["d"] or found["e"]
        if url:
            yield Reference(url, line, True)


def base(elements: Sequence[Element]) -> str:
    """Return what the page says its addresses are relative to."""
    return next((element.attributes.get("href", "") for element in elements if element.name == "base"), "")


def insecure(reference: Reference) -> bool:
    """Tell whether the page loads it over plain http, which browsers refuse on an https page."""
    if not reference.loaded or not reference.url.strip().lower().startswith("http://"):
        return False
    return urllib.parse.urlsplit(reference.url.strip()).netloc.partition(":")[0] not in _LOCAL


def unfinished(url: str) -> bool:
    """Tell whether an address has a part that a template or a script fills in."""
    return _UNFINISHED.search(url) is not None


def local_path(url: str, page: str, base_url: str = "") -> str | None:
    """Return which path of the site (with its slash, decoded) an address on a page leads to; None for elsewhere."""
    url = url.strip()
    if not url or _ELSEWHERE.match(url) or unfinished(url):
        return None
    if not base_url and _PLAIN.fullmatch(url):
        # most are, and to take them apart costs more than all else that is checked
        return url if url.startswith("/") else f"/{page[: page.rfind('/') + 1]}{url}"
    try:
        absolute = urllib.parse.urljoin(urllib.parse.urljoin(f"https://site.invalid/{page}", base_url), url)
        parsed = urllib.parse.urlsplit(absolute)
    except ValueError:
        return None
    if (parsed.scheme, parsed.netloc) != ("https", "site.invalid"):
        return None
    return unicodedata.normalize("NFC", urllib.parse.unquote(parsed.path or "/"))


def exists(path: str, paths: Collection[str], own: Rules) -> bool:
    """Tell whether the site has an answer to a path: a file, a directory's page, or a rule."""
    key = path[1:]
    if key in paths or f"{key.rstrip('/')}/{versions.INDEX}".lstrip("/") in paths:
        return True
    return rules.match_redirect(own, path) is not None


def _split(attribute: str, value: str) -> list[str]:
    if attribute != "srcset":
        return [value]
    if "data:" in value:
        return []
    return [candidate.split()[0] for candidate in value.split(",") if candidate.strip()]
