"""Multipart bodies with files, as a reader of pieces: cut anywhere it reads the same, and nothing breaks it."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deploy import attachments
from services.deploy.attachments import IN_MEMORY, MAX_FILE
from services.deploy.fields import MAX_TEXT
from services.deploy.multipart import MAX_BODY, FilesNotTaken, Reader
from shared.errors import AppError, BadRequest, Invalid, TooLarge
from tests.support.forms import BOUNDARY, MULTIPART, body, part

TYPE = MULTIPART["Content-Type"]
Found = tuple[dict[str, object], list[tuple[str, str, str, int, bytes]], str]


def read(pieces: Sequence[bytes], *, content_type: str = TYPE, takes_files: bool = True) -> Found:
    """Read a body in these pieces; return data, files with their bytes, and the digest."""

    async def run() -> Found:
        reader = Reader(content_type, takes_files=takes_files)
        try:
            for piece in pieces:
                reader.feed(piece)
                await reader.settle()
            await reader.settle(last=True)
            sent = reader.finish()
            files = [(each.field, each.name, each.type, each.size, bytes_of(each.content)) for each in sent.files]
            assert all(each.digest == hashlib.sha256(bytes_of(each.content)).hexdigest() for each in sent.files)
            return sent.data, files, reader.digest
        finally:
            reader.close()

    return asyncio.run(run())


def bytes_of(content: bytes | Path) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def cut(data: bytes, *sizes: int) -> list[bytes]:
    """Cut a body into pieces of these sizes, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        pieces.append(data[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return pieces


WHOLE = body(
    part("name", "Ada ü".encode()),
    part("cv", b"%PDF\r\n--almost\r\n" * 9, "C:\\fake\\Lebenslauf.pdf", "application/pdf"),
    part("name", b"again"),
    part("left", b"", ""),
    part("empty", b"", "empty.txt"),
)


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (7,), (64,), (10_000,)])
def test_cut_anywhere_a_body_reads_the_same(sizes: tuple[int, ...]) -> None:
    data, files, digest = read(cut(WHOLE, *sizes))
    assert data == {"name": ["Ada ü", "again"]}
    assert files == [
        ("cv", "Lebenslauf.pdf", "application/pdf", 144, b"%PDF\r\n--almost\r\n" * 9),
        ("empty", "empty.txt", "text/plain", 0, b""),
    ]
    assert digest == read([WHOLE])[2]


def test_the_boundary_is_no_part_of_what_is_said() -> None:
    other = "another-boundary"
    again = WHOLE.replace(BOUNDARY.encode(), other.encode())
    assert read([again], content_type=f"multipart/form-data; boundary={other}")[2] == read([WHOLE])[2]
    assert read([WHOLE.replace(b"again", b"other")])[2] != read([WHOLE])[2]
    assert read([WHOLE.replace(b"%PDF", b"%PDG")])[2] != read([WHOLE])[2]


def test_r83_a_large_file_lies_on_the_disk_until_it_is_closed() -> None:
    async def run() -> None:
        reader = Reader(TYPE, takes_files=True)
        for piece in cut(body(part("f", b"x" * MAX_FILE, "a.bin")), 65_536):
            reader.feed(piece)
            await reader.settle()
            assert all(each._waiting <= IN_MEMORY for each in reader._parts.files)
        await reader.settle(last=True)
        (file,) = reader.finish().files
        assert isinstance(file.content, Path)
        assert file.content.stat().st_size == file.size == MAX_FILE
        reader.close()
        assert not file.content.exists()

    asyncio.run(run())


LARGE = part("f", b"x" * MAX_FILE, "a.bin")
REFUSED: dict[str, tuple[type[AppError], bytes]] = {
    "R83: a file of a byte more": (TooLarge, body(part("f", b"x" * (MAX_FILE + 1), "a"))),
    "R83: a sixth file": (TooLarge, body(*(part("f", b"x", "a") for _ in range(6)))),
    "R83: text of a byte more": (TooLarge, body(part("f", b"x", "a"), part("t", b"x" * MAX_TEXT))),
    "R83: a hundred and first field": (TooLarge, body(*(part("t", b"") for _ in range(101)))),
    "text after the end": (TooLarge, body(LARGE) + b"x" * MAX_TEXT),
    "a header without an end": (BadRequest, b"--" + BOUNDARY.encode() + b"\r\nX: " + b"x" * 9000),
    "NUL in the name of a file's field": (Invalid, body(part("a\0", b"x", "a"))),
    "NUL in a field": (Invalid, body(part("a", b"\0"))),
    "a name in Latin-1": (BadRequest, body(part("a", b"x", "a")).replace(b'name="a"', b'name="\xff"', 1)),
    "cut off in a file": (BadRequest, body(LARGE)[:-9]),
}


