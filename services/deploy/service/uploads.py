"""Bytes that come apart from the deploy that names them: hashed and looked through on their way."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.deploy import refusals, variants
from services.deploy.blobs import Blobs
from services.deploy.deployments import BlobNotNamed, DigestMismatch, WrongSize
from services.deploy.service.publishing import Publishing
from services.deploy.service.telling import Telling
from services.deploy.store import blobs as rows
from services.deploy.variants import Sizes
from shared import db, logs
from shared.auth_client import Caller
from shared.errors import AppError

log = logs.get(__name__)

#: Bytes that are kept in memory until their digest is known; more go to a file.
IN_MEMORY: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What came, and how much the version still waits for that waits for least."""

    sha256: str
    size: int
    missing: int


class Uploads:
    """Takes in the bytes of named files; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs, publishing: Publishing, telling: Telling) -> None:
        self._pool = pool
        self._blobs = blobs
        self._publishing = publishing
        self._telling = telling

    async def take(self, caller: Caller, deployment_id: str, digest: str, pieces: AsyncIterator[bytes]) -> Uploaded:
        """Store bytes that a version waits for, durably. Idempotent. Publishes nothing.

        Raise DeploymentNotFound, BlobNotNamed, WrongSize, DigestMismatch, KeyInFile, Unavailable.
        """
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            wanted = await rows.wanted(conn, deployment_id, digest)
            if wanted is None and not await rows.has(conn, deployment_id, digest):
                raise BlobNotNamed
        size, kind = wanted or (None, "")
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
            size = await _receive(pieces, spool, digest, size)
            if wanted is None:
                return Uploaded(digest, size, 0)
            stored = await self._store(digest, size, kind, spool)
        left = await self._arrived(deployment_id, digest, size, stored)
        for number, count in left.items():
            if not count:
                await self._finish(caller, deployment_id, number)
        return Uploaded(digest, size, min(left.values(), default=0))

    async def _store(
        self, digest: str, size: int, kind: str, spool: "tempfile.SpooledTemporaryFile[bytes]"
    ) -> Sizes | None:
        """Store the bytes and their variants; None when they were there."""
        async with db.acquire(self._pool) as conn:
            if digest in await rows.touch(conn, {digest: size}):
                return None
        spool.seek(0)
        if size <= IN_MEMORY or (variants.SMALLEST <= size <= variants.LARGEST and variants.compressible(kind)):
            data = await asyncio.to_thread(spool.read)
            made = await asyncio.to_thread(variants.make, data, kind)
            await self._blobs.put_all({digest: data} | made.named(digest))
            return made.sizes
        spool.rollover()
        with tempfile.NamedTemporaryFile() as file:
            await asyncio.to_thread(_copy, spool, file)
            await self._blobs.put_all({digest: Path(file.name)})
        return Sizes()

    async def _arrived(self, deployment_id: str, digest: str, size: int, stored: Sizes | None) -> dict[int, int]:
        async with db.transaction(self._pool) as conn:
            if stored is not None:
                await rows.mark_stored(conn, {digest: stored})
            await rows.add_refs(conn, deployment_id, {digest: size})
            return await rows.arrived(conn, deployment_id, [digest])

    async def _finish(self, caller: Caller, deployment_id: str, number: int) -> None:
        """Make a version ready, so that its preview can be seen; what is wrong with it, publishing will say."""
        try:
            await self._publishing.finish(caller, deployment_id, number)
        except AppError as error:
            log.info("version.not_finished", deployment=deployment_id, version=number, why=error.code)


async def _receive(
    pieces: AsyncIterator[bytes], spool: "tempfile.SpooledTemporaryFile[bytes]", digest: str, expected: int | None
) -> int:
    """Write the pieces down and return their size. Raise WrongSize, DigestMismatch, KeyInFile."""
    hashed, size, scanner = hashlib.sha256(), 0, refusals.KeyScanner()
    async for piece in pieces:
        size += len(piece)
        if expected is not None and size > expected:
            break
        hashed.update(piece)
        scanner.feed(piece)
        spool.write(piece)
    scanner.check("This file")
    if expected is not None and size != expected:
        raise WrongSize(
            f"The file was named with {expected} bytes", hint="Deploy again with its size as it is, then send it."
        )
    if hashed.hexdigest() != digest:
        raise DigestMismatch
    return size


def _copy(spool: "tempfile.SpooledTemporaryFile[bytes]", file: "tempfile._TemporaryFileWrapper[bytes]") -> None:
    while piece := spool.read(IN_MEMORY):
        file.write(piece)
    file.flush()
