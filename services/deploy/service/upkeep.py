"""What goes by itself: the sites of accounts that were deleted a week ago, anonymous and deleted ones, bytes of nobody.

In small transactions, and by any number of replicas: each row is one replica's at a time, and what a crash leaves is
found again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from services.deploy import owners, sweeps, variants
from services.deploy.blobs import Blobs
from services.deploy.changed import Changed
from services.deploy.service.telling import Telling
from services.deploy.store import blobs as blob_rows
from shared import db, logs, outbox
from shared.events import Audited, SiteChanged
from shared.outbox import Outbox

log = logs.get(__name__)

#: Rows of one transaction.
ROWS: Final = 50
#: Seconds between two transactions: visitors come first.
BREATH: Final = 0.05


async def end_accounts(messages: Outbox) -> int:
    """Do what can be done now for accounts whose time is over, and return how many of them are done with."""
    done = 0
    while (step := await _step(messages)) is not None:
        done += step
        await asyncio.sleep(BREATH)
    return done


async def _step(messages: Outbox) -> bool | None:
    """Do one transaction's worth; true when an account is done with, None when there is nothing to do now."""
    async with messages.transaction() as conn:
        if (account_id := await owners.ended(conn)) is None:
            return None
        if down := await owners.take_down(conn, account_id):
            for site in down:
                await outbox.add(conn, SiteChanged(deployment_id=site.id, slug=site.slug))
                await outbox.add(conn, _deleted(account_id, site))
                log.info("site.deleted", deployment=site.id, slug=site.slug, why="account")
            return False
        if await owners.remove(conn, account_id):
            return False
        if not await owners.forget(conn, account_id):
            return False
    log.info("account.ended", account=account_id)
    return True


def _deleted(account_id: str, site: owners.Down) -> Audited:
    detail = {"site": site.id, "slug": site.slug, "version": site.version}
    return Audited(
        account_id=account_id, at=datetime.now(UTC), action="site.deleted", actor="system", key_id=None, ip=None,
        detail=detail,
    )  # fmt: skip


class Upkeep:
    """The jobs of one process."""

    def __init__(self, pool: db.Pool, messages: Outbox, blobs: Blobs, telling: Telling) -> None:
        self._pool = pool
        self._outbox = messages
        self._blobs = blobs
        self._telling = telling

    async def end_accounts(self) -> int:
        """Do what can be done now for accounts whose time is over, and return how many of them are done with."""
        return await end_accounts(self._outbox)

    async def expire(self) -> int:
        """Take down anonymous sites whose 24 hours are over, and return how many that were."""
        done = 0
        while True:
            async with self._outbox.transaction() as conn:
                sites = await sweeps.expire(conn, ROWS)
                for site in sites:
                    await outbox.add(conn, SiteChanged(deployment_id=site.id, slug=site.slug))
            for site in sites:
                await self._telling.tell(Changed(id=site.id, slug=site.slug))
                log.info("site.expired", deployment=site.id, slug=site.slug)
            if not sites:
                return done
            done += len(sites)
            await asyncio.sleep(BREATH)

    async def purge(self) -> int:
        """Remove what is left of sites that were deleted more than a week ago; return in how many steps."""
        done = 0
        while True:
            async with db.transaction(self._pool) as conn:
                if await sweeps.purge(conn) is None:
                    return done
            done += 1
            await asyncio.sleep(BREATH)

    async def retire_submissions(self) -> int:
        """Delete submissions that are older than their site's owner wants them; return how many."""
        return await self._repeat(sweeps.retire_submissions)

    async def retire_held(self) -> int:
        """Delete spam and tests that are older than 30 days; return how many."""
        return await self._repeat(sweeps.retire_held)

    async def forget_notices(self) -> int:
        """Forget of what owners were told long ago; return how many."""
        return await self._repeat(sweeps.forget_notices)

    async def _repeat(self, sweep: Callable[[db.Connection], Awaitable[int]]) -> int:
        """Sweep in small transactions until nothing is left; return how many rows went."""
        done = 0
        while True:
            async with db.transaction(self._pool) as conn:
                gone = await sweep(conn)
            done += gone
            if not gone:
                return done
            await asyncio.sleep(BREATH)

    async def forget_days(self) -> int:
        """Forget what came to forms more than two years ago; return how many rows that were."""
        done, site = 0, ""
        while True:
            async with db.transaction(self._pool) as conn:
                gone, last = await sweeps.forget_days(conn, site)
            done += gone
            if last is None:
                return done
            site = last
            await asyncio.sleep(BREATH)

    async def sweep_uploads(self) -> int:
        """Delete files that visitors sent and that belong to no submission; return how many."""
        done = 0
        while True:
            async with db.transaction(self._pool) as conn:
                # the rows are held until the bytes are gone: what a crash leaves is found again
                loose = await sweeps.find_loose(conn, ROWS)
                await self._blobs.delete(loose.values())
                await sweeps.drop_loose(conn, list(loose))
            done += len(loose)
            if not loose:
                return done
            await asyncio.sleep(BREATH)

    async def sweep_blobs(self) -> int:
        """Delete bytes that no site has any more, never such as somebody is about to need; return how many."""
        done = 0
        while True:
            async with db.transaction(self._pool) as conn:
                looked, free = await blob_rows.find_free(conn, ROWS)
            if free:
                async with db.transaction(self._pool) as conn:
                    gone = await blob_rows.drop(conn, free)
                    # the rows are held until the bytes are gone: whoever needs them again stores them anew afterwards
                    await self._blobs.delete(
                        [digest + ending for digest in gone for ending in ("", variants.BR, variants.GZIP)]
                    )
                done += len(gone)
            if not looked:
                return done
            await asyncio.sleep(BREATH)
