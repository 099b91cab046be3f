"""The bytes of files, each stored once under its SHA-256, in a directory or a bucket."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Final

import obstore
from cachetools import LRUCache
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore, from_url
from yarl import URL

from shared import logs
from shared.errors import Unavailable

log = logs.get(__name__)

#: Files up to this size are kept in memory, larger ones are streamed.
SMALL: Final = 256 * 1024
#: Bytes of small files kept in memory.
MEMORY: Final = 64 * 1024 * 1024
#: Bytes of one piece of a streamed file.
PIECE: Final = 256 * 1024
#: Seconds for reading a small file, or for the next piece of a large one.
READ_TIMEOUT: Final = 5.0
#: Writes under way at once.
_WRITES: Final = 16


class Blobs:
    """The store; one per process."""

    def __init__(self, url: str) -> None:
        self._folder = Path(URL(url).path) if url.startswith("file:") else None
        self._store: ObjectStore = from_url(url, mkdir=True) if self._folder else from_url(url)
        self._memory: LRUCache[str, bytes] = LRUCache(MEMORY, getsizeof=len)

    async def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """Store bytes by digest, durably; idempotent. Raise Unavailable when the store does not take them."""
        writes = asyncio.Semaphore(_WRITES)

        async def put(digest: str, data: bytes) -> None:
            async with writes:
                await self._put(digest, data)

        try:
            async with asyncio.TaskGroup() as group:
                for digest, data in blobs.items():
                    group.create_task(put(digest, data))
            if self._folder:
                await asyncio.to_thread(_sync, self._folder, [_key(digest) for digest in blobs])
        except* (OSError, obstore.exceptions.BaseError) as errors:
            log.exception("blobs.not_stored", count=len(blobs))
            raise Unavailable from errors

    async def _put(self, digest: str, data: bytes) -> None:
        try:
            await obstore.put_async(self._store, _key(digest), data, mode="create")
        except AlreadyExistsError:
            # a disk that was full, or a machine that lost its power, may have left a part
            if (await obstore.head_async(self._store, _key(digest)))["size"] != len(data):
                await obstore.put_async(self._store, _key(digest), data, mode="overwrite")

    def cached(self, digest: str) -> bytes | None:
        """Return the bytes if they are in memory."""
        return self._memory.get(digest)

    async def read(self, digest: str) -> bytes:
        """Return a small file's bytes and keep them in memory. Raise Unavailable when they cannot be had."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                found = await obstore.get_async(self._store, _key(digest))
                data = bytes(await found.bytes_async())
        except (OSError, TimeoutError, obstore.exceptions.BaseError) as error:
            log.exception("blob.unreadable", digest=digest)
            raise Unavailable from error
        if hashlib.sha256(data).hexdigest() != digest:
            log.error("blob.corrupt", digest=digest)
            raise Unavailable
        self._memory[digest] = data
        return data

    async def stream(self, digest: str) -> AsyncGenerator[bytes, None]:
        """Yield a large file's bytes piece by piece. Raise Unavailable when they cannot be had."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                found = await obstore.get_async(self._store, _key(digest))
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except (OSError, TimeoutError, obstore.exceptions.BaseError) as error:
            log.exception("blob.unreadable", digest=digest)
            raise Unavailable from error


def _key(digest: str) -> str:
    """Return where a blob is; two levels keep directories small."""
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _sync(folder: Path, keys: list[str]) -> None:
    """Force files and their names to the disk: the library leaves that to the kernel."""
    folders = set[Path]()
    for key in keys:
        path = folder / key
        _fsync(path)
        folders.update((path.parent, path.parent.parent))
    for each in (*folders, folder):
        _fsync(each)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
