"""Custom domains: owners add and prove them, the worker goes on looking, and everyone is told what is served where."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from services.deploy import domains
from services.deploy.certificates import Certificates
from services.deploy.changed import Changed
from services.deploy.config import Config
from services.deploy.domains import Domain, DomainNotFound, Look
from services.deploy.proofs import Proofs
from services.deploy.service.telling import Telling
from services.deploy.store import domains as store
from shared import db, logs, outbox
from shared.auth_client import Caller
from shared.events import Audited, DomainSuspendedMail, SiteChanged

log = logs.get(__name__)

#: Looks that the worker makes at the same time.
TOGETHER: Final = 8


class DomainService:
    """The use cases of custom domains; those of owners take who calls."""

    def __init__(
        self,
        pool: db.Pool,
        messages: outbox.Outbox,
        *,
        proofs: Proofs,
        telling: Telling,
        certificates: Certificates,
        config: Config,
    ) -> None:
        self._pool = pool
        self._outbox = messages
        self._proofs = proofs
        self._telling = telling
        self._certificates = certificates
        self._config = config

    async def of_site(self, caller: Caller, deployment_id: str) -> list[Domain]:
        """Return the site's domains, oldest first. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            return await store.of_site(conn, deployment_id)

    async def add(self, caller: Caller, deployment_id: str, name: str, *, ip: str) -> tuple[Domain, bool]:
        """Add a domain that is to be proved, and tell whether it is new. Idempotent.

        Raise BadDomain, DomainLimitReached, DeploymentNotFound.
        """
        # the list of public suffixes takes a while to read, the first time
        domain = await asyncio.to_thread(domains.check, name, self._config)
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            new = await store.add(conn, deployment_id, domain, domains.new_token(), most=domains.MAX_DOMAINS)
            added = await store.find(conn, deployment_id, domain)
            if new:
                await outbox.add(conn, _by_caller("domain.added", added, caller, ip))
        return added, new

    async def remove(self, caller: Caller, deployment_id: str, name: str, *, ip: str) -> str:
        """Remove a domain and its certificate, and return its name. Raise DeploymentNotFound, DomainNotFound."""
        domain = _normal(name)
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            await store.hold(conn, domain)
            removed = await store.find(conn, deployment_id, domain)
            await store.remove(conn, deployment_id, domain)
            await outbox.add(conn, _by_caller("domain.removed", removed, caller, ip))
            if removed.verified_at is not None:
                await outbox.add(conn, _changed(removed))
            in_use = await store.has_any(conn, domain)
        log.info("domain.removed", deployment=deployment_id, domain=domain)
        if removed.verified_at is not None:
            await self._telling.tell(Changed(id=deployment_id, slug=removed.slug, domains=(domain,)))
        if not in_use:
            await asyncio.to_thread(self._certificates.remove, domain)
        return domain

    async def verify(self, caller: Caller, deployment_id: str, name: str, *, ip: str) -> Domain:
        """Look now, and return what was found. Raise DeploymentNotFound, DomainNotFound."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await store.find(conn, deployment_id, _normal(name))
        look = await self._proofs.look(found.domain, found.token)
        if (settled := await self._settle(found, look, caller=caller, ip=ip)) is None:
            raise DomainNotFound
        return settled

    async def look_at_due(self) -> int:
        """Look at the domains whose time it is, and return how many there were."""
        count = 0
        while True:
            async with db.acquire(self._pool) as conn:
                found = await store.due(conn, TOGETHER)
            looks = await asyncio.gather(*(self._proofs.look(each.domain, each.token) for each in found))
            for each, look in zip(found, looks, strict=True):
                await self._settle(each, look)
            count += len(found)
            if len(found) < TOGETHER:
                return count

    async def _settle(
        self, found: Domain, look: Look, *, caller: Caller | None = None, ip: str | None = None
    ) -> Domain | None:
        """Note what a look found, and let it count; None when the domain was removed meanwhile. Idempotent."""
        changed: list[Changed] = []
        async with self._outbox.transaction() as conn:
            await store.hold(conn, found.domain)
            try:
                now = await store.find(conn, found.deployment_id, found.domain)
            except DomainNotFound:
                return None
            served = now.verified_at is not None
            if look.proved or (served and look.leads_here):
                if not served:
                    changed = await self._serve(conn, now, caller, ip)
                await store.verify(conn, now, leads_here=look.leads_here, next_at=datetime.now(UTC) + domains.DAILY)
            else:
                changed = await self._miss(conn, now, look, asked=caller is not None)
            settled = await store.find(conn, found.deployment_id, found.domain)
        await self._telling.tell(*changed)
        return settled

    async def _serve(self, conn: db.Connection, now: Domain, caller: Caller | None, ip: str | None) -> list[Changed]:
        """Take the domain from whoever had it, and say that it is this site's."""
        losers = await store.take_over(conn, now.deployment_id, now.domain)
        actor = _by_caller("domain.verified", now, caller, ip or "") if caller else _by_system("domain.verified", now)
        await outbox.add(conn, actor)
        for each in (now, *(replace(now, deployment_id=loser.id, slug=loser.slug) for loser in losers)):
            await outbox.add(conn, _changed(each))
        log.info("domain.verified", deployment=now.deployment_id, domain=now.domain, taken_from=len(losers))
        sites = [(now.deployment_id, now.slug), *((loser.id, loser.slug) for loser in losers)]
        return [Changed(id=site, slug=slug, domains=(now.domain,)) for site, slug in sites]

    async def _miss(self, conn: db.Connection, now: Domain, look: Look, *, asked: bool) -> list[Changed]:
        """Note that there was no proof, and no longer serve what has been without one for a week."""
        moment = datetime.now(UTC)
        since = moment if asked else now.sought_since
        next_at = domains.next_look(now.failures, served=now.verified_at is not None, since=since, now=moment)
        await store.miss(conn, now, look, next_at=next_at, asked=asked)
        if now.verified_at is None or now.failing_since is None or moment - now.failing_since < domains.GRACE:
            return []
        await store.suspend(conn, now)
        await outbox.add(conn, _changed(now))
        await outbox.add(conn, _by_system("domain.suspended", now))
        if now.email:
            await outbox.add(conn, self._mail(now, look, moment))
        log.info("domain.suspended", deployment=now.deployment_id, domain=now.domain)
        return [Changed(id=now.deployment_id, slug=now.slug, domains=(now.domain,))]

    def _mail(self, now: Domain, look: Look, moment: datetime) -> DomainSuspendedMail:
        return DomainSuspendedMail(
            to=now.email,
            domain=now.domain,
            slug=now.slug,
            site_url=self._config.site_url(now.slug),
            problem=look.problem,
            suspended_at=moment,
            dashboard_url=f"{self._config.app_url}/dashboard",
        )


def _normal(name: str) -> str:
    """Return a name as it is kept. Raise DomainNotFound for what cannot be one."""
    try:
        return domains.normalise(name)
    except domains.BadDomain:
        raise DomainNotFound from None


def _changed(of: Domain) -> SiteChanged:
    return SiteChanged(deployment_id=of.deployment_id, slug=of.slug, domains=(of.domain,))


def _by_caller(action: str, of: Domain, caller: Caller, ip: str) -> Audited:
    key_id = caller.credential_id if caller.kind == "key" else None
    return _audited(action, of, {"actor": caller.credential_id, "key_id": key_id, "ip": ip})


def _by_system(action: str, of: Domain) -> Audited:
    return _audited(action, of, {"actor": "system", "key_id": None, "ip": None})


def _audited(action: str, of: Domain, who: dict[str, Any]) -> Audited:
    detail = {"site": of.deployment_id, "slug": of.slug, "domain": of.domain}
    return Audited(account_id=of.account_id, at=datetime.now(UTC), action=action, detail=detail, **who)
