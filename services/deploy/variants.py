"""Compressed variants of a file's bytes, made once when it is published. Pure functions, slow: run them in a thread."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from typing import Final

import brotli

from services.deploy import versions

#: Below, headers weigh more than what is saved; above, a deploy would wait too long.
SMALLEST: Final = 512
#: And a file and its variants are in memory at the same time, which may be twice a body's limit at most (R18).
LARGEST: Final = 4 * versions.MIB
#: What a variant may have of the file's size: less saved is not worth a second copy.
_WORTH: Final = 0.9
#: A publish waits for it: 30 KiB take 1 ms, at 9 they would take four times as long for 3 % less.
_BROTLI_QUALITY: Final = 5
_GZIP_LEVEL: Final = 6

#: Types beside `text/…` and those that end in `+json` or `+xml` whose bytes are not compressed already.
_OTHERS: Final = """
    application/json application/xml application/wasm application/vnd.ms-fontobject audio/wav audio/x-wav
    font/collection font/otf font/sfnt font/ttf image/bmp image/vnd.microsoft.icon image/x-icon
"""
_COMPRESSIBLE: Final = frozenset(_OTHERS.split())


@dataclass(frozen=True, slots=True)
class Variants:
    """The bytes of each variant; None where it would save too little."""

    br: bytes | None = None
    gzip: bytes | None = None

    def named(self, digest: str) -> dict[str, bytes]:
        """Return the bytes by the names under which they are stored beside the file."""
        return {digest + ending: data for ending, data in ((BR, self.br), (GZIP, self.gzip)) if data is not None}

    @property
    def sizes(self) -> "Sizes":
        """How large they are."""
        return Sizes(len(self.br or b""), len(self.gzip or b""))


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of each variant, 0 where there is none."""

    br: int = 0
    gzip: int = 0


NONE: Final = Variants()
#: Endings of the names under which variants are stored.
BR: Final = ".br"
GZIP: Final = ".gz"


def compressible(content_type: str) -> bool:
    """Tell whether bytes of this type are worth a try."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare.startswith("text/") or bare.endswith(("+json", "+xml")) or bare in _COMPRESSIBLE


def make(data: bytes, content_type: str) -> Variants:
    """Return the variants of a file. The same bytes give the same variants, whenever and wherever it runs."""
    if not SMALLEST <= len(data) <= LARGEST or not compressible(content_type):
        return NONE
    most = int(len(data) * _WORTH)
    br = brotli.compress(data, quality=_BROTLI_QUALITY)
    # the header would have the time and the machine in it
    packed = gzip.compress(data, compresslevel=_GZIP_LEVEL, mtime=0)
    return Variants(br if len(br) <= most else None, packed if len(packed) <= most else None)


def is_of(name: str, data: bytes) -> bool:
    """Tell whether these are the bytes that were stored under a name: a digest, or that of a variant."""
    digest, dot, ending = name.partition(".")
    try:
        if dot:
            data = brotli.decompress(data) if dot + ending == BR else gzip.decompress(data)
    except (brotli.error, OSError, EOFError, zlib.error):
        return False
    return hashlib.sha256(data).hexdigest() == digest
