"""Bytes that come apart from the deploy that names them: hashed and looked through on their way."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from services.deploy import refusals
from services.deploy.blobs import SMALL, Blobs
from services.deploy.deployments import BlobNotNamed, DigestMismatch, WrongSize
from services.deploy.service.arrivals import Arrival, Arrivals
from services.deploy.service.publishing import Publishing
from services.deploy.service.telling import require_bound
from services.deploy.store import blobs as rows
from shared import db, logs
from shared.auth_client import Caller
from shared.errors import AppError

log = logs.get(__name__)

#: Bytes of a large file that are written down at once.
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What came, and how much the version still waits for that waits for least."""

    sha256: str
    size: int
    missing: int


class Uploads:
    """Takes in the bytes of named files; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs, publishing: Publishing) -> None:
        self._pool = pool
        self._publishing = publishing
        #: Apart: what a large file's variants take, small ones would wait for.
        self._small, self._large = Arrivals(pool, blobs), Arrivals(pool, blobs)
        #: Versions that are being made ready: each once, whoever brought its last file.
        self._finishing: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def take(self, caller: Caller, deployment_id: str, digest: str, pieces: AsyncIterator[bytes]) -> Uploaded:
        """Store bytes that a version waits for, durably. Idempotent. Publishes nothing.

        Raise DeploymentNotFound, BlobNotNamed, WrongSize, DigestMismatch, KeyInFile, Unavailable.
        """
        async with db.acquire(self._pool) as conn:
            found = await rows.awaited(conn, caller.account_id, deployment_id, digest)
        require_bound(caller, deployment_id, found.slug)
        if not (found.sizes or found.had):
            raise BlobNotNamed
        body = _Body(max(found.sizes, default=0), boundless=found.had)
        try:
            await body.receive(pieces)
            if body.digest != digest or body.size not in found.sizes:
                self._refuse_other(digest, body, found)
                body.close()
                return await self._again(caller, deployment_id, digest, body.size)
            arrival = Arrival(
                deployment_id=deployment_id, sha256=digest, size=body.size, type=found.type, data=body.taken
            )
        except BaseException:
            body.close()
            raise
        left = await (self._small if isinstance(arrival.data, bytes) else self._large).add(arrival)
        return Uploaded(digest, body.size, await self._finish_all(caller, left))

    def _refuse_other(self, digest: str, body: "_Body", found: rows.Awaited) -> None:
        """Raise WrongSize, DigestMismatch, unless the site has these bytes."""
        if not found.had and body.size not in found.sizes:
            raise WrongSize(
                f"The file was named with {found.sizes[0]} bytes",
                hint="Deploy again with its size as it is, then send it.",
            )
        if body.digest != digest:
            raise DigestMismatch

    async def _again(self, caller: Caller, deployment_id: str, digest: str, size: int) -> Uploaded:
        """Answer for bytes that were sent before: that answer may have been lost."""
        async with db.acquire(self._pool) as conn:
            numbers = await rows.unfinished_with(conn, deployment_id, digest)
            left = await rows.left(conn, [(deployment_id, number) for number in numbers])
        return Uploaded(digest, size, await self._finish_all(caller, left))

    async def _finish_all(self, caller: Caller, left: dict[tuple[str, int], int]) -> int:
        """Make those versions ready that wait for nothing more; return what the one waits for that waits for least."""
        for version, count in left.items():
            if not count:
                await self._finish(caller, version)
        return min(left.values(), default=0)

    async def _finish(self, caller: Caller, version: tuple[str, int]) -> None:
        """Make a version ready, so that its preview can be seen; what is wrong with it, publishing will say."""
        if (task := self._finishing.get(version)) is None:
            task = asyncio.create_task(self._finish_now(caller, *version), name="finish")
            self._finishing[version] = task
            task.add_done_callback(lambda _: self._finishing.pop(version, None))
        await asyncio.shield(task)

    async def _finish_now(self, caller: Caller, deployment_id: str, number: int) -> None:
        try:
            await self._publishing.finish(caller, deployment_id, number)
        except AppError as error:
            log.info("version.not_finished", deployment=deployment_id, version=number, why=error.code)


class _Body:
    """Bytes on their way in: small ones in memory, others in a file. Past the largest size wanted none are kept."""

    def __init__(self, largest: int, *, boundless: bool) -> None:
        self.size = 0
        self._largest, self._boundless = largest, boundless
        self._hash, self._scanner = hashlib.sha256(), refusals.KeyScanner()
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._file = tempfile.NamedTemporaryFile() if largest > SMALL else None  # noqa: SIM115 - closed when stored

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    @property
    def taken(self) -> "bytes | tempfile._TemporaryFileWrapper[bytes]":
        """What came."""
        return self._file or b"".join(self._pieces)

    def close(self) -> None:
        """Give up the file."""
        if self._file is not None:
            self._file.close()

    async def receive(self, pieces: AsyncIterator[bytes]) -> None:
        """Take in all pieces, or too many for anything that is waited for. Raise KeyInFile."""
        async for piece in pieces:
            self.size += len(piece)
            if self.size > self._largest and not self._boundless:
                break
            self._hash.update(piece)
            self._scanner.feed(piece)
            if self.size <= self._largest:
                await self._keep(piece)
        self._scanner.check("This file")
        if self._file is not None:
            await self._write()

    async def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._file is not None and self._waiting >= _PIECE:
            await self._write()

    async def _write(self) -> None:
        assert self._file is not None  # noqa: S101 - as both callers saw
        pieces, self._pieces, self._waiting = self._pieces, [], 0
        await asyncio.to_thread(self._file.writelines, pieces)
