"""What owners do with their sites and what was sent in; the transactions are here."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from services.deploy import documents, exports, owners, slugs, store, submissions, versions
from services.deploy.blobs import Blobs
from services.deploy.config import Config
from services.deploy.live import LiveSites
from services.deploy.store import Deployment, DeploymentNotFound, LimitReached, SlugTaken
from services.deploy.versions import File
from shared import db, ids, logs, outbox
from shared.auth_client import Caller
from shared.errors import Forbidden, TooLarge
from shared.events import Audited, SiteChanged
from shared.idempotency import Once, StillRunning

log = logs.get(__name__)

#: Invented names that may be taken before we give up; a single one is next to impossible.
_TRIES: Final = 5


class KeyBoundToSite(Forbidden):
    """The key is for one site, and this would make another."""

    code = "key_bound_to_site"
    message = "This key is bound to one site"
    hint = "Use a key that is not bound to a site to make a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a deploy brings: files by checked path, what the page's head may lack, and the settings it states."""

    files: Mapping[str, tuple[bytes, str]]
    head: documents.Head
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The answer to a deploy."""

    id: str
    slug: str
    #: Null for a site that was never live.
    version: int | None


class DeployService:
    """The use cases of owners; every method takes who calls."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, blobs: Blobs, live: LiveSites, config: Config) -> None:
        self._pool = pool
        self._outbox = messages
        self._blobs = blobs
        self._live = live
        self._config = config
        #: Account and Idempotency-Key of what is being made.
        self._running: set[tuple[str, str]] = set()

    async def create(
        self, caller: Caller, content: Content, slug: str | None, once: Once | None = None, *, ip: str
    ) -> Published:
        """Publish a new site. Raise SlugTaken, LimitReached, KeyBoundToSite; with `once` KeyReused, StillRunning.

        When it returns, files and version are durable; when it raises, no site was made. Idempotent with `once`.
        """
        if caller.site is not None:
            raise KeyBoundToSite
        if once is None:
            return await self._create(caller, content, slug, None, ip)
        running = (caller.account_id, once.key)
        if running in self._running:
            raise StillRunning
        self._running.add(running)
        try:
            return await self._create(caller, content, slug, once, ip)
        finally:
            self._running.discard(running)

    async def _create(
        self, caller: Caller, content: Content, slug: str | None, once: Once | None, ip: str
    ) -> Published:
        # asked twice: here, so that what cannot succeed stores no bytes, and again with the account's row held
        async with db.acquire(self._pool) as conn:
            if once and (first := await store.find_earlier(conn, caller.account_id, once)):
                return Published(id=first[0], slug=first[1], version=1)
            await self._refuse_beyond_plan(conn, caller)
            if slug is not None and await store.slug_is_taken(conn, slug):
                raise SlugTaken
        deployment_id = ids.new_id("dep")
        manifest = await self._keep(deployment_id, content)
        for name in [slug] if slug is not None else [slugs.invent() for _ in range(_TRIES)]:
            try:
                return await self._add(
                    caller, name, manifest, deployment_id=deployment_id, content=content, once=once, ip=ip
                )
            except SlugTaken:
                continue
        raise SlugTaken

    async def _add(
        self,
        caller: Caller,
        slug: str,
        manifest: Mapping[str, File],
        *,
        deployment_id: str,
        content: Content,
        once: Once | None,
        ip: str,
    ) -> Published:
        async with self._outbox.transaction() as conn:
            await owners.keep(conn, caller)
            if once:
                # another replica may have been faster
                if first := await store.find_earlier(conn, caller.account_id, once):
                    return Published(id=first[0], slug=first[1], version=1)
                await store.forget_key(conn, caller.account_id, once)
            await self._refuse_beyond_plan(conn, caller)
            await store.add_deployment(conn, deployment_id, caller.account_id, slug, content.settings, once=once)
            await store.add_version(conn, deployment_id, 1, manifest, created_by=caller.credential_id)
            await _tell(conn, "site.published", Published(id=deployment_id, slug=slug, version=1), caller, ip)
        return self._published(deployment_id, slug, 1)

    async def _refuse_beyond_plan(self, conn: db.Connection, caller: Caller) -> None:
        plan = self._config.plans.get(caller.plan) or self._config.plans["free"]
        if await store.count_active(conn, caller.account_id) >= plan.deployments:
            raise LimitReached

    async def replace(self, caller: Caller, deployment_id: str, content: Content, *, ip: str) -> Published:
        """Publish a new version at the same address. Raise DeploymentNotFound. As durable as `create`."""
        async with db.acquire(self._pool) as conn:
            await self._owned(conn, caller, deployment_id)
        manifest = await self._keep(deployment_id, content)
        async with self._outbox.transaction() as conn:
            await owners.keep(conn, caller)
            slug, number = await store.next_version(conn, deployment_id, caller.account_id, content.settings)
            await store.add_version(conn, deployment_id, number, manifest, created_by=caller.credential_id)
            await _tell(conn, "site.published", Published(id=deployment_id, slug=slug, version=number), caller, ip)
        return self._published(deployment_id, slug, number)

    def _published(self, deployment_id: str, slug: str, number: int) -> Published:
        self._live.drop(slug, deployment_id)
        log.info("site.published", deployment=deployment_id, slug=slug, version=number)
        return Published(id=deployment_id, slug=slug, version=number)

    async def _keep(self, deployment_id: str, content: Content) -> dict[str, File]:
        """Store the files' bytes as they will be served, and return their manifest."""
        submit_url = f"{self._config.api_url}/submit/{deployment_id}"
        # hashing 25 MiB takes longer than other requests should wait
        manifest, blobs = await asyncio.to_thread(_prepare, content, submit_url)
        await self._blobs.put_all(blobs)
        return manifest

    async def delete(self, caller: Caller, deployment_id: str, *, ip: str) -> datetime:
        """Take a site down and return when that was; its name stays taken. Raise DeploymentNotFound."""
        async with self._outbox.transaction() as conn:
            await self._owned(conn, caller, deployment_id)
            slug, version, moment = await store.delete_deployment(conn, deployment_id, caller.account_id)
            await _tell(conn, "site.deleted", Published(id=deployment_id, slug=slug, version=version), caller, ip)
        self._live.drop(slug, deployment_id)
        log.info("site.deleted", deployment=deployment_id, slug=slug)
        return moment

    async def read(self, caller: Caller, deployment_id: str) -> Deployment:
        """Return the caller's deployment. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            found = await store.find_deployment(conn, caller.account_id, deployment_id)
        _check_binding(caller, found.id, found.slug)
        return found

    async def list(
        self, caller: Caller, *, limit: int, before: tuple[datetime, str] | None
    ) -> tuple[Sequence[Deployment], bool]:
        """Return the caller's deployments, newest first, and whether there are more."""
        async with db.acquire(self._pool) as conn:
            found = await store.list_deployments(
                conn, caller.account_id, limit=limit + 1, before=before, only=caller.site
            )
        return found[:limit], len(found) > limit

    async def submissions(
        self, caller: Caller, deployment_id: str, *, page: int, limit: int, before: tuple[datetime, str] | None
    ) -> submissions.Page:
        """Return one page of what was sent in, counted from `before` where that is given. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            await self._owned(conn, caller, deployment_id)
            return await submissions.list_page(
                conn, deployment_id, limit=limit, offset=(page - 1) * limit, before=before
            )

    async def usage(self, account_id: str) -> int:
        """Return how many active deployments the account has."""
        async with db.acquire(self._pool) as conn:
            return await store.count_active(conn, account_id)

    def export(self, account_id: str) -> AsyncGenerator[bytes, None]:
        """Yield all that the account has here, as a JSON array in pieces. Raise Unavailable."""
        return exports.sites(self._pool, account_id, self._config.site_url)

    async def _owned(self, conn: db.Connection, caller: Caller, deployment_id: str) -> None:
        _check_binding(caller, deployment_id, await store.owned(conn, caller.account_id, deployment_id))


async def _tell(conn: db.Connection, action: str, site: Published, caller: Caller, ip: str) -> None:
    """Tell every cache that the site is another one now, and the audit trail who did it from where."""
    await outbox.add(conn, SiteChanged(deployment_id=site.id, slug=site.slug))
    event = Audited(
        account_id=caller.account_id,
        at=datetime.now(UTC),
        action=action,
        actor=caller.credential_id,
        key_id=caller.credential_id if caller.kind == "key" else None,
        ip=ip,
        detail={"site": site.id, "slug": site.slug, "version": site.version},
    )
    await outbox.add(conn, event)


def _check_binding(caller: Caller, deployment_id: str, slug: str) -> None:
    """Raise DeploymentNotFound when the key is bound to another site."""
    if caller.site is not None and caller.site not in {deployment_id, slug}:
        raise DeploymentNotFound


def _prepare(content: Content, submit_url: str) -> tuple[dict[str, File], dict[str, bytes]]:
    manifest, blobs = {}, {}
    for path, (given, kind) in content.files.items():
        data = given
        if versions.is_html(kind):
            data = documents.with_form(data, submit_url)
            if path == versions.INDEX:
                data = documents.with_head(data, content.head)
        if len(data) > versions.MAX_FILE:
            raise TooLarge(f"The file {path!r} is too large", hint="At most 10 MiB a file are taken.")
        digest = hashlib.sha256(data).hexdigest()
        manifest[path] = File(digest, len(data), kind)
        blobs[digest] = data
    return manifest, blobs
