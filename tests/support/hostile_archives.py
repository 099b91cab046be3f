"""Archives that mean no good, built byte by byte, as no honest tool would make them."""

import gzip
import stat
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

MIB: Final = 1024 * 1024
ZEROS: Final = bytes(10 * MIB)


#: Of the same bytes it is asked for a thousand times.
crc: Final = cache(zlib.crc32)


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass(kw_only=True)
class Z:
    """An entry of a zip: what it is, and what the list (`says`) and the place (`local`) say of it instead."""

    name: str | bytes = "a.html"
    data: bytes = b"x"
    packed: bytes | None = None
    attributes: int = 0
    extra: bytes = b""
    says: dict[str, int] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)

    @property
    def raw_name(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def content(self) -> bytes:
        return self.data if self.packed is None else self.packed

    def facts(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "flags": 0x800,
            "method": 0 if self.packed is None else 8,
            "crc": crc(self.data),
            "packed": len(self.content),
            "size": len(self.data),
            "name": self.raw_name,
        } | given

    def header(self) -> bytes:
        f = self.facts(self.local)
        facts = (20, f["flags"], f["method"], 0, 0, f["crc"], f["packed"], f["size"], len(f["name"]), 0)
        return struct.pack("<4s5H3L2H", b"PK\3\4", *facts) + bytes(f["name"])

    def row(self, start: int) -> bytes:
        f = self.facts(self.says)
        facts = (0x0314, 20, f["flags"], f["method"], 0, 0, f["crc"], f["packed"], f["size"], len(self.raw_name))
        rest = (len(self.extra), 0, 0, 0, self.attributes, f.get("start", start))
        return struct.pack("<4s6H3L5H2L", b"PK\1\2", *facts, *rest) + self.raw_name + self.extra


def zip_of(*entries: Z, before: bytes = b"", after: bytes = b"", end: dict[str, int] | None = None) -> bytes:
    body, rows, at = [before], list[bytes](), len(before)
    for each in entries:
        rows.append(each.row(at))
        body += [each.header(), each.content]
        at += len(body[-2]) + len(body[-1])
    return b"".join(body) + listed(b"".join(rows), len(entries), at, end) + after


def listed(rows: bytes, count: int, start: int, end: dict[str, int] | None = None) -> bytes:
    f = {"disk": 0, "count": count, "size": len(rows), "start": start} | (end or {})
    return rows + struct.pack("<4s4H2LH", b"PK\5\6", f["disk"], 0, f["count"], f["count"], f["size"], f["start"], 0)


def with_zip64_end(count: int, at: int | None = None) -> bytes:
    entry = Z()
    body = entry.header() + entry.content
    rows = entry.row(0)
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(rows), len(body))
    place = len(body) + len(rows)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, place if at is None else at, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return body + rows + end_64 + locator + last


def large(*values: int) -> bytes:
    """Return the extra field that holds sizes beyond 32 bits."""
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


def quoted(count: int) -> bytes:
    """Return a zip whose every entry holds all that follow it as its content: the overlap bomb."""
    body, entries = b"", list[tuple[Z, int]]()
    for number in reversed(range(count)):
        entry = Z(name=f"{number}.html", data=body or ZEROS[:1000])
        body = entry.header() + entry.content
        entries.append((entry, len(body)))
    rows = b"".join(entry.row(len(body) - size) for entry, size in entries)
    return body + listed(rows, count, len(body))


BOMB: Final = deflated(ZEROS)
DEEP: Final = "/".join("a" * 17)