@pytest.mark.parametrize("error, data", REFUSED.values(), ids=REFUSED.keys())
def test_r83_what_is_past_a_limit_or_no_form_is_refused(error: type[AppError], data: bytes) -> None:
    """R83: limits of the reader, whatever a Content-Length says."""
    with pytest.raises(error):
        read(cut(data, 65_536))


def test_r83_all_limits_at_once_are_taken() -> None:
    text = MAX_TEXT - len(body(*(part("f", b"", "a.bin") for _ in range(5)), part("t", b"")))
    data = body(*(part("f", b"x" * MAX_FILE, "a.bin") for _ in range(5)), part("t", b"y" * text))
    assert len(data) == MAX_BODY
    assert len(read(cut(data, 262_144))[1]) == 5


def test_a_file_that_is_not_wanted_ends_the_reading_at_its_name() -> None:
    reader = Reader(TYPE, takes_files=False)
    with pytest.raises(FilesNotTaken):
        reader.feed(part("f", b"", "a.bin")[:150])


@pytest.mark.parametrize("filler", [b"\r\n--b ", b"\r\n--bx", b"\r", b"\r\n-", b"\r\n--b\r\n\r\n"])
def test_a_body_made_to_be_slow_costs_little(filler: bytes) -> None:
    data = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + filler * (
        4_000_000 // len(filler)
    )
    began = time.process_time()
    with pytest.raises(AppError):
        read(cut(data, 65_536), content_type="multipart/form-data; boundary=b")
    assert time.process_time() - began < 2


pieces = st.sampled_from(
    [
        b"\r\n", b"--", BOUNDARY.encode(), b"--" + BOUNDARY.encode(), b"--" + BOUNDARY.encode() + b"--", b"\r\n\r\n",
        b'"', b"Content-Disposition: form-data", b'; name="a"', b"; name*=utf-8''a", b'; filename="a.txt"',
        b'; filename=""', b"Content-Type: text/plain", b": ", b"\0", b"\xff", b"a" * 300,
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(pieces, st.binary(max_size=40)), max_size=30), st.integers(1, 200), st.booleans())
def test_whatever_comes_is_read_or_refused(found: list[bytes], size: int, takes_files: bool) -> None:  # noqa: FBT001
    data = b"".join(found)
    refused = None
    try:
        read(cut(data, size), takes_files=takes_files)
    except AppError as error:
        refused = error.status
    assert refused in {None, 400, 413, 415, 422}


parts = st.lists(
    st.tuples(
        st.text("abcdü_", min_size=1, max_size=5), st.binary(max_size=300), st.none() | st.text("xyz.", min_size=1)
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(parts, st.integers(1, 400))
def test_what_was_put_in_comes_out(given_parts: list[tuple[str, bytes, str | None]], size: int) -> None:
    files = [(name, content) for name, content, filename in given_parts if filename is not None][:5]
    texts = [(name, content.hex().encode()) for name, content, filename in given_parts if filename is None]
    data = body(*(part(name, content, "x") for name, content in files), *(part(name, text) for name, text in texts))
    found, taken, _ = read(cut(data, size))
    assert [(field, content) for field, _, _, _, content in taken] == files
    assert list(found) == list(dict.fromkeys(name for name, _ in texts if not name.startswith("_")))


NAMES = {
    "../../etc/passwd": "passwd", "C:\\x\\a.pdf": "a.pdf", "a\0b\r\nc.txt": "a b c.txt", "...": "file", "": "file",
    "/": "file", "\u202egpj.exe": "gpj.exe", 'a"b<c>.txt': "a_b_c_.txt", "a%22b.txt": "a_b.txt",
    ".htaccess": "htaccess", " x .txt ": "x .txt", "u\u0308.txt": "ü.txt",
    "x" * 300 + ".pdf": "x" * 96 + ".pdf", "x" * 300: "x" * 100, "a." + "y" * 300: "a." + "y" * 98,
}  # fmt: skip


@pytest.mark.parametrize("declared, name", NAMES.items())
def test_r83_a_declared_name_is_a_name_and_no_path(declared: str, name: str) -> None:
    assert attachments.clean_name(declared.encode()) == name


@given(st.binary(max_size=400))
def test_whatever_is_declared_a_name_is_harmless(raw: bytes) -> None:
    name = attachments.clean_name(raw)
    assert 0 < len(name) <= 100
    assert name.isprintable()
    assert not set(name) & set('/\\"<>:|?*\r\n')
    assert "/" in attachments.clean_type(raw)
