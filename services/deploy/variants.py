"""Compressed variants of a file, made once when it is stored, so that serving compresses nothing. Pure functions."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from typing import Final

import brotli

#: Smaller ones gain nothing; larger ones would cost a deploy too much.
LEAST: Final = 512
MOST: Final = 4 * 1024 * 1024
#: A variant has to be smaller than this share of the file.
WORTH: Final = 0.9
#: Higher levels take ten times as long for a few per cent.
_BROTLI: Final = 5
_GZIP: Final = 6

#: Endings of the stored names.
BR: Final = ".br"
GZIP: Final = ".gz"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of each variant, 0 where there is none."""

    br: int = 0
    gzip: int = 0


def make(data: bytes, content_type: str) -> dict[str, bytes]:
    """Return the variants worth having, by the ending of their names. The same bytes for the same file."""
    if not (LEAST <= len(data) <= MOST and compressible(content_type)):
        return {}
    made = {BR: brotli.compress(data, quality=_BROTLI), GZIP: gzip.compress(data, compresslevel=_GZIP, mtime=0)}
    return {ending: each for ending, each in made.items() if len(each) < WORTH * len(data)}


def sizes(made: dict[str, bytes]) -> Sizes:
    """Return how large the variants are."""
    return Sizes(len(made.get(BR, b"")), len(made.get(GZIP, b"")))


def compressible(content_type: str) -> bool:
    """Tell whether bytes of this type are not compressed already."""
    return "charset=" in content_type or content_type in {
        "application/wasm", "application/vnd.ms-fontobject", "font/ttf", "font/otf", "font/collection", "font/sfnt",
        "image/bmp", "image/x-icon", "image/vnd.microsoft.icon",
    }  # fmt: skip


def is_of(name: str, data: bytes) -> bool:
    """Tell whether these are the bytes that were stored under a name: a digest, or that of a variant."""
    digest, dot, ending = name.partition(".")
    try:
        if dot:
            data = brotli.decompress(data) if f".{ending}" == BR else gzip.decompress(data)
    except (brotli.error, OSError, EOFError, zlib.error):
        return False
    return hashlib.sha256(data).hexdigest() == digest
