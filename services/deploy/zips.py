"""Zip archives read by hand: nothing that one says of itself is believed before it is checked (R67).

The library's reader makes an object for every entry before the first can be looked at, and in the oldest Python we run
on it unpacks entries that overlap.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.deploy.unpacking import BadArchive, Budget, is_junk, shown
from services.deploy.versions import MAX_FILE

MAGIC: Final = b"PK"

_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\5\6"
#: A comment may stand behind the end.
_LONGEST_END: Final = _END.size + 0xFFFF
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")

_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_SIZES_FOLLOW: Final = 0x0008
_UTF_8: Final = 0x0800
_STORED: Final = 0
_DEFLATED: Final = 8
_ASK_64: Final = 0xFFFFFFFF
_FILE_KINDS: Final = frozenset({0, stat.S_IFREG, stat.S_IFDIR})
#: A link of Windows.
_REPARSE_POINT: Final = 0x400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    start: int


def read(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes. Raise BadArchive, and TooLarge before anything is unpacked."""
    try:
        entries, directory = _directory(data, budget)
        spans = sorted((each.start, _begin(data, each) + each.packed) for each in entries)
        starts = [start for start, _ in spans[1:]]
        if any(end > after for (_, end), after in zip(spans, [*starts, directory], strict=False)):
            raise BadArchive("Entries of the archive overlap")
        for each in entries:
            if not each.name.endswith("/") and not is_junk(each.name):
                yield each.name, _unpack(data, each)
    except (struct.error, zlib.error):
        raise BadArchive("The archive is broken") from None


def _directory(data: bytes, budget: Budget) -> tuple[list[_Entry], int]:
    """Return what the archive lists, within all limits, and where the list begins."""
    at, count, size = _find_directory(data)
    begin, entries = at, list[_Entry]()
    for _ in range(count):
        budget.count()
        entry, at = _entry(data, at)
        entries.append(entry)
        if entry.name.endswith("/"):
            if entry.size:
                raise BadArchive(f"The folder '{shown(entry.name)}' has content")
        elif not is_junk(entry.name):
            budget.take(entry.name, entry.size, entry.packed)
    if at != begin + size:
        raise BadArchive("The archive's list of files is not what its end says")
    return entries, begin


def _find_directory(data: bytes) -> tuple[int, int, int]:
    """Return where the list of files begins, how many it has, and its size."""
    end = data.rfind(_END_MARK, max(0, len(data) - _LONGEST_END))
    if end < 0:
        raise BadArchive("The body is not a whole zip archive")
    _, disk, first_disk, here, count, size, start, _ = _END.unpack_from(data, end)
    behind = end
    if 0xFFFF in {here, count} or _ASK_64 in {size, start}:
        if end < _LOCATOR.size:
            raise BadArchive("The archive is broken")
        mark, disk, behind, _ = _LOCATOR.unpack_from(data, end - _LOCATOR.size)
        if mark != b"PK\6\7" or behind + _END_64.size > end:
            raise BadArchive("The archive is broken")
        mark, _, _, _, _, first_disk, here, count, size, start = _END_64.unpack_from(data, behind)
        if mark != b"PK\6\6":
            raise BadArchive("The archive is broken")
    if disk or first_disk or here != count:
        raise BadArchive("The archive is one part of several")
    if start + size != behind:
        raise BadArchive("The archive has something before, in or behind its list of files")
    return start, count, size


def _entry(data: bytes, at: int) -> tuple[_Entry, int]:
    """Read one row of the list, and return where the next begins."""
    (mark, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, disk, _, attributes,
     start) = _ENTRY.unpack_from(data, at)  # fmt: skip
    at += _ENTRY.size
    raw_name = data[at : at + name_size]
    extra = data[at + name_size : at + name_size + extra_size]
    at += name_size + extra_size + comment_size
    if mark != b"PK\1\2" or disk or at > len(data):
        raise BadArchive("The archive's list of files is broken")
    name = _name(raw_name, flags)
    if flags & _ENCRYPTED:
        raise BadArchive(f"'{shown(name)}' is encrypted")
    if method not in {_STORED, _DEFLATED}:
        raise BadArchive(f"'{shown(name)}' is compressed in a way that is not read here; deflate is")
    if stat.S_IFMT(attributes >> 16) not in _FILE_KINDS or attributes & _REPARSE_POINT:
        raise BadArchive(f"'{shown(name)}' is a link or a device; only files and folders are taken")
    size, packed, start = _long(extra, [size, packed, start])
    if method == _STORED and size != packed:
        raise BadArchive(f"'{shown(name)}' has two sizes")
    return _Entry(raw_name=raw_name, name=name, flags=flags, method=method, crc=crc, packed=packed, size=size,
                  start=start), at  # fmt: skip


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        if flags & _UTF_8:
            raise BadArchive("A name in the archive is not UTF-8") from None
        name = raw.decode("cp437")
    return name.removeprefix("./")


def _long(extra: bytes, values: list[int]) -> list[int]:
    """Return sizes and place, from the field for large ones where they are said to be there."""
    at = 0
    while _ASK_64 in values and at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            asked = [index for index, value in enumerate(values) if value == _ASK_64]
            found = struct.unpack_from(f"<{len(asked)}Q", extra[at + 4 : at + 4 + size])
            for index, value in zip(asked, found, strict=True):
                values[index] = value
            break
        at += 4 + size
    return values


def _begin(data: bytes, entry: _Entry) -> int:
    """Return where an entry's bytes begin. Raise BadArchive when what stands there is another entry."""
    mark, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(data, entry.start)
    at: int = entry.start + _LOCAL.size
    same = mark == b"PK\3\4" and method == entry.method and data[at : at + name_size] == entry.raw_name
    if not flags & _SIZES_FOLLOW:
        told = [(crc, entry.crc), (packed, entry.packed), (size, entry.size)]
        same = same and all(here in {there, _ASK_64} for here, there in told)
    if not same or flags & _ENCRYPTED:
        raise BadArchive(f"'{shown(entry.name)}' is not where the archive's list has it")
    return at + int(name_size) + int(extra_size)


def _unpack(data: bytes, entry: _Entry) -> bytes:
    begin = _begin(data, entry)
    packed = memoryview(data)[begin : begin + entry.packed]
    if entry.method == _STORED:
        content = bytes(packed)
    else:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        content = unpacker.decompress(packed, min(entry.size, MAX_FILE) + 1)
        if not unpacker.eof or unpacker.unused_data:
            raise BadArchive(f"'{shown(entry.name)}' is not as large as the archive says")
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise BadArchive(f"'{shown(entry.name)}' is not what the archive says")
    return content
