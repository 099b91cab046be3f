"""What every change of a site shares: whose it is, and who has to hear of it."""

from datetime import UTC, datetime
from typing import Any

from services.deploy.changed import Changed, Changes
from services.deploy.deployments import DeploymentNotFound
from services.deploy.store import deployments
from shared import db, outbox
from shared.auth_client import Caller
from shared.events import Audited, SiteChanged


class Telling:
    """Tells caches and the audit trail; one per process."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def owned(self, conn: db.Connection, caller: Caller, deployment_id: str) -> str:
        """Return the slug of the caller's deployment. Raise DeploymentNotFound, also for a key of another site."""
        slug = await deployments.owned(conn, caller.account_id, deployment_id)
        require_bound(caller, deployment_id, slug)
        return slug

    async def write(
        self, conn: db.Connection, deployment_id: str, slug: str, version: int | None, caller: Caller, *,
        ip: str | None, action: str = "site.published", detail: dict[str, Any] | None = None,
        gone: tuple[str, ...] = (),
    ) -> Changed:  # fmt: skip
        """Write beside a change what every cache and the audit trail have to hear; return what `tell` is to tell.

        `gone` are custom domains that it had until now.
        """
        names = (*await deployments.domains(conn, deployment_id), *gone)
        changed = Changed(id=deployment_id, slug=slug, domains=names)
        await outbox.add(conn, SiteChanged(deployment_id=deployment_id, slug=slug, domains=names))
        if caller.kind == "claim":
            # there is no account whose trail it could be
            return changed
        facts = {"site": deployment_id, "slug": slug, "version": version, **(detail or {})}
        await outbox.add(conn, audited(action, caller, ip=ip, detail=facts))
        return changed

    async def tell(self, *sites: Changed) -> None:
        """Tell every cache now, after the commit and before the answer: nobody gets the old version afterwards."""
        await self._changes.tell(sites)


def audited(action: str, caller: Caller, *, ip: str | None, detail: dict[str, Any]) -> Audited:
    """Return what the audit trail of the caller's account is to have about something that was done just now."""
    return Audited(
        account_id=caller.account_id,
        at=datetime.now(UTC),
        action=action,
        actor=caller.credential_id,
        key_id=caller.credential_id if caller.kind == "key" else None,
        ip=ip,
        detail=detail,
    )


def require_bound(caller: Caller, deployment_id: str, slug: str) -> None:
    """Raise DeploymentNotFound when the credential is bound to another site."""
    if caller.site is not None and caller.site not in {deployment_id, slug}:
        raise DeploymentNotFound
