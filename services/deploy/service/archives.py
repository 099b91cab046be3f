"""A site as one file to keep."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from services.deploy import archives
from services.deploy.blobs import SMALL, Blobs
from services.deploy.deployments import VersionNotFound
from services.deploy.service.telling import Telling
from services.deploy.store import deployments
from services.deploy.store import versions as rows
from services.deploy.versions import File
from shared import db
from shared.auth_client import Caller


class Archives:
    """Puts versions into zip files while they are sent; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs, telling: Telling) -> None:
        self._pool = pool
        self._blobs = blobs
        self._telling = telling

    async def live(self, caller: Caller, deployment_id: str) -> tuple[str, AsyncGenerator[bytes, None]]:
        """Return the slug, and the live version as a zip in pieces. Raise DeploymentNotFound, VersionNotFound."""
        async with db.acquire(self._pool) as conn:
            slug = await self._telling.owned(conn, caller, deployment_id)
            live = (await deployments.find(conn, caller.account_id, deployment_id)).version
            if live is None:
                raise VersionNotFound("Nothing is published yet")
            version = await rows.find(conn, deployment_id, live)
        return slug, archives.stream_zip(self._entries(version.manifest))

    async def _entries(self, manifest: Mapping[str, File]) -> AsyncGenerator[tuple[str, AsyncIterator[bytes]], None]:
        for path, file in manifest.items():
            yield path, self._bytes(file)

    async def _bytes(self, file: File) -> AsyncGenerator[bytes, None]:
        if file.size <= SMALL:
            yield await self._blobs.load(file.sha256)
            return
        async for piece in self._blobs.stream(file.sha256):
            yield piece
