"""The files of a deploy: where their bytes are, and the digests by which the API knows those it has."""

import hashlib
import os
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from invoker_mcp import ignore
from invoker_mcp.errors import ClientError

PART = 64 * 1024
#: Sent in one piece; larger ones in parts, so that a progress bar moves.
SMALL = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a site, on this machine or in memory."""

    path: str
    sha256: str
    size: int
    local: Path | None = None
    content: bytes | None = field(default=None, repr=False)
    content_type: str | None = None

    def entry(self) -> dict[str, str | int]:
        """How the API is told of it."""
        named = {"contentType": self.content_type} if self.content_type else {}
        return {"path": self.path, "sha256": self.sha256, "size": self.size, **named}

    def whole(self) -> bytes:
        """Return its bytes; raise `ClientError` when they are not those that were named any more."""
        content = self.content if self.local is None else _read(self.local)
        if content is None or hashlib.sha256(content).hexdigest() != self.sha256:
            raise changed(self.path)
        return content

    async def parts(self) -> AsyncIterator[bytes]:
        """Give its bytes bit by bit; the API holds them to the digest."""
        if self.local is None:
            yield self.whole()
            return
        left = self.size
        with self.local.open("rb") as file:
            while left and (part := file.read(min(PART, left))):
                left -= len(part)
                yield part
        if left:
            raise changed(self.path)


def changed(path: str) -> ClientError:
    return ClientError(f"{path} was changed while it was being deployed", hint="Deploy again.")


def given(path: str, content: bytes, content_type: str | None = None) -> File:
    """Return a file whose bytes are in memory."""
    digest = hashlib.sha256(content).hexdigest()
    return File(path=path, sha256=digest, size=len(content), content=content, content_type=content_type)


def collect(source: Path) -> list[File]:
    """Return the files of a folder, or the one file, with their digests; blocks for as long as hashing takes."""
    if source.is_dir():
        found: Iterable[tuple[str, Path]] = ignore.files_of(source).items()
    elif source.is_file():
        found = [(source.name, source.resolve())]
    else:
        raise ClientError(f"There is no file or folder {source}")
    # Reading and hashing let go of the interpreter's lock.
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) * 2)) as pool:
        return list(pool.map(_hashed, found))


def _hashed(named: tuple[str, Path]) -> File:
    path, local = named
    size = local.stat().st_size
    if size > ignore.MOST_BYTES:
        raise ClientError(
            f"{path} is larger than {ignore.MOST_BYTES // 2**20} MiB",
            hint=f"Keep it elsewhere, or name it in {ignore.IGNORE_FILE}.",
        )
    content = _read(local)
    return File(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content), local=local)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(ignore.MOST_BYTES + 1)
    except OSError as error:
        raise ClientError(f"{file} cannot be read: {error.strerror}") from error
