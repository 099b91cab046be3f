"""Making versions and putting them live: each is one transaction that moves one pointer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from services.deploy import owners, slugs, versions
from services.deploy.blobs import Blobs
from services.deploy.checks import Finding
from services.deploy.config import Config
from services.deploy.deployments import (
    ANONYMOUS_LIFE,
    IncompleteVersion,
    KeyBoundToSite,
    LimitReached,
    SlugTaken,
    StorageFull,
)
from services.deploy.service.contents import Content, Contents, Prepared
from services.deploy.service.losses import with_lost
from services.deploy.service.telling import Telling
from services.deploy.store import blobs as blob_rows
from services.deploy.store import claims, deployments
from services.deploy.store import versions as rows
from shared import credentials, db, ids, logs, outbox
from shared.auth_client import Caller
from shared.idempotency import Once, StillRunning

log = logs.get(__name__)

#: Invented names that may be taken before we give up; a single one is next to impossible.
_TRIES: Final = 5
#: Bytes that an anonymous site may have.
ANONYMOUS_STORAGE: Final = 100 * versions.MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The answer to a deploy."""

    id: str
    slug: str
    version: int
    live: bool
    missing: Sequence[str] = ()
    warnings: Sequence[Finding] = ()
    #: Of an anonymous site; the token leaves the process in this one answer.
    claim_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _New:
    """A site to be made: its id, who asks, from where, and what makes it once."""

    id: str
    caller: Caller
    once: Once | None
    #: Whose Idempotency-Key it is.
    scope: str
    ip: str
    claim_token: str | None = None
    expires_at: datetime | None = None


