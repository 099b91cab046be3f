"""HTML on its way in: the form's address put where the page asks for it, and what its head lacks. Pure functions.

The head ends where a browser would begin the body: so far, and no further, a page is looked at. What it has already is
told by its tags and by the attributes that an HTML parser reads from them; what it lacks is put into the page's own
bytes, and nothing else of them changes.
"""

import codecs
import html
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from services.deploy import markup
from services.deploy.markup import Token

PLACEHOLDER: Final = b"{{SUBMIT_URL}}"

#: Tags of a head that are looked at.
_MAX_TAGS: Final = 5000
#: What may stand in a head, and of that what tells us something.
_IN_HEAD: Final = frozenset(
    {"base", "basefont", "bgsound", "link", "meta", "noframes", "noscript", "script", "style", "title"}
)
_TELLING: Final = frozenset({"meta", "link", "title"})
#: A language as pages name it, such as `de` or `pt-BR`.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")
#: End tags that begin the body; others are ignored where a head may be.
_BEGIN_BODY: Final = frozenset({"body", "br", "html"})
_UTF_8_MARK: Final = codecs.BOM_UTF8.decode("latin-1")
#: Where browsers look for it (HTML, 13.2.3.2).
_CHARSET: Final = re.compile(r"""charset\s*+=\s*+["']?\s*+([^\s"'/>;]++)""", re.IGNORECASE)
_CHARSET_WITHIN: Final = 1024
_NOT_BLANK: Final = re.compile(rf"[^{markup.BLANKS}]|\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a page's head is given where it has none of its own; the favicon is an emoji."""

    title: str | None = None
    description: str | None = None
    favicon: str | None = None


@dataclass(slots=True)
class _Place:
    """Where a page's head takes more, and what says something in it."""

    at: int
    opened: bool = False
    closed: bool = False
    telling: list[Token] = field(default_factory=list)

    def open(self, at: int) -> None:
        """The head begins here, unless it has begun."""
        if not self.opened:
            self.at, self.opened = at, True

    def take(self, token: Token) -> bool:
        """Take the next tag, comment or doctype. Tell whether the head may go on behind it."""
        name = token.name
        if name == "head":
            self.open(token.start if token.closing else token.end)
            self.closed |= token.closing
        elif token.closing and name in _BEGIN_BODY:
            return False
        elif not token.closing and name in _IN_HEAD and not (self.closed and name == "noscript"):
            self.open(token.start)
            if name in _TELLING:
                self.telling.append(token)
        elif token.closing or name in {"", "html"}:
            if not self.opened:
                self.at = token.end
            if name == "html" and not token.closing:
                self.telling.append(token)
        else:
            return False
        return True


def with_form(page: bytes, submit_url: str) -> bytes:
    """Return the page with every `{{SUBMIT_URL}}` replaced."""
    address = html.escape(submit_url)
    if codec := markup.utf_16(page):
        return page.replace(PLACEHOLDER.decode().encode(codec), address.encode(codec))
    return page.replace(PLACEHOLDER, address.encode())


def resolve(text: str, submit_url: str) -> str:
    """Return text with every `{{SUBMIT_URL}}` replaced, as it stands in a stored page."""
    return text.replace(PLACEHOLDER.decode(), html.escape(submit_url))


def with_head(page: bytes, head: Head) -> bytes:
    """Return the page with title, description and favicon in its head, each only where it has none."""
    if not (head.title or head.description or head.favicon):
        return page
    codec = markup.utf_16(page)
    text = _text(page, codec)
    place = _look(text)
    present = _present(place)
    # in XML every tag must be closed
    end = " /" if text.startswith(("<?xml", _UTF_8_MARK + "<?xml")) else ""
    tags = "".join(tag for name, tag in _tags(head, end=end) if name not in present)
    at = len(text[: place.at].encode(codec, "surrogatepass")) + 2 if codec else place.at
    return page[:at] + _encoded(tags, page, codec) + page[at:]


@dataclass(frozen=True, slots=True)
class About:
    """What a page says of itself."""

    title: str | None = None
    language: str | None = None


def about(text: str) -> About:
    """Return a page's title and its language, as its head and its first tag say them."""
    tokens = _look(text).telling
    title = next((" ".join(html.unescape(token.inside).split()) for token in tokens if token.name == "title"), None)
    first = markup.attributes([token for token in tokens if token.name == "html"][:1])
    language = first[0].get("lang", "").strip() if first else ""
    return About(title, language if _LANGUAGE.fullmatch(language) else None)


def _text(page: bytes, codec: str | None) -> str:
    """Return the page with a character for each byte, or for each code point where it is UTF-16."""
    if codec:
        return page[2 : len(page) - len(page) % 2].decode(codec, "surrogatepass")
    return page.decode("latin-1")


def _look(text: str) -> _Place:
    """Walk through the head as browsers build it (HTML, 13.2.6.4.2 to .6), up to where the body begins."""
    last = len(_UTF_8_MARK) if text.startswith(_UTF_8_MARK) else 0
    place, templates = _Place(last), 0
    for token in islice(markup.tokens(text, last), _MAX_TAGS):
        if not templates and text[last : token.start].strip(markup.BLANKS):
            break
        if token.name == "template" and (templates or not token.closing):
            # what it holds is not of this page
            place.open(token.start)
            templates += -1 if token.closing else 1
        elif not templates and not place.take(token):
            break
        last = token.end + len(token.inside)
    if not place.opened and (there := _NOT_BLANK.search(text, place.at)):
        place.at = there.start()
    return place


def _present(place: _Place) -> set[str]:
    """Return which of the three a head has. What is put in comes behind the charset, which has to come early."""
    present = set[str]()
    for token, given in zip(place.telling, markup.attributes(place.telling), strict=True):
        name = given.get("name", "").strip().lower()
        if token.name == "title":
            present.add("title")
        elif token.name == "link" and "icon" in given.get("rel", "").lower().split():
            present.add("favicon")
        elif token.name == "meta" and name == "description":
            present.add("description")
        elif token.name == "meta" and ("charset" in given or given.get("http-equiv", "").lower() == "content-type"):
            place.at = max(place.at, token.end)
    return present


def _tags(head: Head, *, end: str) -> Iterator[tuple[str, str]]:
    if head.title:
        yield "title", f"<title>{html.escape(head.title)}</title>"
    if head.description:
        yield "description", f'<meta name="description" content="{html.escape(head.description)}"{end}>'
    if head.favicon:
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
            f'<text y=".9em" font-size="90">{html.escape(head.favicon)}</text></svg>'
        )
        image = urllib.parse.quote(drawing, errors="replace")
        yield "favicon", f'<link rel="icon" href="data:image/svg+xml,{image}"{end}>'


def _encoded(tags: str, page: bytes, codec: str | None) -> bytes:
    """Return the tags in the page's encoding: as references where that is none of Unicode's."""
    if codec:
        return tags.encode(codec, "replace")
    if tags.isascii():
        return tags.encode()
    declared = _CHARSET.search(page[:_CHARSET_WITHIN].decode("latin-1"))
    if declared is None or declared[1].lower() in {"utf-8", "utf8"}:
        try:
            page.decode()
            return tags.encode("utf-8", "replace")
        except UnicodeDecodeError:
            pass
    return tags.encode("ascii", "xmlcharrefreplace")
