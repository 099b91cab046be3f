"""What a visitor sent through a form: three encodings read into one shape. Pure functions.

Names that begin with `_` steer, the others are the data. Everything is bounded before it is kept.
"""

import logging
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared import parsing
from shared.errors import BadRequest, Invalid, TooLarge, UnsupportedMediaType

# what it says of a body that breaks its rules quotes the body, and the caller is told anyway
logging.getLogger("python_multipart").setLevel(logging.ERROR)

MAX_FIELDS: Final = 100
#: Levels of lists and objects inside each other; the database and the mail have to write them again.
MAX_NESTING: Final = 16
MAX_FORM_NAME: Final = 100
MAX_SUBJECT: Final = 200

#: What a mail program takes without doubt; `=?` could be read as an encoded word (M1).
_ADDRESS: Final = re.compile(
    r"(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


class FilesNotTaken(UnsupportedMediaType):
    """A form sent a file, and its owner has not allowed files."""

    code = "files_not_taken"
    message = "This form does not take files"


@dataclass(slots=True)
class Sent:
    """One submission: its data in the form's order, and what steers it."""

    data: dict[str, Any] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)

    @property
    def is_spam(self) -> bool:
        """Whether the field that no person sees was filled in."""
        return bool(self.control.get("_hp"))

    @property
    def form(self) -> str | None:
        """Name of the form, where a page has several."""
        return self.control.get("_form", "")[:MAX_FORM_NAME] or None

    @property
    def subject(self) -> str | None:
        """What the form would have in the subject of the mail about it."""
        return self.control.get("_subject", "").strip()[:MAX_SUBJECT] or None

    @property
    def reply_to(self) -> str | None:
        """The address that a reply should go to, if the visitor gave one that can be one."""
        candidates = [self.control.get("_replyto"), *(v for k, v in self.data.items() if k.lower() == "email")]
        return next((text for text in candidates if isinstance(text, str) and is_address(text)), None)


def is_address(text: str) -> bool:
    """Tell whether `text` is a plain mail address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def parse(content_type: str, body: bytes) -> Sent:
    """Read a body of the declared type.

    Raise UnsupportedMediaType for another type and for files, TooLarge for too many fields, Invalid for JSON that is
    no object, BadRequest for what cannot be read.
    """
    bare = content_type.partition(";")[0].strip().lower()
    if bare == "application/x-www-form-urlencoded":
        return _collect(_urlencoded(body))
    if bare == "multipart/form-data":
        return _collect(_multipart(content_type, body))
    if bare == "application/json" or bare.endswith("+json"):
        return _json(body)
    raise UnsupportedMediaType(hint="Send application/json, application/x-www-form-urlencoded or multipart/form-data.")


def is_json(content_type: str) -> bool:
    """Tell whether the type is one that only a script sends."""
    return content_type.partition(";")[0].strip().lower().endswith("json")


def _json(body: bytes) -> Sent:
    value = parsing.parse_json(body)
    if not isinstance(value, dict):
        raise Invalid("The submission must be a JSON object")
    if len(value) > MAX_FIELDS:
        raise _too_many()
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
        raise _too_many()
    try:
        return urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _collect(pairs: Iterable[tuple[str, str]]) -> Sent:
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


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise BadRequest("The multipart body has no boundary")
    reader = _Parts()
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise BadRequest("The multipart body cannot be read") from None
    if not reader.ended:
        raise BadRequest("The multipart body is incomplete")
    return reader.fields


class _Parts:
    """Collects the parts of a multipart body as they are found."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.ended = False
        self._count = 0
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._body: list[bytes] = []

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_part_data": lambda data, start, end: self._body.append(data[start:end]),
            "on_part_end": self._finish,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._end_header,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise _too_many()
        self._disposition, self._body = b"", []

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _finish(self) -> None:
        kind, options = parse_options_header(self._disposition.decode("latin-1"))
        name, content = options.get(b"name"), b"".join(self._body)
        if kind != b"form-data" or name is None:
            raise BadRequest("A part of the multipart body has no name")
        if b"filename" in options:
            # a browser sends an empty one for a file field that was left alone
            if options[b"filename"] or content:
                raise FilesNotTaken(hint="Leave the file out.")
            return
        try:
            self.fields.append((name.decode(), content.decode()))
        except UnicodeDecodeError:
            raise _not_utf8() from None

    def _end(self) -> None:
        self.ended = True


def _too_many() -> TooLarge:
    return TooLarge("Too many fields", hint=f"At most {MAX_FIELDS} fields are taken.")


def _not_utf8() -> BadRequest:
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