class Publishing:
    """Deploys, edits, publishes and rolls back; every method takes who calls."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, blobs: Blobs, telling: Telling, config: Config) -> None:
        self._pool = pool
        self._outbox = messages
        self._contents = Contents(pool, blobs, config)
        self._telling = telling
        self._config = config
        #: Scope and Idempotency-Key of what is being made.
        self._running: set[tuple[str, str]] = set()

    # New sites

    async def create(
        self, caller: Caller, content: Content, slug: str | None, once: Once | None = None, *, ip: str
    ) -> Published:
        """Publish a new site. Raise SlugTaken, LimitReached, KeyBoundToSite; with `once` KeyReused, StillRunning.

        When it returns, files and version are durable; when it raises, no site was made. Idempotent with `once`.
        """
        if caller.site is not None:
            raise KeyBoundToSite
        return await self._once(_New(ids.new_id("dep"), caller, once, caller.account_id, ip), content, slug)

    async def create_anonymous(
        self, content: Content, slug: str | None, once: Once | None = None, *, ip: str
    ) -> Published:
        """Publish a site that is nobody's yet and goes after 24 hours; the answer has the token that claims it.

        Raise as `create` does. A replay, which counts by address, has no token: only its digest is kept.
        """
        deployment_id = ids.new_id("dep")
        caller = owners.anonymous(deployment_id)
        token = f"tok_{ids.random_base62(43)}"
        new = _New(deployment_id, caller, once, f"ip:{ip}", ip, token, datetime.now(UTC) + ANONYMOUS_LIFE)
        return await self._once(new, content, slug)

    async def _once(self, new: _New, content: Content, slug: str | None) -> Published:
        if new.once is None:
            return await self._create(new, content, slug)
        running = (new.scope, new.once.key)
        if running in self._running:
            raise StillRunning
        self._running.add(running)
        try:
            return await self._create(new, content, slug)
        finally:
            self._running.discard(running)

    async def _create(self, new: _New, content: Content, slug: str | None) -> Published:
        # asked twice: here, so that what cannot succeed stores no bytes, and again with the account's row held
        async with db.acquire(self._pool) as conn:
            if first := await self._earlier(conn, new):
                return first
            await self._refuse_beyond_plan(conn, new.caller)
            if slug is not None and await deployments.slug_is_taken(conn, slug, new.caller.account_id):
                raise SlugTaken
        prepared = await self._contents.prepare(new.caller, new.id, content)
        for name in [slug] if slug is not None else [slugs.invent() for _ in range(_TRIES)]:
            try:
                return await self._add(new, name, content, prepared)
            except SlugTaken:
                continue
        raise SlugTaken

    async def _earlier(self, conn: db.Connection, new: _New) -> Published | None:
        if new.once is None or (first := await deployments.find_earlier(conn, new.scope, new.once)) is None:
            return None
        missing = await blob_rows.missing_of(conn, first[0], 1)
        warnings = await rows.findings(conn, first[0], 1)
        return Published(
            id=first[0],
            slug=first[1],
            version=1,
            live=await rows.was_published(conn, first[0], 1),
            missing=missing,
            warnings=warnings,
            expires_at=first[2],
        )

    async def _add(self, new: _New, slug: str, content: Content, prepared: Prepared) -> Published:
        live = not content.preview and not prepared.missing
        async with self._outbox.transaction() as conn:
            if not new.claim_token:
                await owners.keep(conn, new.caller)
            # another replica may have been faster
            if first := await self._earlier(conn, new):
                return first
            if new.claim_token:
                await claims.add_account(conn, new.caller.account_id)
            if new.once:
                await deployments.forget_key(conn, new.scope, new.once)
            await self._refuse_beyond_plan(conn, new.caller)
            await deployments.add(
                conn, new.id, new.caller.account_id, slug, once=new.once, scope=new.scope if new.once else None,
                claim_digest=new.claim_token and credentials.digest(new.claim_token), expires_at=new.expires_at,
            )  # fmt: skip
            await self._add_version(conn, new.caller, (new.id, 1), content, prepared, live=live)
            changed = await self._telling.write(
                conn, new.id, slug, 1 if live else None, new.caller, ip=new.ip,
                action="site.published" if live else "site.created",
            )  # fmt: skip
        await self._telling.tell(changed)
        log.info("site.published", deployment=new.id, slug=slug, version=1, live=live)
        return Published(
            id=new.id, slug=slug, version=1, live=live, missing=sorted(prepared.missing), warnings=prepared.warnings,
            claim_token=new.claim_token, expires_at=new.expires_at,
        )  # fmt: skip

    async def _refuse_beyond_plan(self, conn: db.Connection, caller: Caller) -> None:
        if caller.kind == "claim":
            return
        if await deployments.count_active(conn, caller.account_id) >= self._config.plan(caller.plan).deployments:
            raise LimitReached

    # New versions

    async def replace(
        self, caller: Caller, deployment_id: str, content: Content, *, if_version: int | None = None, ip: str
    ) -> Published:
        """Make a new version at the same address, and put it live unless it is a preview or bytes are missing.

        Raise DeploymentNotFound, VersionConflict. As durable as `create`.
        """
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            await rows.lock(conn, deployment_id, caller.account_id, if_version=if_version, hold=False)
        prepared = await self._contents.prepare(caller, deployment_id, content)
        return await self._next(caller, deployment_id, content, prepared, if_version=if_version, ip=ip)

    async def _next(
        self, caller: Caller, deployment_id: str, content: Content, prepared: Prepared, *, if_version: int | None,
        ip: str,
    ) -> Published:  # fmt: skip
        live = not content.preview and not prepared.missing
        async with self._outbox.transaction() as conn:
            if caller.kind != "claim":
                await owners.keep(conn, caller)
            held = await rows.lock(conn, deployment_id, caller.account_id, if_version=if_version)
            warnings = prepared.warnings
            if not prepared.missing:
                warnings = await with_lost(conn, deployment_id, held.live, prepared.contract, warnings)
            number = held.last + 1
            await rows.take_number(conn, deployment_id, number)
            await self._add_version(conn, caller, (deployment_id, number), content, prepared, live=live)
            changed = live and await self._telling.write(conn, deployment_id, held.slug, number, caller, ip=ip)
        if changed:
            await self._telling.tell(changed)
        log.info("site.published", deployment=deployment_id, slug=held.slug, version=number, live=live)
        return Published(
            id=deployment_id, slug=held.slug, version=number, live=live, missing=sorted(prepared.missing),
            warnings=warnings, expires_at=held.expires_at,
        )  # fmt: skip

    async def _add_version(
        self, conn: db.Connection, caller: Caller, place: tuple[str, int], content: Content, prepared: Prepared, *,
        live: bool,
    ) -> None:  # fmt: skip
        deployment_id, number = place
        if prepared.stored:
            await blob_rows.mark_stored(conn, prepared.stored)
        new = await blob_rows.add_refs(conn, deployment_id, prepared.present)
        if prepared.missing:
            new += await blob_rows.add_missing(conn, deployment_id, number, prepared.missing)
        if new:
            await deployments.add_stored(conn, deployment_id, new)
            room = ANONYMOUS_STORAGE if caller.kind == "claim" else self._config.plan(caller.plan).storage
            if await deployments.stored(conn, caller.account_id) > room:
                raise StorageFull
        row = rows.Row(
            number=number, manifest=prepared.manifest, settings=content.settings, named=prepared.named,
            rules=prepared.rules, findings=prepared.warnings, contract=prepared.contract,
        )  # fmt: skip
        await rows.add(conn, deployment_id, row, created_by=caller.credential_id)
        if live:
            await rows.put_live(conn, deployment_id, number, content.settings, published_by=caller.credential_id)

    # Going live, and back

    async def put_live(
        self, caller: Caller, deployment_id: str, number: int, *, if_version: int | None = None, ip: str
    ) -> Published:
        """Make a version the live one; an older one is a rollback. Idempotent.

        Raise DeploymentNotFound, VersionNotFound, VersionConflict, IncompleteVersion, and what going through its files
        raises for one that was waiting for bytes.
        """
        warnings = await self.finish(caller, deployment_id, number)
        async with self._outbox.transaction() as conn:
            held = await rows.lock(conn, deployment_id, caller.account_id, if_version=if_version)
            changed = None
            if held.live != number:
                version = await rows.find(conn, deployment_id, number)
                warnings = await with_lost(conn, deployment_id, held.live, version.contract, warnings)
                await rows.put_live(conn, deployment_id, number, version.settings, published_by=caller.credential_id)
                changed = await self._telling.write(
                    conn, deployment_id, held.slug, number, caller, ip=ip,
                    action="site.rolled_back" if number < (held.live or 0) else "site.published",
                )  # fmt: skip
        if changed:
            await self._telling.tell(changed)
        log.info("site.published", deployment=deployment_id, slug=held.slug, version=number, live=True)
        return Published(
            id=deployment_id, slug=held.slug, version=number, live=True, warnings=warnings,
            expires_at=held.expires_at,
        )  # fmt: skip

    async def finish(self, caller: Caller, deployment_id: str, number: int) -> Sequence[Finding]:
        """Make a version ready whose bytes came apart; return what is noticed about it. Idempotent.

        Raise IncompleteVersion while some are missing, and as `publish`.
        """
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            version = await rows.find(conn, deployment_id, number)
            if version.named is None:
                return version.findings
            if missing := await blob_rows.missing_of(conn, deployment_id, number):
                raise IncompleteVersion(missing)
        done = await self._contents.finish(caller, deployment_id, version.manifest, version.named, version.settings)
        async with db.transaction(self._pool) as conn:
            await blob_rows.mark_stored(conn, done.stored)
            row = replace(version, manifest=done.manifest, named=None, rules=done.rules, findings=done.warnings)
            row = replace(row, contract=done.contract)
            if await rows.complete(conn, deployment_id, row):
                new = await blob_rows.add_refs(conn, deployment_id, done.present)
                await deployments.add_stored(conn, deployment_id, new)
        return done.warnings
