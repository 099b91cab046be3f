"""What has to be done without anybody asking: notices of keys that end, and the end of what nobody needs."""

from collections.abc import Awaitable, Callable
from typing import Final

from services.auth.service import accounts
from services.auth.store import keys, purges
from shared import db, outbox
from shared.events import KeyExpiringMail
from shared.outbox import Outbox

#: Rows of one transaction.
BATCH: Final = 500


class Upkeep:
    """Each method does all there is to do now, and returns how much that was; safe with many replicas."""

    def __init__(self, pool: db.Pool, outbox: Outbox, *, app_url: str) -> None:
        self._pool = pool
        self._outbox = outbox
        self._dashboard_url = f"{app_url}/dashboard"

    async def notice_expiring_keys(self) -> int:
        """Tell accounts of keys that end within a week, once for each key."""
        return await self._all(self._notice)

    async def purge_logins(self) -> int:
        """Forget logins, with their codes, that were over a day ago."""
        return await self._purge(purges.logins)

    async def purge_code_mails(self) -> int:
        """Forget mails that no limit counts any more."""
        return await self._purge(purges.code_mails)

    async def purge_sessions(self) -> int:
        """Forget browser sessions that were over 30 days ago."""
        return await self._purge(purges.sessions)

    async def purge_accounts(self) -> int:
        """Remove accounts that were deleted a week ago."""
        return await accounts.purge(self._pool)

    async def _notice(self) -> int:
        async with self._outbox.transaction() as conn:
            expiring = await keys.take_expiring(conn, limit=BATCH)
            for email, key in expiring:
                assert key.expires_at is not None  # noqa: S101 - it was asked for by this
                mail = KeyExpiringMail(
                    to=email, name=key.name, hint=key.hint, expires_at=key.expires_at, dashboard_url=self._dashboard_url
                )
                await outbox.add(conn, mail, expires_at=key.expires_at)
        return len(expiring)

    async def _purge(self, purge: Callable[[db.Connection, int], Awaitable[int]]) -> int:
        async def once() -> int:
            async with db.acquire(self._pool) as conn:
                return await purge(conn, BATCH)

        return await self._all(once)

    async def _all(self, part: Callable[[], Awaitable[int]]) -> int:
        """Repeat a batch until one was not full."""
        total = 0
        while (count := await part()) == BATCH:
            total += count
        return total + count
