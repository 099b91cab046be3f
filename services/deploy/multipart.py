"""Multipart bodies read while they arrive: fields within the limit of a form's text, and files where they are taken."""

import hashlib
import logging
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.deploy import attachments, fields
from services.deploy.attachments import MAX_FILE, MAX_FILES, Attachment
from services.deploy.fields import MAX_FIELDS, MAX_TEXT, Sent
from shared.errors import BadRequest, Invalid, TooLarge, UnsupportedMediaType

# what it says of a body that breaks its rules quotes the body, and the caller is told anyway
logging.getLogger("python_multipart").setLevel(logging.ERROR)

#: All bytes of a body with files.
MAX_BODY: Final = MAX_FILES * MAX_FILE + MAX_TEXT
#: Bytes of a file that the parser may hold back for its boundary: they look like text until then.
_HELD_BACK: Final = 256


class FilesNotTaken(UnsupportedMediaType):
    """A form sent a file, and its owner has not allowed files."""

    code = "files_not_taken"
    message = "This form does not take files"


class Reader:
    """Reads one body. Whatever becomes of it, it is closed, unless what it read is handed on."""

    def __init__(self, content_type: str, *, takes_files: bool) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not 0 < len(boundary) <= 200:
            raise BadRequest("The multipart body has no boundary")
        self._marker = b"\r\n--" + boundary
        self._markers = 0
        self._size = 0
        self._parts = _Parts(takes_files=takes_files)
        self._parser = MultipartParser(boundary, self._parts.callbacks())

    def feed(self, piece: bytes) -> None:
        """Take the next bytes. Raise TooLarge, FilesNotTaken, Invalid, BadRequest as soon as they tell."""
        self._size += len(piece)
        # a body of nothing but what looks like boundaries would cost a hundred times its length
        self._markers += piece.count(self._marker)
        if self._markers > 2 * MAX_FIELDS:
            raise fields.too_many()
        try:
            self._parser.write(piece)
        except FormParserError:
            raise BadRequest("The multipart body cannot be read") from None
        self._bound_text(_HELD_BACK)

    async def settle(self, *, last: bool = False) -> None:
        """Write down what files have in memory beyond what is theirs there."""
        for each in self._parts.files:
            await each.spill(last=last)

    def finish(self) -> Sent:
        """Return what was sent. Raise BadRequest for a body that is not whole."""
        self._bound_text(0)
        if not self._parts.ended:
            raise BadRequest("The multipart body is incomplete")
        sent = fields.collect(self._parts.fields)
        sent.files = self._parts.files
        return sent

    @property
    def digest(self) -> str:
        """Tell bodies apart by what is in them: browsers draw a new boundary each time."""
        return self._parts.digest.hexdigest()

    def close(self) -> None:
        """Give up the files."""
        for each in self._parts.files:
            each.close()

    def _bound_text(self, slack: int) -> None:
        if self._size - sum(each.size for each in self._parts.files) > MAX_TEXT + slack:
            raise TooLarge(hint=f"At most {MAX_TEXT} bytes are taken beside files.")


class _Parts:
    """Collects the parts of a body as they are found."""

    def __init__(self, *, takes_files: bool) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[Attachment] = []
        self.ended = False
        self.digest = hashlib.sha256()
        self._takes_files = takes_files
        self._count = 0
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        #: Declared for the part under way: None for a field, empty for a file field that was left alone.
        self._filename: bytes | None = None
        self._file: Attachment | None = None
        self._text: list[bytes] = []

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._on_data,
            "on_part_end": self._finish,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise fields.too_many()
        self._headers, self._text, self._file, self._filename = {}, [], None, None

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(disposition.decode("latin-1"))
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise BadRequest("A part of the multipart body has no name")
        self._name, self._filename = name, options.get(b"filename")
        if self._filename:
            self._file = self._new_file(self._filename)

    def _new_file(self, filename: bytes) -> Attachment:
        if not self._takes_files:
            raise FilesNotTaken(hint="Leave the file out.")
        if len(self.files) >= MAX_FILES:
            raise TooLarge("Too many files", hint=f"At most {MAX_FILES} files are taken.")
        field = _text(self._name)
        if "\0" in field:
            raise Invalid("Text must not contain the character NUL")
        kind = attachments.clean_type(self._headers.get(b"content-type", b""))
        file = Attachment(field, attachments.clean_name(filename), kind)
        self.files.append(file)
        return file

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._filename is not None and self._file is None and end > start:
            self._file = self._new_file(b"")
        if self._file is None:
            self._text.append(data[start:end])
            return
        self._file.add(data[start:end])
        if self._file.size > MAX_FILE:
            raise TooLarge("A file is too large", hint=f"At most {MAX_FILE} bytes are taken for each file.")

    def _finish(self) -> None:
        content = b"".join(self._text)
        if self._file is not None:
            told = (b"file", self._name, self._file.name.encode(), self._file.digest.encode())
        elif self._filename is not None:
            # a browser sends that for a file field that was left alone
            return
        else:
            self.fields.append((_text(self._name), _text(content)))
            told = (b"text", self._name, content, b"")
        for each in told:
            self.digest.update(len(each).to_bytes(4) + each)

    def _end(self) -> None:
        self.ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise fields.not_utf8() from None
