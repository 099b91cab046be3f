"""What is not taken is counted in memory and written down every few seconds: a flood costs no write for each post."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Final

from cachetools import LRUCache

from services.deploy.contracts import Contract
from services.deploy.store import drops
from services.deploy.store.drops import Drop
from services.deploy.store.sites import Site
from shared import db, logs
from shared.errors import Unavailable

log = logs.get(__name__)

#: Seconds between two writes.
EVERY: Final = 3.0
#: Different counters that wait, and those of one statement.
MAX_WAITING: Final = 20_000
ROWS: Final = 1000
#: Names of forms that a site may have in the ledger on one day beside those of its pages.
MAX_NAMES: Final = 50
MAX_SITES: Final = 10_000


class FormNames:
    """Which names forms have in the ledger: whoever sends ever new ones does not fill it. One per process."""

    def __init__(self) -> None:
        self._known: LRUCache[str, tuple[date, set[str]]] = LRUCache(MAX_SITES)

    def of(self, deployment_id: str, contract: Contract, form: str | None, day: date) -> str:
        """Return the name that a form is counted under; empty for the one without, and for one too many."""
        if not form or any(form == each.name for each in contract.forms):
            return form or ""
        known = self._known.get(deployment_id)
        if known is None or known[0] != day:
            known = self._known[deployment_id] = (day, set())
        if form not in known[1]:
            if len(known[1]) >= MAX_NAMES:
                return ""
            known[1].add(form)
        return form


class Dropped:
    """Counts of this process that wait to be written; see `counting`."""

    def __init__(self, pool: db.Pool, names: FormNames) -> None:
        self._pool = pool
        self._names = names
        self._waiting = Counter[Drop]()

    def note(self, site: Site, form: str | None, reason: str) -> None:
        """Count one; `form` is None where nobody got so far as to know."""
        day = datetime.now(UTC).date()
        drop = (site.id, day, self._names.of(site.id, site.contract, form, day), reason)
        if len(self._waiting) >= MAX_WAITING and drop not in self._waiting:
            log.warning("ledger.full", deployment=site.id, reason=reason)
            return
        self._waiting[drop] += 1

    async def flush(self) -> int:
        """Write down what was counted, and return in how many rows. Raise Unavailable; then it still waits."""
        done = 0
        while self._waiting:
            given = {drop: self._waiting.pop(drop) for drop in list(self._waiting)[:ROWS]}
            try:
                async with db.acquire(self._pool) as conn:
                    await drops.add(conn, given)
            except BaseException:
                # twice is as wrong as never, and rarer: it takes a connection that was lost in a commit
                self._waiting.update(given)
                raise
            done += len(given)
        return done

    async def keep_writing(self, over: asyncio.Event) -> None:
        """Flush every few seconds until it is over, and once more then."""
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await over.wait()
            try:
                await self.flush()
            except Unavailable:
                log.warning("ledger.put_off", count=self._waiting.total())
            except Exception:  # the next may be better
                log.exception("ledger.failed")


@asynccontextmanager
async def counting(pool: db.Pool, names: FormNames) -> AsyncIterator[Dropped]:
    """Give the counter; what it has is written every few seconds, and at the end."""
    made, over = Dropped(pool, names), asyncio.Event()
    task = asyncio.create_task(made.keep_writing(over), name="ledger")
    try:
        yield made
    finally:
        over.set()
        await task
