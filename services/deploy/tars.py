"""Tar archives, plain or in gzip, read block by block as they are unpacked (R67).

The library's reader follows long names and sparse maps as far as an archive leads it; a site needs neither.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from services.deploy.unpacking import BadArchive, Budget, is_junk, shown
from services.deploy.versions import MIB

GZIP_MAGIC: Final = b"\x1f\x8b"

_BLOCK: Final = 512
_ZEROS: Final = bytes(_BLOCK)
#: Bytes of a long name, or of all that a header in words says.
_LONGEST_NAME: Final = 8 * 1024
#: Bytes of padding behind the end.
_PADDING: Final = MIB
_PIECE: Final = 64 * 1024

_FILES: Final = frozenset({b"0", b"\0", b"7"})
_FOLDER: Final = b"5"
_LONG_NAME: Final = b"L"
_WORDS: Final = b"x"
#: With those that say nothing that matters: a long link, and words for all.
_ABOUT_THE_NEXT: Final = frozenset({_LONG_NAME, _WORDS, b"K", b"g"})
_KINDS: Final = {b"1": "a hard link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe"}


class _Plain:
    """Gives the bytes of an archive one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return so many bytes, or all that are left."""
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def check_end(self) -> None:
        """Raise BadArchive when it is followed by more."""
        if self.take(1):
            raise BadArchive("The archive has something behind its end")


class _Gzip(_Plain):
    """Unpacks no more than is asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def take(self, size: int) -> bytes:
        """Return so many bytes, or all that are left. Raise BadArchive when it breaks off."""
        pieces, left = list[bytes](), size
        while left and not self._unpacker.eof:
            given = self._unpacker.unconsumed_tail or super().take(_PIECE)
            piece = self._unpacker.decompress(given, left)
            if not given and not piece:
                raise BadArchive("The archive breaks off")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def check_end(self) -> None:
        """Raise BadArchive when it broke off or is followed by more."""
        if self.take(1) or self._unpacker.unused_data or super().take(1):
            raise BadArchive("The archive has something behind its end")


def read(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes. Raise BadArchive, and TooLarge before a file is unpacked."""
    source = _Gzip(data) if data.startswith(GZIP_MAGIC) else _Plain(data)
    try:
        yield from _members(source, budget)
    except zlib.error:
        raise BadArchive("The archive is broken") from None


def _members(source: _Plain, budget: Budget) -> Iterator[tuple[str, bytes]]:
    words: dict[str, str] = {}
    while (block := source.take(_BLOCK)) != _ZEROS:
        budget.count()
        _check(block)
        kind, size = block[156:157], int(words.get("size", 0)) or _number(block[124:136])
        if kind in _ABOUT_THE_NEXT:
            words |= _said(source, kind, size)
            continue
        name = (words.get("path") or _name(block)).removeprefix("./")
        words = {}
        if kind not in _FILES or name.endswith("/"):
            _check_folder(kind, name, size)
            continue
        budget.take(name, size, counted=not is_junk(name))
        content = _content(source, size)
        if not is_junk(name):
            yield name, content
    if source.take(_PADDING).strip(b"\0"):
        raise BadArchive("The archive has something behind its end")
    source.check_end()


def _said(source: _Plain, kind: bytes, size: int) -> dict[str, str]:
    """Read what is said of the next member. Raise BadArchive."""
    if size > _LONGEST_NAME:
        raise BadArchive("A name in the archive is too long")
    said = _content(source, size)
    if kind == _LONG_NAME:
        return {"path": _text(said.rstrip(b"\0"))}
    return _read_words(said) if kind == _WORDS else {}


def _check_folder(kind: bytes, name: str, size: int) -> None:
    """Raise BadArchive for a member that is neither a file nor an empty folder."""
    if kind not in _FILES and kind != _FOLDER:
        raise BadArchive(f"'{shown(name)}' is {_KINDS.get(kind, 'of a kind')} that no site needs")
    if size:
        raise BadArchive(f"The folder '{shown(name)}' has content")


def _content(source: _Plain, size: int) -> bytes:
    """Return a member's bytes. Raise BadArchive when it breaks off."""
    content = source.take(size)
    if len(content) < size or len(source.take(-size % _BLOCK)) < -size % _BLOCK:
        raise BadArchive("The archive breaks off")
    return content


def _check(block: bytes) -> None:
    """Raise BadArchive for a header that is cut off, or whose checksum is wrong."""
    if len(block) < _BLOCK:
        raise BadArchive("The body is not a whole tar archive")
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _number(block[148:156]):
        raise BadArchive("The body is no tar archive, or a broken one")


def _number(field: bytes) -> int:
    """Read a number as tar has it: octal, or binary when the first bit is set."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    digits = field.strip(b" \0")
    if not digits.isdigit() or set(digits) & set(b"89"):
        if digits:
            raise BadArchive("The archive has a number that is none")
        return 0
    return int(digits, 8)


def _name(block: bytes) -> str:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadArchive("A name in the archive is not UTF-8") from None


def _read_words(said: bytes) -> dict[str, str]:
    """Read what a header in words (pax) says of the next member: `<length> <key>=<value>` line by line."""
    found = dict[str, str]()
    while said:
        length, _, _ = said.partition(b" ")
        size = int(length) if length.isdigit() and len(length) < 6 else 0
        key, equals, value = said[len(length) + 1 : size - 1].partition(b"=")
        if not equals or said[size - 1 : size] != b"\n":
            raise BadArchive("The archive has a header that cannot be read")
        if key.startswith(b"GNU.sparse"):
            raise BadArchive("The archive has a sparse file, which no site needs")
        if key in {b"path", b"size"}:
            found[key.decode()] = _text(value)
        said = said[size:]
    if not found.get("size", "0").isdecimal() or len(found.get("size", "")) > 15:
        raise BadArchive("The archive has a number that is none")
    return found
