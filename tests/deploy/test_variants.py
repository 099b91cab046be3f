"""Compressed variants: which files have them, and that they are what they should be."""

import gzip
import random

import brotli
import pytest

from services.deploy import variants

TEXT = b"".join(b"<p>line %d</p>\n" % number for number in range(200))


@pytest.mark.parametrize(
    "kind",
    ["text/html; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml; charset=utf-8", "application/wasm",
     "application/json; charset=utf-8", "font/ttf", "image/bmp", "image/x-icon"],
)  # fmt: skip
def test_what_can_be_compressed_has_both_variants(kind: str) -> None:
    made = variants.make(TEXT, kind)
    assert made.br is not None
    assert made.gzip is not None
    assert brotli.decompress(made.br) == gzip.decompress(made.gzip) == TEXT
    assert len(made.br) < len(made.gzip) < len(TEXT) / 4


@pytest.mark.parametrize(
    "kind", ["image/png", "font/woff2", "application/zip", "video/mp4", "application/octet-stream"]
)
def test_what_is_compressed_already_has_none(kind: str) -> None:
    assert variants.make(TEXT, kind) == variants.NONE


@pytest.mark.parametrize("size", [0, variants.SMALLEST - 1, variants.LARGEST + 1])
def test_what_is_too_small_or_too_large_has_none(size: int) -> None:
    assert variants.make(b"a" * size, "text/plain") == variants.NONE
    assert variants.make(b"a" * variants.SMALLEST, "text/plain") != variants.NONE


def test_a_variant_that_saves_less_than_a_tenth_is_not_kept() -> None:
    noise = random.Random(1).randbytes(10_000)
    assert variants.make(noise, "text/plain") == variants.NONE


def test_the_same_bytes_have_the_same_variants() -> None:
    made = variants.make(TEXT, "text/html")
    assert made == variants.make(TEXT, "text/html; charset=utf-8")
    assert made.gzip is not None
    # no time in its header
    assert made.gzip[4:8] == b"\0" * 4
