"""`_headers` read into rules: what each path sets, without what is the platform's to say. Pure functions."""

import re
from typing import Final

from services.deploy.rule_lines import MAX_RULES, Reader, Wrong, decoded, shown
from services.deploy.rules import HeaderRule

#: Bytes of headers that may meet on one page: a proxy takes 4 KiB of an answer's head.
MAX_HEADERS: Final = 3000
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FIELD_VALUE: Final = re.compile(r"[\t\x20-\x7e]+")

#: What the platform says itself, or what would reach beyond the site's own pages.
_NAMES: Final = """
    accept-ranges age alt-svc clear-site-data connection content-encoding content-length content-range content-type date
    etag expires keep-alive last-modified location proxy-authenticate proxy-authorization proxy-connection
    public-key-pins refresh server set-cookie set-cookie2 status surrogate-control te trailer transfer-encoding upgrade
    vary via www-authenticate x-content-type-options x-request-id
"""
_OURS: Final = frozenset(_NAMES.split())
_OUR_PREFIXES: Final = ("x-invoker-", "x-accel-")


def read(reader: Reader, raw: bytes) -> list[HeaderRule]:
    #: Path, its line, and by name what is set there.
    found: list[tuple[str, int, dict[str, tuple[str, str]]]] = []
    number = 0
    for number, line in reader.lines(raw):
        try:
            if line.lstrip().startswith("/"):
                found.append(("", number, {}))
                found[-1] = (_header_source(line.strip()), number, found[-1][2])
            elif not found:
                reader.wrong(number, "comes before any path; write the path it is for above it, as in '/*'")
            else:
                _add(found[-1][2], *_header(line.strip()))
        except Wrong as wrong:
            reader.wrong(number, str(wrong))
    _refuse_excess(reader, found, number)
    return [HeaderRule(source, tuple(headers.values())) for source, _, headers in found]


def _add(headers: dict[str, tuple[str, str]], name: str, value: str) -> None:
    """Set a header; one that is stated twice for a path has both values."""
    earlier = headers.get(name.lower())
    headers[name.lower()] = (earlier[0], f"{earlier[1]}, {value}") if earlier else (name, value)


def _header_source(text: str) -> str:
    if "?" in text or "#" in text or len(text.split()) > 1:
        raise Wrong("has more than a path; write the path alone, and the headers below it")
    source = decoded(text)
    if "*" in source[:-1] and (source.count("*") > 1 or ":" in source):
        raise Wrong("has more than one '*', or one beside a placeholder; write one, as in '/assets/*' or '/*.js'")
    return source


def _header(text: str) -> tuple[str, str]:
    """Return the name and value that a line sets. Raise Wrong."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not _FIELD_NAME.fullmatch(name) or value.startswith("//"):
        raise Wrong(f"is '{shown(text)}', neither a path nor a header; write '/path' or 'Name: value'")
    lowered = name.lower()
    if lowered in _OURS or lowered.startswith(_OUR_PREFIXES) or lowered.endswith("cdn-cache-control"):
        raise Wrong(f"sets {name}, which a site cannot set; leave it out")
    if not _FIELD_VALUE.fullmatch(value):
        raise Wrong(f"gives {name} no value, or one with characters beyond ASCII; write plain ASCII text")
    if lowered == "cache-control" and "s-maxage" in value.lower():
        raise Wrong("sets s-maxage, which is the platform's; write max-age, which is for browsers")
    if lowered == "content-disposition" and not value.lower().startswith("attachment"):
        raise Wrong("sets a Content-Disposition other than 'attachment'; leave it out, or write that")
    return name, value


def _refuse_excess(reader: Reader, found: list[tuple[str, int, dict[str, tuple[str, str]]]], last: int) -> None:
    if len(found) > MAX_RULES:
        reader.wrong(found[MAX_RULES][1], f"is one path too many; at most {MAX_RULES} are taken")
    meeting, largest = 0, 0
    for source, number, headers in found:
        if not headers and not reader.problems:
            reader.wrong(number, "sets nothing; write headers below it, as in '  X-Frame-Options: DENY'")
        size = sum(len(name) + len(value) + 4 for name, value in headers.values())
        if "*" in source or ":" in source:
            meeting += size
        else:
            largest = max(largest, size)
    if meeting + largest > MAX_HEADERS:
        reader.wrong(last, f"makes the headers that may meet on one page more than {MAX_HEADERS} bytes; set fewer")
