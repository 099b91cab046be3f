"""Small changes to a site without sending its pages again."""

import asyncio
from collections.abc import Sequence

from services.deploy import documents, edits
from services.deploy.blobs import Blobs
from services.deploy.config import Config
from services.deploy.deployments import VersionConflict, VersionNotFound
from services.deploy.edits import Edit
from services.deploy.service.contents import STATED, Content, Named
from services.deploy.service.publishing import Published, Publishing
from services.deploy.service.telling import Telling
from services.deploy.store import deployments
from services.deploy.store import versions as rows
from shared import db
from shared.auth_client import Caller

#: Looks at the live version when another deploy is faster each time.
_TRIES = 3


class Edits:
    """Changes the live version's text; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs, publishing: Publishing, telling: Telling, config: Config) -> None:
        self._pool = pool
        self._blobs = blobs
        self._publishing = publishing
        self._telling = telling
        self._config = config

    async def edit(
        self, caller: Caller, deployment_id: str, given: Sequence[Edit], *, if_version: int | None, preview: bool,
        ip: str,
    ) -> Published:  # fmt: skip
        """Make a version of the live one with these changes, all or none, and put it live unless it is a preview.

        Raise DeploymentNotFound, VersionNotFound when nothing is live, VersionConflict, EditNotUnique, NotText.
        """
        for left in reversed(range(_TRIES)):
            try:
                return await self._edit(caller, deployment_id, given, if_version, preview=preview, ip=ip)
            except VersionConflict:
                # somebody was faster: the change may go on what is live now, unless the caller minds
                if if_version is not None or not left:
                    raise
        raise AssertionError

    async def _edit(
        self, caller: Caller, deployment_id: str, given: Sequence[Edit], if_version: int | None, *, preview: bool,
        ip: str,
    ) -> Published:  # fmt: skip
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            site = await deployments.find(conn, caller.account_id, deployment_id)
            live = site.version
            if if_version is not None and if_version != live:
                raise VersionConflict(live)
            if live is None:
                raise VersionNotFound("Nothing is published yet", hint="Publish a version first, or send whole files.")
            base = await rows.find(conn, deployment_id, live)
        submit_url = f"{self._config.api_url}/submit/{deployment_id}"
        resolved = [
            Edit(each.path, documents.resolve(each.find, submit_url), documents.resolve(each.replace, submit_url))
            for each in given
        ]
        found = {
            path: await self._blobs.load(base.manifest[path].sha256)
            for path in {each.path for each in given} if path in base.manifest
        }  # fmt: skip
        # looking for a similar place may take a while
        changed = await asyncio.to_thread(edits.apply, found, resolved)
        content = Content(
            files={
                path: (changed.get(path, Named(file.sha256, file.size)), file.type)
                for path, file in base.manifest.items()
            },
            # as they are now: what was changed since the deploy is not to come back
            settings={name: site.settings[name] for name in STATED if name in site.settings},
            preview=preview,
        )
        return await self._publishing.replace(caller, deployment_id, content, if_version=live, ip=ip)
