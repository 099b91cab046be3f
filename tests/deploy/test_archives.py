"""Archives on their way in and out: what is taken from them, and what is refused."""

import io
import random
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import archives, unpacking, versions
from shared.errors import AppError
from tests.support import hostile_archives
from tests.support.hostile_archives import ALL, Z, large, with_zip64_end, zip_of

SITE = {"index.html": b"<p>hello</p>" * 100, "a/b.css": b"x", "ü/日本.html": b"", "empty": b""}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w", kind: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=kind) as archive:  # type: ignore[call-overload]
        for path, data in files.items():
            facts = tarfile.TarInfo(path)
            facts.size = len(data)
            archive.addfile(facts, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_read(method: int) -> None:
    assert archives.read(zipped(SITE, method)) == SITE


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_tar_is_read(mode: str, kind: int) -> None:
    files = SITE | {"a" * 80 + "/" + "b" * 90: b"long"}
    assert archives.read(tarred(files, mode, kind)) == files


@pytest.mark.parametrize(
    "given_names, names",
    [
        (["site/index.html", "site/a/b.css"], ["index.html", "a/b.css"]),
        (["site/index.html", "__MACOSX/site/._index.html", "site/.DS_Store", "site/a/Thumbs.db"], ["index.html"]),
        (["./index.html", "./a.css"], ["index.html", "a.css"]),
        (["site/index.html", "other.html"], ["site/index.html", "other.html"]),
        (["a/site/x", "a/other/y"], ["site/x", "other/y"]),
        (["index.html"], ["index.html"]),
        (["u\u0308.html"], ["\u00fc.html"]),
        (["_redirects", ".well-known/x"], ["_redirects", ".well-known/x"]),
    ],
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_only_the_sites_own_files_are_taken(pack: object, given_names: list[str], names: list[str]) -> None:
    files = dict.fromkeys(given_names, b"x")
    archive = zipped(files) if pack is zipped else tarred(files)
    assert list(archives.read(archive)) == names


def test_folders_are_no_files() -> None:
    assert archives.read(zip_of(Z(name="a/", data=b""), Z(name="a/b"), Z(name="c"))) == {"a/b": b"x", "c": b"x"}


def test_a_zip_with_its_sizes_behind_the_bytes_is_read() -> None:
    """As tools write it that cannot go back in their output."""
    entry = Z(says={"flags": 8}, local={"flags": 8, "crc": 0, "packed": 0, "size": 0})
    assert archives.read(zip_of(entry)) == {"a.html": b"x"}


def test_a_zip64_of_an_honest_tool_is_read() -> None:
    assert archives.read(with_zip64_end(1)) == {"a.html": b"x"}
    assert archives.read(zip_of(Z(says={"size": 0xFFFFFFFF}, extra=b"\x99\x99\0\0" + large(1)))) == {"a.html": b"x"}


def test_a_zip_in_the_encoding_of_dos_is_read() -> None:
    entry = Z(name="ü.html".encode("cp437"), says={"flags": 0}, local={"flags": 0})
    assert archives.read(zip_of(entry)) == {"ü.html": b"x"}


def test_r67_there_are_enough_malicious_archives() -> None:
    """R67: at least 40 of their own kind."""
    assert len(ALL) >= 100


@pytest.mark.parametrize("name", ALL)
def test_r67_a_malicious_archive_is_refused(name: str) -> None:
    """R67: with a clear 4xx, in at most 2 s."""
    data = ALL[name]()
    began = time.process_time()
    with pytest.raises(AppError) as caught:
        archives.read(data)
    assert time.process_time() - began < 2
    assert caught.value.code in {"bad_archive", "bad_path", "too_large"}
    assert 400 <= caught.value.status < 500
    assert caught.value.message.isprintable()


MEASURE = """
import re, sys
from pathlib import Path
from services.deploy import archives
from shared.errors import AppError

def memory(name):
    return int(re.search(rf"{name}:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

for file in sorted(Path(sys.argv[1]).iterdir()):
    data = file.read_bytes()
    # the highest so far is forgotten
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    try:
        archives.read(data)
    except AppError:
        pass
    print(memory("VmHWM") - before, file.name)
"""


def test_r67_a_malicious_archive_takes_little_memory(tmp_path: Path) -> None:
    """R67: at most 64 MB, each."""
    for name, make in ALL.items():
        (tmp_path / re.sub(r"\W", "_", name)).write_bytes(make())
    root = Path(hostile_archives.__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], check=True, capture_output=True, cwd=root, text=True
    )
    grown = {name: int(kib) * 1024 for kib, name in map(str.split, run.stdout.splitlines())}
    assert len(grown) == len(ALL)
    assert {name: size for name, size in grown.items() if size > 64_000_000} == {}


def test_as_much_is_taken_as_the_limits_say() -> None:
    noise = random.Random(1).randbytes(versions.MAX_FILE)
    files = {f"{number}": noise for number in range(unpacking.MAX_TOTAL // versions.MAX_FILE)}
    assert archives.read(zipped(files, zipfile.ZIP_STORED)) == files
    with pytest.raises(AppError, match="too large when it is unpacked"):
        archives.read(zipped(files | {"x": b"y"}, zipfile.ZIP_STORED))
    with pytest.raises(AppError, match="'0' is too large"):
        archives.read(zipped({"0": noise + b"x"}))


@given(st.binary(max_size=600), st.sampled_from([b"", b"PK\3\4", b"\x1f\x8b\x08\0"]))
def test_r67_any_bytes_are_an_archive_or_refused(data: bytes, start: bytes) -> None:
    """R67: fuzzed from nothing."""
    try_to_read(start + data)


@given(st.data(), st.sampled_from([zipped(SITE), tarred(SITE), tarred(SITE, "w:gz"), with_zip64_end(1)]))
def test_r67_a_damaged_archive_is_read_or_refused(data: st.DataObject, archive: bytes) -> None:
    """R67: fuzzed from honest ones."""
    changed = bytearray(archive)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    try_to_read(bytes(changed[: data.draw(st.integers(1, len(archive)))]))


def try_to_read(data: bytes) -> None:
    try:
        archives.read(data)
    except AppError as error:
        assert error.status in {400, 413}  # noqa: PT017 - either outcome is right


async def test_what_is_sent_as_a_zip_can_be_read_again_and_is_made_in_pieces() -> None:
    noise = random.Random(1).randbytes(3_000_000)
    files = SITE | {"noise": noise}

    async def entries() -> AsyncGenerator[tuple[str, AsyncGenerator[bytes, None]], None]:
        for path, content in files.items():
            yield path, pieces(content)

    made = [piece async for piece in archives.stream_zip(entries())]
    assert archives.read(b"".join(made)) == files
    assert max(map(len, made)) < 200_000
    with zipfile.ZipFile(io.BytesIO(b"".join(made))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(files)


async def pieces(content: bytes) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]