ZIPS: Final[dict[str, Callable[[], bytes]]] = {
    "parent": lambda: zip_of(Z(name="../a.html")),
    "parent in the middle": lambda: zip_of(Z(name="a/../../b.html")),
    "absolute": lambda: zip_of(Z(name="/etc/passwd")),
    "backslash": lambda: zip_of(Z(name="..\\..\\a.html")),
    "drive": lambda: zip_of(Z(name="C:/a.html")),
    "nul": lambda: zip_of(Z(name="a.html\0.png")),
    "percent": lambda: zip_of(Z(name="%2e%2e/a.html")),
    "empty part": lambda: zip_of(Z(name="a//b.html")),
    "control": lambda: zip_of(Z(name="a\r\nb.html")),
    "too deep": lambda: zip_of(Z(name=DEEP)),
    "too long a path": lambda: zip_of(Z(name="a" * 201)),
    "a path of 64 KiB": lambda: zip_of(Z(name="a" * 65_535)),
    "no utf-8": lambda: zip_of(Z(name=b"\xff\xfe.html")),
    "twice": lambda: zip_of(Z(), Z(data=b"y")),
    "twice in two normal forms": lambda: zip_of(Z(name="\u00fc"), Z(name="u\u0308")),
    "symlink": lambda: zip_of(Z(data=b"/etc/passwd", attributes=(stat.S_IFLNK | 0o777) << 16)),
    "device": lambda: zip_of(Z(attributes=stat.S_IFCHR << 16)),
    "pipe": lambda: zip_of(Z(attributes=stat.S_IFIFO << 16)),
    "link of windows": lambda: zip_of(Z(attributes=0x400)),
    "encrypted": lambda: zip_of(Z(says={"flags": 1}, local={"flags": 1})),
    "encrypted strongly": lambda: zip_of(Z(says={"flags": 0x41}, local={"flags": 0x41})),
    "encrypted, says only the file": lambda: zip_of(Z(local={"flags": 1})),
    "lzma": lambda: zip_of(Z(says={"method": 14}, local={"method": 14})),
    "two rows for the same bytes": lambda: zip_of(Z(name="a"), Z(name="b", says={"start": 0})),
    "overlap bomb": lambda: quoted(200),
    "bytes in the list": lambda: zip_of(Z(says={"packed": 500, "size": 500}, local={"packed": 500, "size": 500})),
    "42.zip class": lambda: zip_of(*(Z(name=f"{number}.html", data=ZEROS, packed=BOMB) for number in range(1000))),
    "one file of zeros": lambda: zip_of(Z(data=ZEROS, packed=BOMB)),
    "size too small": lambda: zip_of(Z(packed=BOMB, data=b"x" * 10)),
    "size too large": lambda: zip_of(Z(packed=deflated(b"x"), data=b"x" * 100)),
    "four gigabytes": lambda: zip_of(Z(says={"size": 0xFFFFFFFE}, local={"size": 0xFFFFFFFE}, packed=deflated(b"x"))),
    "stored with two sizes": lambda: zip_of(Z(says={"size": 100}, local={"size": 100})),
    "65,000 entries": lambda: listed(Z(name="a").row(0) * 65_535, 65_535, 0),
    "1,001 files": lambda: zip_of(*(Z(name=f"{number}") for number in range(1001))),
    "5,000 folders": lambda: zip_of(*(Z(name=f"{number}/", data=b"") for number in range(5000))),
    "says fewer entries": lambda: zip_of(*(Z(name=f"{number}") for number in range(2000)), end={"count": 1}),
    "says more entries": lambda: zip_of(Z(), end={"count": 60_000}),
    "zip64 size": lambda: zip_of(Z(says={"size": 0xFFFFFFFF}, extra=large(2**62))),
    "zip64 place": lambda: zip_of(Z(says={"start": 0xFFFFFFFF}, extra=large(2**62))),
    "zip64 field missing": lambda: zip_of(Z(says={"size": 0xFFFFFFFF})),
    "zip64 field too short": lambda: zip_of(Z(says={"size": 0xFFFFFFFF}, extra=b"\1\0\2\0\0\0")),
    "zip64 count": lambda: with_zip64_end(2**40),
    "zip64 end elsewhere": lambda: with_zip64_end(1, at=2**60),
    "list behind the end": lambda: zip_of(Z(), end={"start": 0xFFFFFF}),
    "list of another size": lambda: zip_of(Z(), end={"size": 1}),
    "several disks": lambda: zip_of(Z(), end={"disk": 1}),
    "something before it": lambda: b"PK#!/bin/sh\n" + zip_of(Z()),
    "something behind it": lambda: zip_of(Z(), after=b"x" * 70_000),
    "cut off": lambda: zip_of(Z(data=b"x" * 1000))[:-30],
    "entry outside": lambda: zip_of(Z(says={"start": 0xFFFFFFF0})),
    "another name at its place": lambda: zip_of(Z(local={"name": b"b.html"})),
    "another method at its place": lambda: zip_of(Z(local={"method": 8})),
    "another size at its place": lambda: zip_of(Z(local={"size": 2})),
    "wrong checksum": lambda: zip_of(Z(says={"crc": 1}, local={"crc": 1})),
    "broken stream": lambda: zip_of(Z(packed=b"\xff\xff\xff\xff", data=b"xxxx")),
    "more behind the stream": lambda: zip_of(Z(packed=deflated(b"x") + b"more")),
    "folder with content": lambda: zip_of(Z(name="a/", data=b"x")),
    "no files": lambda: zip_of(Z(name="a/", data=b"")),
    "nothing but its end": lambda: listed(b"", 0, 0),
    "nothing but two letters": lambda: b"PK",
}


def tar_of(*members: tarfile.TarInfo, data: bytes = b"x", end: bytes = bytes(1024)) -> bytes:
    out = list[bytes]()
    for each in members:
        if each.isreg() and not each.size:
            each.size = len(data)
        content = data if each.isreg() or each.type in b"LKxgS" else b""
        out += [each.tobuf(tarfile.GNU_FORMAT), content, bytes(-len(content) % 512)]
    return b"".join(out) + end


