"""The audit trail: read by its account, and added to by what other services tell."""

from datetime import datetime

from services.auth.audit import Actor, Event
from services.auth.keys import BoundToSite
from services.auth.store import audit as store
from shared import db
from shared.auth_client import Caller
from shared.events import Audited

#: Where a page begins: behind the row with this time and id.
Place = tuple[datetime, int]


class Trail:
    """What happened to accounts."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool

    async def page(self, caller: Caller, *, limit: int, before: Place | None) -> tuple[list[Event], Place | None]:
        """Return the events of the caller's account, newest first, and where the next page begins.

        Raise BoundToSite.
        """
        if caller.site is not None:
            raise BoundToSite
        async with db.acquire(self._pool) as conn:
            events = await store.page(conn, caller.account_id, limit=limit + 1, before=before)
        if len(events) <= limit:
            return events, None
        last = events[limit - 1]
        return events[:limit], (last.at, last.id)

    async def deny(self, caller: Caller, scope: str, operation: str, ip: str) -> None:
        """Note that a credential was refused for want of a scope."""
        async with db.acquire(self._pool) as conn:
            key_id = caller.credential_id if caller.kind == "key" else None
            detail = {"scope": scope, "operation": operation}
            actor = Actor.of(caller, ip)
            await store.add(conn, caller.account_id, "scope.denied", actor, key_id=key_id, **detail)

    async def record(self, event: Audited, message_id: str) -> None:
        """Add what another service tells. Idempotent by message id."""
        async with db.acquire(self._pool) as conn:
            await store.record(conn, message_id, event)
