"""What arrives, told to owners who are looking: one look at the database a second for all of them, and one right after
a commit of this process.

Commits do not come in the order of their times: each look goes some seconds back, and what was told is remembered.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from services.deploy.received import Received
from services.deploy.store import arrivals
from shared import db, logs
from shared.errors import RateLimited, Unavailable

log = logs.get(__name__)

#: Seconds between two looks; after news from this process, and so at least.
EVERY: Final = 1.0
SOONEST: Final = 0.1
#: Submissions that wait for a slow reader before its stream ends.
WAITING: Final = 100
#: Seconds that a new stream waits for the first look.
PATIENCE: Final = 5.0
#: Streams of one account.
STREAMS: Final = 10


class TooManyStreams(RateLimited):
    """An account has as many streams as it may."""

    code = "too_many_streams"
    hint = f"At most {STREAMS} streams are open at a time. Close one, such as a tab of the dashboard."
    retry_after = 15.0


class Watch:
    """One stream's view of a site: what arrived and was not taken yet."""

    def __init__(self) -> None:
        self._waiting: deque[Received] = deque()
        self._news = asyncio.Event()
        self._over = False

    def is_over(self) -> bool:
        """Tell whether nothing more will come."""
        return self._over

    def put(self, given: Received) -> None:
        """Add what arrived; who does not keep up is sent away, and comes again where it was."""
        self._waiting.append(given)
        self._over = self._over or len(self._waiting) >= WAITING
        self._news.set()

    def end(self) -> None:
        """Let whoever waits go."""
        self._over = True
        self._news.set()

    async def next(self, seconds: float) -> Received | None:
        """Return what arrived next, None when nothing did in so many seconds or the watch is over."""
        if not self._waiting and not self._over:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        return self._waiting.popleft() if self._waiting and not self._over else None


class Feed:
    """All streams of one process."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._watches: dict[str, set[Watch]] = {}
        self._streams: Counter[str] = Counter()
        #: What the last look found, by site.
        self._seen: dict[str, frozenset[str]] = {}
        self._news = asyncio.Event()
        self._looked = asyncio.Condition()

    def poke(self, deployment_id: str) -> None:
        """Look at once: this site has something new."""
        if deployment_id in self._watches:
            self._news.set()

    @asynccontextmanager
    async def watch(self, account_id: str, deployment_id: str) -> AsyncIterator[Watch]:
        """Give what arrives from now on. Raise TooManyStreams."""
        if self._streams[account_id] >= STREAMS:
            raise TooManyStreams
        watch = Watch()
        self._streams[account_id] += 1
        self._watches.setdefault(deployment_id, set()).add(watch)
        try:
            self._news.set()
            await self._wait_for_look(deployment_id)
            yield watch
        finally:
            self._streams[account_id] -= 1
            if not self._streams[account_id]:
                del self._streams[account_id]
            left = self._watches[deployment_id]
            left.discard(watch)
            if not left:
                del self._watches[deployment_id]
                self._seen.pop(deployment_id, None)

    async def _wait_for_look(self, deployment_id: str) -> None:
        """Return when it is known what is there already, and so no news. Raise Unavailable."""
        try:
            async with asyncio.timeout(PATIENCE), self._looked:
                await self._looked.wait_for(lambda: deployment_id in self._seen)
        except TimeoutError:
            raise Unavailable from None

    async def run(self) -> None:
        """Look for what arrives, for ever."""
        while True:
            while not self._watches:
                await self._news.wait()
                self._news.clear()
            self._news.clear()
            try:
                await self._look()
            except Unavailable:
                log.warning("feed.put_off")
            except Exception:  # the next look may do
                log.exception("feed.failed")
            await asyncio.sleep(SOONEST)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY - SOONEST):
                    await self._news.wait()

    async def _look(self) -> None:
        sites = list(self._watches)
        async with db.acquire(self._pool) as conn:
            found = await arrivals.newest(conn, sites)
        fresh = {
            submission_id: site
            for site, ids in found.items()
            if (seen := self._seen.get(site)) is not None
            for submission_id in ids - seen
        }
        names = list(fresh)
        for start in range(0, len(names), arrivals.ROWS):
            async with db.acquire(self._pool) as conn:
                rows = await arrivals.read(conn, names[start : start + arrivals.ROWS])
            for row in rows:
                for watch in self._watches.get(fresh[row.id], ()):
                    watch.put(row)
        for site in sites:
            if site in self._watches:
                self._seen[site] = found.get(site, frozenset())
        async with self._looked:
            self._looked.notify_all()


@asynccontextmanager
async def open_feed(pool: db.Pool) -> AsyncIterator[Feed]:
    """Give a feed that runs while the context is open."""
    feed = Feed(pool)
    task = asyncio.create_task(feed.run(), name="feed")
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.wait([task])