def member(name: str = "a.html", kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, target
    return made


def about(kind: bytes, said: bytes) -> bytes:
    """Return a member that says something about the next one."""
    return tar_of(member("x", kind, len(said)), data=said, end=b"")


def pax(key: str, value: str) -> bytes:
    line = f" {key}={value}\n".encode()
    size = len(line) + len(str(len(line) + 2))
    return about(b"x", str(size).encode() + line)


def patched(archive: bytes, at: int, replacement: bytes, *, checked: bool = True) -> bytes:
    block = bytearray(archive[:512])
    block[at : at + len(replacement)] = replacement
    if checked:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + archive[512:]


def zeros_in_gzip(mebibytes: int, head: bytes = b"") -> bytes:
    """Return gzip of a head and then zeros: the same block of a mebibyte again and again."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(ZEROS[:MIB]) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * mebibytes + packer.flush()


TARS: Final[dict[str, Callable[[], bytes]]] = {
    "parent": lambda: tar_of(member("../a.html")),
    "absolute": lambda: tar_of(member("/etc/passwd")),
    "backslash": lambda: tar_of(member("a\\..\\b")),
    "symlink": lambda: tar_of(member(kind=tarfile.SYMTYPE, target="/etc/passwd")),
    "hard link": lambda: tar_of(member(kind=tarfile.LNKTYPE, target="../../etc/passwd")),
    "character device": lambda: tar_of(member(kind=tarfile.CHRTYPE)),
    "block device": lambda: tar_of(member(kind=tarfile.BLKTYPE)),
    "pipe": lambda: tar_of(member(kind=tarfile.FIFOTYPE)),
    "sparse": lambda: tar_of(member(kind=tarfile.GNUTYPE_SPARSE, size=1)),
    "sparse in words": lambda: pax("GNU.sparse.size", "1000000000000") + tar_of(member()),
    "unknown kind": lambda: tar_of(member(kind=b"Z")),
    "twice": lambda: tar_of(member(), member()),
    "long name with parent": lambda: about(b"L", b"../" * 30 + b"a\0") + tar_of(member()),
    "words with parent": lambda: pax("path", "../a.html") + tar_of(member()),
    "words with a size": lambda: pax("size", str(2**50)) + tar_of(member()),
    "words with no number": lambda: pax("size", "-1") + tar_of(member()),
    "words without a length": lambda: about(b"x", b"path=a\n") + tar_of(member()),
    "words with a wrong length": lambda: about(b"x", b"99999 path=a\n") + tar_of(member()),
    "words with length nought": lambda: about(b"x", b"0 path=a\n" * 10) + tar_of(member()),
    "a name of a mebibyte": lambda: about(b"L", b"a" * MIB) + tar_of(member()),
    "100,000 long names": lambda: about(b"L", b"a\0") * 100_000 + tar_of(member()),
    "a size of a petabyte": lambda: patched(tar_of(member()), 124, b"\x80" + bytes(3) + (2**50).to_bytes(8)),
    "a negative size": lambda: patched(tar_of(member()), 124, b"\xff" * 12),
    "a size that is no number": lambda: patched(tar_of(member()), 124, b"99999999999\0"),
    "wrong checksum": lambda: patched(tar_of(member()), 0, b"b", checked=False),
    "cut off in a file": lambda: tar_of(member(), data=b"x" * 2000)[:700],
    "cut off in a header": lambda: tar_of(member())[:300],
    "no end": lambda: tar_of(member(), end=b""),
    "something behind its end": lambda: tar_of(member(), end=bytes(1024) + b"x"),
    "folder with content": lambda: tar_of(member("a/", tarfile.DIRTYPE, 10), end=b"x" * 512 + bytes(1024)),
    "5,000 folders": lambda: tar_of(*(member(f"{number}", tarfile.DIRTYPE) for number in range(5000))),
    "1,001 files": lambda: tar_of(*(member(f"{number}") for number in range(1001))),
    "no files": lambda: tar_of(member("a", tarfile.DIRTYPE)),
    "gzip bomb behind the end": lambda: zeros_in_gzip(2000, tar_of(member())),
    "gzip bomb in a file": lambda: zeros_in_gzip(2000, tar_of(member(size=2**33 - 1), end=b"")[:512]),
    "gzip bomb of files": lambda: gzip.compress(tar_of(*(member(f"{n}") for n in range(20)), data=ZEROS[: 5 * MIB]), 1),
    "gzip bomb as a name": lambda: zeros_in_gzip(100, tar_of(member(kind=b"L", size=2**26), end=b"")[:512]),
    "gzip cut off": lambda: gzip.compress(tar_of(member()))[:-9],
    "gzip with a wrong checksum": lambda: gzip.compress(tar_of(member()))[:-8] + bytes(8),
    "gzip of two members": lambda: gzip.compress(tar_of(member())) * 2,
    "a million members of gzip": lambda: gzip.compress(b"", mtime=0) * 1_000_000,
    "gzip with something behind": lambda: gzip.compress(tar_of(member())) + b"x",
    "broken gzip": lambda: b"\x1f\x8b" + b"x" * 1000,
    "no archive": lambda: b"<!doctype html>" * 100,
    "nothing": lambda: b"",
}
ALL: Final = {f"{kind}: {name}": make for kind, group in (("zip", ZIPS), ("tar", TARS)) for name, make in group.items()}
