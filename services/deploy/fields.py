"""What a visitor sent through a form: three encodings read into one shape. Pure functions.

Names that begin with `_` steer, the others are the data. Everything is bounded before it is kept.
"""

import hashlib
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from services.deploy.attachments import Attachment
from shared import parsing
from shared.errors import BadRequest, Invalid, TooLarge, UnsupportedMediaType

#: All bytes of a submission but those of its files (R18).
MAX_TEXT: Final = 256 * 1024
MAX_FIELDS: Final = 100
#: Levels of lists and objects inside each other; the database and the mail have to write them again.
MAX_NESTING: Final = 16
MAX_FORM_NAME: Final = 100
MAX_SUBJECT: Final = 150

#: What a mail program takes without doubt; `=?` could be read as an encoded word (M1).
_ADDRESS: Final = re.compile(
    r"(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@dataclass(slots=True)
class Sent:
    """One submission: its data in the form's order, and what steers it."""

    data: dict[str, Any] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)
    files: list[Attachment] = field(default_factory=list)

    @property
    def trapped(self) -> bool:
        """Whether the field that no person sees was filled in."""
        return bool(self.control.get("_hp"))

    @property
    def is_test(self) -> bool:
        """Whether the owner may mean to try the form."""
        return self.control.get("_test", "").strip().lower() in {"true", "1", "on", "yes"}

    @property
    def form(self) -> str | None:
        """Name of the form, where a page has several."""
        return self.control.get("_form", "")[:MAX_FORM_NAME] or None

    @property
    def subject(self) -> str | None:
        """What the page wants the mail to be about, on one line."""
        if "_subject" not in self.control:
            return None
        return parsing.visible(self.control.get("_subject", "")[: 10 * MAX_SUBJECT])[:MAX_SUBJECT].strip() or None

    def digest(self) -> str:
        """Tell submissions apart by what they say: data and files, and not what steers."""
        files = [[each.field, each.name, each.digest] for each in self.files]
        return hashlib.sha256(orjson.dumps([self.data, files])).hexdigest()

    def close(self) -> None:
        """Give up the files."""
        for each in self.files:
            each.close()

    @property
    def reply_to(self) -> str | None:
        """The address that a reply should go to, if the visitor gave one that can be one."""
        candidates = [self.control.get("_replyto"), *(v for k, v in self.data.items() if k.lower() == "email")]
        return next((text for text in candidates if isinstance(text, str) and is_address(text)), None)


def is_address(text: str) -> bool:
    """Tell whether `text` is a plain mail address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def parse(content_type: str, body: bytes) -> Sent:
    """Read a body of the declared type; multipart has a module of its own.

    Raise UnsupportedMediaType for another type, TooLarge for too many fields, Invalid for JSON that is no object,
    BadRequest for what cannot be read.
    """
    bare = bare_type(content_type)
    if bare == "application/x-www-form-urlencoded":
        return collect(_urlencoded(body))
    if bare == "application/json" or bare.endswith("+json"):
        return _json(body)
    raise UnsupportedMediaType(hint="Send application/json, application/x-www-form-urlencoded or multipart/form-data.")


def is_json(content_type: str) -> bool:
    """Tell whether the type is one that only a script sends."""
    return bare_type(content_type).endswith("json")


def bare_type(content_type: str) -> str:
    """Return a type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _json(body: bytes) -> Sent:
    value = parsing.parse_json(body)
    if not isinstance(value, dict):
        raise Invalid("The submission must be a JSON object")
    if len(value) > MAX_FIELDS:
        raise too_many()
    _check_nesting(value)
    sent = Sent()
    for name, item in value.items():
        if name.startswith("_"):
            sent.control[name] = item if isinstance(item, str) else "" if not item else str(item)
        else:
            sent.data[name] = item
    return sent


def _check_nesting(value: Any) -> None:
    level = [value]
    for _ in range(MAX_NESTING):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return
        level = inner
    raise Invalid(f"The submission is nested more than {MAX_NESTING} levels deep")


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    if body.count(b"&") >= MAX_FIELDS:
        raise too_many()
    try:
        return urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise not_utf8() from None


def collect(pairs: Iterable[tuple[str, str]]) -> Sent:
    """Put name and value pairs in order; a name that comes again makes its value a list."""
    sent = Sent()
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Invalid("Text must not contain the character NUL")
        if name.startswith("_"):
            sent.control.setdefault(name, value)
        elif name not in sent.data:
            sent.data[name] = value
        elif isinstance(known := sent.data[name], list):
            known.append(value)
        else:
            sent.data[name] = [known, value]
    return sent


def too_many() -> TooLarge:
    """Say how many there may be."""
    return TooLarge("Too many fields", hint=f"At most {MAX_FIELDS} fields are taken.")


def not_utf8() -> BadRequest:
    """Say that it is no UTF-8."""
    return BadRequest("The text is not valid UTF-8")


def next_page(given: str, site_url: str) -> str | None:
    """Return where to go after a submission: `given`, if it is on the site itself, else None (R63)."""
    if not given or len(given) > 2000 or "\\" in given or any(ch <= " " or ch == "\x7f" for ch in given):
        return None
    try:
        target = urllib.parse.urlsplit(urllib.parse.urljoin(site_url + "/", given))
    except ValueError:
        return None
    own = urllib.parse.urlsplit(site_url)
    if (target.scheme, target.netloc) != (own.scheme, own.netloc):
        return None
    return urllib.parse.quote(target.geturl(), safe="%/:=&?~#+!$,;'@()*[]")
