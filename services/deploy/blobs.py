"""The bytes of files, each stored once under its SHA-256, in a directory or a bucket."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import obstore
from cachetools import LRUCache
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore, from_url
from yarl import URL

from services.deploy import variants
from shared import logs
from shared.errors import Unavailable

log = logs.get(__name__)

#: Files up to this size are kept in memory, larger ones are streamed.
SMALL: Final = 256 * 1024
#: Bytes of small files kept in memory.
MEMORY: Final = 64 * 1024 * 1024
#: Bytes of one piece of a streamed file: hundreds may be under way.
PIECE: Final = 64 * 1024
#: Seconds for reading a small file, or for the next piece of a large one.
READ_TIMEOUT: Final = 5.0
#: Writes under way at once, and threads that force what was written to the disk: the file system makes one of many.
_WRITES: Final = 16
_SYNCS: Final = 8


class Blobs:
    """The store; one per process."""

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self._folder = Path(URL(url).path) if url.startswith("file:") else None
        self._store: ObjectStore = from_url(url, mkdir=True) if self._folder else _bucket(url, options or {})
        self._memory: LRUCache[str, bytes] = LRUCache(MEMORY, getsizeof=len)
        self._syncs = ThreadPoolExecutor(_SYNCS, thread_name_prefix="sync")
        #: Folders whose own names are on the disk.
        self._lasting: set[Path] = set()

    async def put_all(self, blobs: Mapping[str, bytes | Path]) -> None:
        """Store bytes by name, durably; idempotent. Raise Unavailable when the store does not take them.

        A name is a digest, or that and the ending of a variant. Bytes in a file are sent on piece by piece.
        """
        writes = asyncio.Semaphore(_WRITES)

        async def put(name: str, data: bytes | Path) -> None:
            async with writes:
                await self._put(name, data)

        try:
            async with asyncio.TaskGroup() as group:
                for name, data in blobs.items():
                    group.create_task(put(name, data))
            if self._folder:
                await self._sync([self._folder / _key(name) for name in blobs])
        except* (OSError, obstore.exceptions.BaseError) as errors:
            log.exception("blobs.not_stored", count=len(blobs))
            raise Unavailable from errors

    async def _put(self, name: str, data: bytes | Path) -> None:
        if isinstance(data, Path):
            # piece by piece, and under its name when all is there: the library can do that only by overwriting
            if await self._size(name) != (await asyncio.to_thread(data.stat)).st_size:
                await obstore.put_async(self._store, _key(name), data, max_concurrency=1)
            return
        try:
            await obstore.put_async(self._store, _key(name), data, mode="create")
        except AlreadyExistsError:
            # a disk that was full, or a machine that lost its power, may have left a part
            if await self._size(name) != len(data):
                await obstore.put_async(self._store, _key(name), data, mode="overwrite")

    async def _sync(self, files: list[Path]) -> None:
        """Force files and their names to the disk: the library leaves that to the kernel."""
        folders = {path.parent for path in files}
        new = folders - self._lasting
        names = folders | {each.parent for each in new} | {each.parent.parent for each in new}
        paths = [*files, *names]
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(
                loop.run_in_executor(self._syncs, _fsync, paths[start::_SYNCS])
                for start in range(_SYNCS)
                if paths[start:]
            )
        )
        self._lasting |= new

    async def _size(self, name: str) -> int | None:
        try:
            return (await obstore.head_async(self._store, _key(name)))["size"]
        except FileNotFoundError:
            return None

    async def delete(self, names: Iterable[str]) -> None:
        """Delete what has these names; idempotent. Raise Unavailable."""
        deletes = asyncio.Semaphore(_WRITES)

        async def delete(name: str) -> None:
            self._memory.pop(name, None)
            async with deletes:
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self._store, _key(name))

        try:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(delete(name))
        except* (OSError, obstore.exceptions.BaseError) as errors:
            log.exception("blobs.not_deleted")
            raise Unavailable from errors

    def cached(self, digest: str) -> bytes | None:
        """Return the bytes if they are in memory."""
        return self._memory.get(digest)

    async def read(self, name: str) -> bytes:
        """Return a small file's bytes and keep them in memory. Raise Unavailable when they cannot be had."""
        data = await self.load(name)
        self._memory[name] = data
        return data

    async def load(self, name: str) -> bytes:
        """Return a file's bytes, which are what the name says. Raise Unavailable when they cannot be had."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                found = await obstore.get_async(self._store, _key(name))
                data = bytes(await found.bytes_async())
        except (OSError, TimeoutError, obstore.exceptions.BaseError) as error:
            log.exception("blob.unreadable", name=name)
            raise Unavailable from error
        if not variants.is_of(name, data):
            log.error("blob.corrupt", name=name)
            raise Unavailable
        return data

    def path(self, name: str) -> Path | None:
        """Return the file that has the bytes, where the store is a directory."""
        return self._folder / _key(name) if self._folder else None

    async def stream(self, name: str, part: tuple[int, int] | None = None) -> AsyncGenerator[bytes, None]:
        """Yield a large file's bytes, or those of a part from its start to before its end, piece by piece.

        Raise Unavailable when they cannot be had.
        """
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                found = await obstore.get_async(self._store, _key(name), options={"range": part} if part else None)
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except (OSError, TimeoutError, obstore.exceptions.BaseError) as error:
            log.exception("blob.unreadable", name=name)
            raise Unavailable from error


def _bucket(url: str, options: Mapping[str, str]) -> ObjectStore:
    """Return a bucket's store; what the options leave out comes from the environment (`AWS_…`) or the machine."""
    # an endpoint without TLS was chosen by whoever wrote it down
    plain = any(value.startswith("http://") for value in options.values())
    given: Any = dict(options)
    return from_url(url, config=given, client_options={"allow_http": plain})


def _key(name: str) -> str:
    """Return where a blob is; two levels keep directories small."""
    return f"{name[:2]}/{name[2:4]}/{name}"


def _fsync(paths: list[Path]) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
