"""What owners see of their sites and decide about them: lists, deletion and return, settings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.deploy import exports, owners, passwords
from services.deploy.config import Config
from services.deploy.deployments import Deployment, LimitReached, TakenDown, Version
from services.deploy.service.telling import Telling, require_bound
from services.deploy.store import deployments
from services.deploy.store import versions as rows
from shared import db, logs, outbox
from shared.auth_client import Caller

log = logs.get(__name__)


class Deployments:
    """The use cases of owners; every method takes who calls."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, telling: Telling, config: Config) -> None:
        self._pool = pool
        self._outbox = messages
        self._telling = telling
        self._config = config

    async def read(self, caller: Caller, deployment_id: str) -> Deployment:
        """Return the caller's deployment. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            found = await deployments.find(conn, caller.account_id, deployment_id)
        require_bound(caller, found.id, found.slug)
        return found

    async def list(
        self, caller: Caller, *, limit: int, before: tuple[datetime, str] | None, deleted: bool = False
    ) -> tuple[Sequence[Deployment], bool]:
        """Return the caller's deployments, newest first, and whether there are more; or those that can be restored."""
        async with db.acquire(self._pool) as conn:
            found = await deployments.list_page(
                conn, caller.account_id, limit=limit + 1, before=before, only=caller.site, deleted=deleted
            )
        return found[:limit], len(found) > limit

    async def versions(
        self, caller: Caller, deployment_id: str, *, limit: int, before: int | None
    ) -> tuple[str, Sequence[Version], bool]:
        """Return a site's slug, its versions, newest first, and whether there are more. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            slug = await self._telling.owned(conn, caller, deployment_id)
            found = await rows.list_page(conn, deployment_id, limit=limit + 1, before=before)
        return slug, found[:limit], len(found) > limit

    async def delete(self, caller: Caller, deployment_id: str, *, ip: str) -> datetime:
        """Take a site down and return when that was; its name rests. Raise DeploymentNotFound."""
        async with self._outbox.transaction() as conn:
            slug = await self._telling.owned(conn, caller, deployment_id)
            version, holder = None, caller.account_id
            try:
                version = (await rows.lock(conn, deployment_id, caller.account_id)).live
            except TakenDown:
                # it can be deleted, but its name is not free for that
                holder = "operator"
            moment = await deployments.delete(conn, deployment_id)
            await deployments.rest_name(conn, slug, holder)
            changed = await self._telling.write(
                conn, deployment_id, slug, version, caller, ip=ip, action="site.deleted"
            )
        await self._telling.tell(changed)
        log.info("site.deleted", deployment=deployment_id, slug=slug)
        return moment

    async def restore(self, caller: Caller, deployment_id: str, *, ip: str) -> Deployment:
        """Bring a deleted site back within its week.

        Raise DeploymentNotFound, NotRestorable, SlugTaken, LimitReached.
        """
        async with self._outbox.transaction() as conn:
            await owners.keep(conn, caller)
            slug = await deployments.restore(conn, deployment_id, caller.account_id, only=caller.site)
            plan = self._config.plan(caller.plan)
            if await deployments.count_active(conn, caller.account_id) > plan.deployments:
                raise LimitReached
            found = await deployments.find(conn, caller.account_id, deployment_id)
            changed = await self._telling.write(
                conn, deployment_id, slug, found.version, caller, ip=ip, action="site.restored"
            )
        await self._telling.tell(changed)
        log.info("site.restored", deployment=deployment_id, slug=slug)
        return found

    async def change_settings(
        self, caller: Caller, deployment_id: str, given: Mapping[str, Any], *, ip: str
    ) -> Deployment:
        """Change what is given of a site's settings; null takes one back. Raise DeploymentNotFound, TakenDown."""
        columns: dict[str, Any] = {name: given[name] for name in ("expires_at",) if name in given}
        if "password" in given:
            password = given["password"]
            columns["password_hash"] = await passwords.hash(password) if password is not None else None
        settings = {name: value for name, value in given.items() if name not in {"expires_at", "password"}}
        async with self._outbox.transaction() as conn:
            slug = await self._telling.owned(conn, caller, deployment_id)
            held = await rows.lock(conn, deployment_id, caller.account_id)
            await deployments.change_settings(conn, deployment_id, settings, columns)
            changed = await self._telling.write(
                conn, deployment_id, slug, held.live, caller, ip=ip, action="site.settings_changed",
                detail={"changed": sorted(given)},
            )  # fmt: skip
            found = await deployments.find(conn, caller.account_id, deployment_id)
        await self._telling.tell(changed)
        log.info("site.settings_changed", deployment=deployment_id, slug=slug, changed=sorted(given))
        return found

    async def usage(self, account_id: str) -> int:
        """Return how many active deployments the account has."""
        async with db.acquire(self._pool) as conn:
            return await deployments.count_active(conn, account_id)

    def export(self, account_id: str) -> exports.Pieces:
        """Yield all that the account has here, as a JSON array in pieces. Raise Unavailable."""
        return exports.sites(self._pool, account_id, self._config.site_url)
