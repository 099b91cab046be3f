"""Anonymous sites: whom a claim token stands for, and how a site gets an owner."""

from typing import Final

from services.deploy import owners
from services.deploy.config import Config
from services.deploy.deployments import Deployment, DeploymentNotFound, KeyBoundToSite, LimitReached, StorageFull
from services.deploy.service.telling import Telling
from services.deploy.store import claims, deployments
from shared import credentials, db, logs, outbox
from shared.auth_client import Caller

log = logs.get(__name__)

PREFIX: Final = "tok_"
_LENGTH: Final = 43


def well_formed(token: str) -> bool:
    """Tell whether this has the form of a claim token."""
    return (
        len(token) == len(PREFIX) + _LENGTH
        and token.startswith(PREFIX)
        and token[len(PREFIX) :].isalnum()
        and token.isascii()
    )


class Claims:
    """Knows claim tokens by their digests; one per process."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, telling: Telling, config: Config) -> None:
        self._pool = pool
        self._outbox = messages
        self._telling = telling
        self._config = config

    async def holder(self, token: str) -> Caller | None:
        """Return whom a token stands for until its site is claimed or gone, None when for nobody."""
        if not well_formed(token):
            return None
        async with db.acquire(self._pool) as conn:
            found = await claims.holder(conn, credentials.digest(token))
        return owners.anonymous(found[0]) if found else None

    async def claim(self, caller: Caller, slug: str, token: str, *, ip: str) -> Deployment:
        """Make an anonymous site the caller's own; the token is worth nothing afterwards.

        Raise DeploymentNotFound, AlreadyClaimed, LimitReached, StorageFull, KeyBoundToSite.
        """
        if caller.site is not None or caller.kind == "claim":
            raise KeyBoundToSite(hint="Claim it with a key that is not bound to a site, or in the browser.")
        if not well_formed(token):
            raise DeploymentNotFound(hint="The claim link is not complete.")
        async with self._outbox.transaction() as conn:
            await owners.keep(conn, caller)
            given = await claims.lock(conn, slug, credentials.digest(token))
            plan = self._config.plan(caller.plan)
            if await deployments.count_active(conn, caller.account_id) >= plan.deployments:
                raise LimitReached
            await claims.claim(conn, given, caller.account_id)
            if await deployments.stored(conn, caller.account_id) > plan.storage:
                raise StorageFull
            changed = await self._telling.write(
                conn, given.id, slug, given.version, caller, ip=ip, action="site.claimed"
            )
            found = await deployments.find(conn, caller.account_id, given.id)
        await self._telling.tell(changed)
        log.info("site.claimed", deployment=given.id, slug=slug, account=caller.account_id)
        return found
