"""HTML on its way in: the form's address put where the page asks for it, and what its head lacks. Pure functions."""

import html
import re
import urllib.parse
from dataclasses import dataclass
from typing import Final

PLACEHOLDER: Final = b"{{SUBMIT_URL}}"

#: Further a head is not looked through: what is searched for to its end (a comment) may be square in this.
_HEAD: Final = 16 * 1024
#: What tells where the head is and what it holds.
_TOKEN: Final = re.compile(
    rb"<!--.*?-->|<(?P<raw>script|style|template|noscript)\b.*?</(?P=raw)"
    rb"|<(?P<tag>!doctype|html|head|title|meta|link|/head|body)\b(?P<rest>[^>]*)>",
    re.IGNORECASE | re.DOTALL,
)
_NAMED: Final = {
    "description": re.compile(rb"""\bname\s*=\s*["']?description\b""", re.IGNORECASE),
    "favicon": re.compile(rb"""\brel\s*=\s*["']?(?:shortcut\s+)?icon\b""", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a page's head is given where it has none of its own; the favicon is an emoji."""

    title: str | None = None
    description: str | None = None
    favicon: str | None = None


def with_form(page: bytes, submit_url: str) -> bytes:
    """Return the page with every `{{SUBMIT_URL}}` replaced."""
    return page.replace(PLACEHOLDER, html.escape(submit_url).encode())


def resolve(text: str, submit_url: str) -> str:
    """Return text with every `{{SUBMIT_URL}}` replaced, as it stands in a stored page."""
    return text.replace(PLACEHOLDER.decode(), html.escape(submit_url))


def with_head(page: bytes, head: Head) -> bytes:
    """Return the page with title, description and favicon in its head, each only where it has none."""
    if not (head.title or head.description or head.favicon):
        return page
    at, present = _look(page[:_HEAD])
    # without a <head> it is these tags that open one, in every browser
    lacking = b"".join(tag for name, tag in _tags(head) if name not in present)
    return page[:at] + lacking + page[at:]


def _look(page: bytes) -> tuple[int, set[str]]:
    """Return where the head's content begins, and which of the three it has."""
    at, present = 0, set[str]()
    for token in _TOKEN.finditer(page):
        tag = (token["tag"] or b"").lower()
        if tag in {b"/head", b"body"}:
            break
        if tag in {b"!doctype", b"html", b"head"}:
            at = token.end()
        elif tag == b"title":
            present.add("title")
        elif tag == b"meta" and _NAMED["description"].search(token["rest"]):
            present.add("description")
        elif tag == b"link" and _NAMED["favicon"].search(token["rest"]):
            present.add("favicon")
    return at, present


def _tags(head: Head) -> list[tuple[str, bytes]]:
    tags = []
    if head.title:
        tags.append(("title", f"<title>{html.escape(head.title)}</title>"))
    if head.description:
        tags.append(("description", f'<meta name="description" content="{html.escape(head.description)}">'))
    if head.favicon:
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
            f'<text y=".9em" font-size="90">{html.escape(head.favicon)}</text></svg>'
        )
        tags.append(("favicon", f'<link rel="icon" href="data:image/svg+xml,{urllib.parse.quote(drawing)}">'))
    return [(name, tag.encode()) for name, tag in tags]
