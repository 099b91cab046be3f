"""Bytes that arrive together are stored together: synced as one and committed as one, for all that wait.

Nobody waits to be joined: a write begins at once, and what arrives while it runs is the next one. So a site of a
thousand files costs dozens of commits, and a single file is answered as fast as ever.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.deploy import variants
from services.deploy.blobs import Blobs
from services.deploy.store import blobs as rows
from services.deploy.variants import Sizes
from shared import db, logs
from shared.errors import Unavailable

log = logs.get(__name__)

#: Files of one write, and their bytes.
MAX_TOGETHER: Final = 64
MAX_BYTES: Final = 16 * 1024 * 1024
#: Writes under way at once: while one waits for the disk, the next is put together.
WRITES: Final = 2

#: A version: its site's id and its number.
VersionId = tuple[str, int]


@dataclass(slots=True, kw_only=True)
class Arrival:
    """Bytes whose digest was checked: in memory, or in a file that goes when they are stored."""

    deployment_id: str
    sha256: str
    size: int
    type: str
    data: "bytes | tempfile._TemporaryFileWrapper[bytes]"
    done: "asyncio.Future[dict[VersionId, int]]" = field(default_factory=asyncio.Future)

    def close(self) -> None:
        """Give up the file."""
        if not isinstance(self.data, bytes):
            self.data.close()


class Arrivals:
    """Stores what arrives; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs) -> None:
        self._pool = pool
        self._blobs = blobs
        self._waiting: list[Arrival] = []
        self._writes: set[asyncio.Task[None]] = set()

    async def add(self, given: Arrival) -> dict[VersionId, int]:
        """Return, when the bytes are durable, how many files each version still waits for that waited for them.

        Raise Unavailable when they could not be stored. Whoever is cancelled while waiting leaves the write alone.
        """
        self._waiting.append(given)
        if len(self._writes) < WRITES:
            write = asyncio.create_task(self._run(), name="arrivals")
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)
        return await given.done

    async def _run(self) -> None:
        while self._waiting:
            together = self._next()
            try:
                left = await self._store(together)
            except Exception as error:
                # it is raised where the bytes came from
                if not isinstance(error, Unavailable):
                    log.exception("arrivals.failed", count=len(together))
                for each in together:
                    if not each.done.done():
                        each.done.set_exception(Unavailable())
            else:
                for each in together:
                    if not each.done.done():
                        mine = {version: count for version, count in left.items() if version[0] == each.deployment_id}
                        each.done.set_result(mine)
            finally:
                for each in together:
                    each.close()

    def _next(self) -> list[Arrival]:
        count, size = 0, 0
        for each in self._waiting[:MAX_TOGETHER]:
            size += each.size
            if count and size > MAX_BYTES:
                break
            count += 1
        together, self._waiting = self._waiting[:count], self._waiting[count:]
        return together

    async def _store(self, together: Sequence[Arrival]) -> dict[VersionId, int]:
        by_digest = {each.sha256: each for each in together}
        async with db.acquire(self._pool) as conn:
            there = await rows.touch(conn, {digest: each.size for digest, each in by_digest.items()})
        new = [each for digest, each in by_digest.items() if digest not in there]
        named, sizes = await asyncio.to_thread(_prepared, new)
        if named:
            await self._blobs.put_all(named)
        async with db.transaction(self._pool) as conn:
            await rows.mark_stored(conn, sizes)
            waited = await rows.arrive(conn, [(each.deployment_id, each.sha256, each.size) for each in together])
        async with db.acquire(self._pool) as conn:
            return await rows.left(conn, waited)


def _prepared(new: Sequence[Arrival]) -> tuple[dict[str, bytes | Path], Mapping[str, Sizes]]:
    """Return what is to be stored by name, and the sizes of variants by digest. Slow: for a thread."""
    named: dict[str, bytes | Path] = {}
    sizes: dict[str, Sizes] = {}
    for each in new:
        data = each.data
        if isinstance(data, bytes):
            named[each.sha256] = data
        else:
            data.flush()
            named[each.sha256] = Path(data.name)
            if each.size > variants.LARGEST or not variants.compressible(each.type):
                sizes[each.sha256] = Sizes()
                continue
            data.seek(0)
            data = data.read()
        made = variants.make(data, each.type)
        named.update(made.named(each.sha256))
        sizes[each.sha256] = made.sizes
    return named, sizes
