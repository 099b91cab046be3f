"""Browser sessions: listing and ending them."""

from datetime import datetime

from services.auth.audit import Actor
from services.auth.keys import BoundToSite
from services.auth.sessions import Session, SessionNotFound
from services.auth.store import audit
from services.auth.store import sessions as store
from shared import db, outbox
from shared.auth_client import Caller
from shared.events import CredentialsChanged
from shared.logs import get
from shared.outbox import Outbox

log = get(__name__)


class Sessions:
    """The browsers that are logged in to accounts."""

    def __init__(self, pool: db.Pool, outbox: Outbox) -> None:
        self._pool = pool
        self._outbox = outbox

    async def live(self, caller: Caller) -> list[Session]:
        """Return the sessions of the caller's account, newest first. Raise BoundToSite."""
        _not_bound(caller)
        async with db.acquire(self._pool) as conn:
            return await store.live(conn, caller.account_id)

    async def end(self, caller: Caller, session_id: str, *, ip: str) -> datetime:
        """Log a browser out, everywhere. Raise SessionNotFound for one that is not there or has ended, BoundToSite."""
        _not_bound(caller)
        async with self._outbox.transaction() as conn:
            ended = await store.revoke(conn, caller.account_id, session_id)
            if ended is None:
                raise SessionNotFound
            moment, digest = ended
            await audit.add(conn, caller.account_id, "session.revoked", Actor.of(caller, ip), session_id=session_id)
            await outbox.add(conn, CredentialsChanged(account_id=caller.account_id, digests=(digest,)))
        log.info("session.revoked", session_id=session_id)
        return moment


def _not_bound(caller: Caller) -> None:
    if caller.site is not None:
        raise BoundToSite("A key for one site has no business with browser sessions")
