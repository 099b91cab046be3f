"""What deploy does by itself: the sites of accounts that were deleted a week ago go, with all that they received.

In small transactions, and by any number of replicas: each account is one replica's at a time, and what a crash
leaves is found again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from services.deploy import owners
from shared import logs, outbox
from shared.errors import Unavailable
from shared.events import Audited, SiteChanged
from shared.outbox import Outbox

log = logs.get(__name__)

#: Seconds between two looks.
EVERY: Final = 60.0
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


@asynccontextmanager
async def running(messages: Outbox) -> AsyncIterator[None]:
    """Look now and then while the context is open."""

    async def look() -> None:
        while True:
            try:
                await end_accounts(messages)
            except Unavailable:
                log.warning("worker.waiting")
            except Exception:  # the next look may go well
                log.exception("worker.failed")
            await asyncio.sleep(EVERY)

    task = asyncio.create_task(look(), name="worker")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
