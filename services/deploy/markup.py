"""HTML by its tags, as browsers tell them from text: linear on whatever is sent in. Pure functions.

The tree of a whole page costs a parser the square of its depth, and a page is anybody's: 200,000 nested elements keep
it busy for minutes. So tags are found here, by the tokeniser's rules of the HTML standard, and the parser is given
those that matter, side by side: it reads their attributes as browsers do.
"""

import codecs
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser

#: Blanks of HTML; Python's own idea of them is wider.
BLANKS: Final = "\t\n\f\r "

# nothing in here is tried twice: each quantifier is possessive, and what is never closed goes to the end
_ATTRIBUTES: Final = r"""
    (?P<rest>(?:
        [\t\n\f\r /]++
      | [^\t\n\f\r />][^\t\n\f\r />=]*+
        (?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >"'][^\t\n\f\r >]*+)?+)?+
    )*+)(?P<close>>?)
"""
_TOKEN: Final = re.compile(
    rf"""
      <!--(?:-?>|(?s:.*?)(?:--!?>|(?P<open>\Z)))
    | <(?:[!?]|/(?=[^a-zA-Z]))[^>]*+(?:>|(?P<unended>\Z))
    | <(?P<end>/?)(?P<name>[a-zA-Z][^\t\n\f\r />]*+){_ATTRIBUTES}
    """,
    re.VERBOSE,
)
#: Fields wherever they stand: in a script or a comment too.
_FIELD: Final = re.compile(
    rf"<(?:[\w.-]{{1,30}}+:)?+(?P<name>input|textarea|select)(?=[\t\n\f\r />]){_ATTRIBUTES}", re.VERBOSE | re.IGNORECASE
)
#: Elements whose inside is text to the browser, whatever it looks like.
_RAW: Final = frozenset(
    {"title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "script", "noscript", "plaintext"}
)
_ENDS: Final = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE) for name in _RAW - {"plaintext", "script"}
}
#: The dashes of `<!--` may be those of `-->` too.
_IN_SCRIPT: Final = re.compile(r"<!(?=--)|-->|</?script(?=[\t\n\f\r />])", re.IGNORECASE)
#: Characters of a tag that the parser is given: its time goes with the square of a tag's attributes.
_LONG_TAG: Final = 4096
_LONG_VALUE: Final = re.compile(r""""[^"]{200,}+"|'[^']{200,}+'""")
_UTF_16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Token(NamedTuple):
    """A tag, or a comment or doctype, whose name is empty."""

    #: In lower case.
    name: str
    closing: bool
    #: The tag's source behind its name.
    rest: str
    start: int
    #: Behind its `>`.
    end: int
    #: What a script, style, title and so on has inside.
    inside: str = ""


def utf_16(page: bytes) -> str | None:
    """Return the codec of a page that begins with UTF-16's byte order mark."""
    return _UTF_16.get(page[:2])


def decode(page: bytes) -> str:
    """Return the page's text: in UTF-16 if it says so, else in UTF-8 if it can be that, else in Latin-1."""
    if codec := utf_16(page):
        return page[2:].decode(codec, "replace")
    try:
        return page.decode("utf-8-sig")
    except UnicodeDecodeError:
        return page.decode("latin-1")


def tokens(text: str, at: int = 0, *, names: Container[str] | None = None) -> Iterator[Token]:
    """Yield tags, comments and doctypes in the order of the source from a place on, up to one that has no end.

    With `names` only tags of these names.
    """
    while found := _TOKEN.search(text, at):
        source, closed, open_comment, open_other = found.group("name", "close", "open", "unended")
        at = found.end()
        if source is None:
            if open_comment is not None or open_other is not None:
                return
            if names is None:
                yield Token("", False, "", found.start(), at)
            continue
        if not closed:
            return
        name = source.lower()
        wanted = names is None or name in names
        if wanted or name in _RAW:
            token = _token(text, found, name)
            at = token.end + len(token.inside)
            if wanted:
                yield token


def _token(text: str, found: re.Match[str], name: str) -> Token:
    start, end = found.span()
    closing, inside = bool(found["end"]), ""
    if not closing and name in _RAW:
        inside = text[end : _end_of_text(text, end, name)]
    return Token(name, closing, found["rest"], start, end, inside)


def _end_of_text(text: str, at: int, name: str) -> int:
    """Return where the inside of an element ends whose inside is text."""
    if name == "script":
        return _end_of_script(text, at)
    closer = _ENDS[name].search(text, at) if name in _ENDS else None
    return closer.start() if closer else len(text)


def _end_of_script(text: str, at: int) -> int:
    """Return where a script ends: not inside a script of its own in a comment of its own (HTML, 13.2.5.18 to .31)."""
    in_comment = in_script = False
    for found in _IN_SCRIPT.finditer(text, at):
        mark = found[0].lower()
        if mark == "</script" and not in_script:
            return found.start()
        if mark == "-->":
            in_comment = in_script = False
        elif mark == "<!":
            in_comment = True
        else:
            in_script = in_comment and mark == "<script"
    return len(text)


def fields(text: str) -> Iterator[Token]:
    """Yield the tags of form fields, wherever they stand: what is text now, a script may make a field of."""
    for found in _FIELD.finditer(text):
        if found["close"]:
            yield Token(found["name"].lower(), False, found["rest"], *found.span())


class Element(NamedTuple):
    """A tag with its attributes."""

    name: str
    closing: bool
    attributes: Mapping[str, str]
    line: int
    inside: str
    start: int
    #: Behind its `>`, and behind what it has inside where that is text.
    end: int


def elements(text: str, names: Container[str], *, most: int, ends: Container[str] = ("form",)) -> list[Element]:
    """Return the first start tags of these names and the ends of some of them, at most so many."""
    wanted = (token for token in tokens(text, names=names) if not token.closing or token.name in ends)
    found = list(islice(wanted, most))
    line, at, result = 1, 0, []
    for token, given in zip(found, attributes(found), strict=True):
        line, at = line + text.count("\n", at, token.start), token.start
        end = token.end + len(token.inside)
        result.append(Element(token.name, token.closing, given, line, token.inside, token.start, end))
    return result


def attributes(tags: Sequence[Token]) -> list[dict[str, str]]:
    """Return the attributes of each tag, names in lower case; one without a value has an empty one."""
    if not tags:
        return []
    source = "".join([f"<img{_bounded(tag.rest)}>" for tag in tags])
    body = LexborHTMLParser(source.encode("utf-8", "replace")).body
    found = [] if body is None else body.iter()
    return [{name: value or "" for name, value in element.attributes.items()} for element in found]


def _bounded(rest: str) -> str:
    """Return a tag's attributes without long values where they are too many; none where that is not enough."""
    if len(rest) > _LONG_TAG:
        rest = _LONG_VALUE.sub('""', rest)
    return rest if len(rest) <= _LONG_TAG else ""
