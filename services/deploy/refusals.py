"""What keeps a site from being published: a key of ours in a file, and pages that ask for secrets. Pure functions."""

import html
import re
import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Final

from services.deploy import markup, versions
from services.deploy.checks import Finding
from services.deploy.markup import Token
from services.deploy.parsed import Files
from shared import credentials
from shared.errors import Invalid


class KeyInFile(Invalid):
    """A file has a key of ours in it, which would become public."""

    code = "key_in_file"
    hint = (
        "Nothing was published. Take the key out of the file, and end it, since it was on its way out: 'Revoke' in "
        'the dashboard, or POST /keys/revoke with {"key": "…"}, which needs no login. Then make a new one.'
    )

    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path} line {line} has an Invoker API key in it", details={"path": path, "line": line})


class KeyScanner:
    """Finds keys in bytes that come in pieces, as text of one or two bytes a character."""

    #: A key may be split between two pieces: all but one byte of the longest is kept.
    _KEPT: Final = 78
    _FORMS: Final = (
        (b"inv_", re.compile(rb"inv_(?=([0-9A-Za-z]{36}))")),
        (b"i\0n\0v\0_", re.compile(rb"i\0n\0v\0_(?=((?:\0[0-9A-Za-z]){36}))")),
    )

    def __init__(self) -> None:
        #: Where the first key is, once there is one.
        self.line: int | None = None
        self._before = 1
        self._kept = b""

    def feed(self, piece: bytes) -> int | None:
        """Take the next bytes and return the line of the first key so far, None while there is none."""
        if self.line is None:
            data = self._kept + piece
            at = min((at for form in self._FORMS if (at := _find(data, *form)) >= 0), default=-1)
            if at >= 0:
                self.line = self._before + data.count(b"\n", 0, at)
            cut = max(len(data) - self._KEPT, 0)
            self._before += data.count(b"\n", 0, cut)
            self._kept = data[cut:]
        return self.line

    def check(self, path: str) -> None:
        """Raise KeyInFile if there was a key."""
        if self.line is not None:
            raise KeyInFile(path, self.line)


def _find(data: bytes, start: bytes, form: re.Pattern[bytes]) -> int:
    """Return where a real key begins, -1 if there is none: the checksum tells it from what only looks like one."""
    if start in data:
        for found in form.finditer(data):
            if credentials.well_formed(credentials.PREFIX + found[1].replace(b"\0", b"").decode()):
                return found.start()
    return -1


def refuse(files: Files) -> None:
    """Raise KeyInFile for the first file that has a key of ours in it."""
    for path, (data, _) in files.items():
        scanner = KeyScanner()
        scanner.feed(data)
        scanner.check(path)


# Pages that ask for passwords and cards

#: Inputs that nothing is typed into.
_NOT_TYPED: Final = frozenset(
    {"hidden", "submit", "button", "reset", "image", "checkbox", "radio", "file", "range", "color"}
)
_PASSWORD_NAMES: Final = frozenset({"password", "passwd", "pwd", "passwort", "passphrase"})
_OTHER_CARDS: Final = re.compile(
    r"\b(?:loyalty|library|gift|member(?:ship)?|student|id|business|health|insurance|sim|punch|score|bonus) ?card\b"
)
_CARD: Final = re.compile(
    r"\b(?:(?:credit|debit|bank) ?card|card ?(?:number|num|no|nr|code|cvv|cvc|csc|expiry|security)"
    r"|cc ?(?:number|num|no)|ccnum|cvv2?|cvc2?|kreditkarte\w*|kartennummer|prufziffer"
    r"|numero (?:de )?(?:carte|tarjeta|carta))\b"
)
_LABEL: Final = re.compile(r"<label(?:>|[\s/][^<>]{0,500}+>)([^<]{1,100}+)", re.IGNORECASE)
#: A page as an attribute of another, in which every tag is escaped.
_PAGE_IN_PAGE: Final = re.compile(r"\bsrcdoc\s*+=", re.IGNORECASE)
#: Cheap, and true of whatever the others are true of.
_WORTH_A_LOOK: Final = re.compile(r"pass|pwd|card|cc|cv[vc]|karte|carte|carta|tarjeta|fziffer", re.IGNORECASE)
#: Fields of one page, and those of them that have to be read.
_MAX_FIELDS: Final = 50_000
_MAX_DOUBTFUL: Final = 2000
_A_CARD: Final = "a payment card's data"


def find_secrets(files: Files) -> Finding | None:
    """Return the first field that asks for a secret in what browsers show as a page: HTML, and XML of any kind."""
    for path, (data, kind) in files.items():
        bare = kind.partition(";")[0]
        if (versions.is_html(kind) or bare.endswith("xml")) and (found := asks_for_secrets(data, path)):
            return found
    return None


def asks_for_secrets(page: bytes, path: str) -> Finding | None:
    """Return the first field of a page that asks for a password or a payment card's data.

    Of a page with more fields than anybody fills in, the field from which on it is not looked through.
    """
    text = markup.decode(page)
    found = _look_through(text, path)
    return _look_through(html.unescape(text), path) if not found and _PAGE_IN_PAGE.search(text) else found


def _look_through(text: str, path: str) -> Finding | None:
    fields: dict[str, Token] = {}
    last: Token | None = None
    for number, last in enumerate(markup.fields(text)):
        if _WORTH_A_LOOK.search(html.unescape(last.rest)):
            fields.setdefault(last.rest, last)
        if number == _MAX_FIELDS or len(fields) == _MAX_DOUBTFUL:
            return _held(path, text, last.start, "more than can be looked through")
    found = list(fields.values())
    for token, given in zip(found, markup.attributes(found), strict=True):
        # in a script quotes may be escaped
        if what := _asks(token.name, {name: value.strip("\\\"' ") for name, value in given.items()}):
            return _held(path, text, token.start, what)
    labels = islice(_LABEL.finditer(text), _MAX_FIELDS) if last else ()
    card = next((label for label in labels if _WORTH_A_LOOK.search(label[1]) and _is_card(label[1])), None)
    return _held(path, text, card.start(), _A_CARD) if card else None


def _asks(name: str, given: Mapping[str, str]) -> str | None:
    """Return what secret a field asks for."""
    kind = given.get("type", "").lower() if name == "input" else ""
    completes = given.get("autocomplete", "").lower().split()
    if kind == "password" or {"current-password", "new-password"} & set(completes):
        return "a password"
    if kind in _NOT_TYPED:
        return None
    if any(word.startswith("cc-") for word in completes):
        return _A_CARD
    if name == "input" and _PASSWORD_NAMES & {given.get("name", "").lower(), given.get("id", "").lower()}:
        return "a password"
    if any(_is_card(given.get(each, "")) for each in ("name", "id", "placeholder", "aria-label", "title")):
        return _A_CARD
    return None


def _is_card(text: str) -> bool:
    """Tell whether a name or a label is one of a payment card's data."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:200])
    plain = "".join(char for char in unicodedata.normalize("NFKD", parted.lower()) if not unicodedata.combining(char))
    words = re.sub(r"[^a-z0-9]+", " ", plain)
    return _CARD.search(_OTHER_CARDS.sub(" ", words)) is not None


def _held(path: str, text: str, at: int, what: str) -> Finding:
    line = 1 + text.count("\n", 0, at)
    return Finding(
        code="asks_for_secrets", message=f"{path} line {line}: the page asks for {what}", path=path, line=line
    )
