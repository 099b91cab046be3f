"""Which site a name stands for right now: a bounded cache in front of the database.

An entry is used for 5 s, then looked up again; a `site.changed` event drops it at once and wins over a look-up under
way. When the database cannot be asked, what was known goes on being served (architecture, decision 4).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cachetools import LRUCache, TTLCache

from services.deploy import slugs
from services.deploy.store import sites as rows
from services.deploy.store.sites import Site
from shared import db, ids, logs
from shared.bus import Delivery, Handlers
from shared.errors import Unavailable
from shared.events import SiteChanged

log = logs.get(__name__)

#: Seconds for which an answer stands without asking again: that there is a site, and that there is none.
FRESH: Final = 5.0
ABSENT: Final = 2.0
#: Seconds that a visitor waits for a second look when there is something to show.
PATIENCE: Final = 0.25
#: Seconds between tries while the database is away.
RETRY: Final = 1.0
#: Weight of all sites kept, in files (some 300 bytes each), and number of names known to be nobody's.
MAX_FILES: Final = 200_000
MAX_ABSENT: Final = 10_000
_MAX_LOOKUPS: Final = 4


@dataclass(slots=True)
class _Known:
    """A site, and until when it needs no second look."""

    site: Site
    fresh_until: float


@dataclass(eq=False, slots=True)
class _Lookup:
    """A look-up under way; `overtaken` when the site changed since it began."""

    overtaken: bool = False
    task: "asyncio.Task[Site | None] | None" = field(default=None)


class LiveSites:
    """Sites by slug and by deployment id; one per process."""

    def __init__(self, pool: db.Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._known: LRUCache[str, _Known] = LRUCache(MAX_FILES, getsizeof=lambda known: 3 + len(known.site.manifest))
        self._absent: TTLCache[str, bool] = TTLCache(MAX_ABSENT, ABSENT, timer=clock)
        self._lookups: dict[str, _Lookup] = {}
        # invented names must not take all connections from the others
        self._places = asyncio.Semaphore(max(1, pool.get_max_size() // 2))
        #: How many queries were made; the tests read it.
        self.queries = 0

    def fresh(self, name: str) -> Site | None:
        """Return the site of this slug or id if that is known without asking anybody."""
        known = self._known.get(name)
        return known.site if known is not None and self._clock() < known.fresh_until else None

    async def find(self, name: str) -> Site | None:
        """Return the live site of this slug or id, None when there is none. Raise Unavailable when nobody knows."""
        if (site := self.fresh(name)) is not None:
            return site
        if name in self._absent or not (slugs.well_formed(name) or ids.is_id(name, "dep")):
            return None
        lookup = self._lookups.get(name)
        if lookup is None:
            lookup = self._lookups[name] = _Lookup()
            # detached from the visitor who came first: the others still get their answer
            lookup.task = asyncio.create_task(self._look_up(name, lookup))
        assert lookup.task is not None  # noqa: S101 - set right after it was made
        known = self._known.get(name)
        if known is None:
            return await asyncio.shield(lookup.task)
        await asyncio.wait([lookup.task], timeout=PATIENCE)
        return lookup.task.result() if lookup.task.done() else known.site

    def drop(self, *names: str) -> None:
        """Forget a site, by slug and id: it changed. A look-up under way starts over."""
        for name in names:
            self._known.pop(name, None)
            self._absent.pop(name, None)
            if lookup := self._lookups.get(name):
                lookup.overtaken = True

    def doubt(self) -> None:
        """Look at every site again before it is served: changes may have been missed."""
        for known in list(self._known.values()):
            known.fresh_until = 0.0
        self._absent.clear()
        for lookup in self._lookups.values():
            lookup.overtaken = True

    async def _on_changed(self, event: SiteChanged, _delivery: Delivery) -> None:
        self.drop(event.slug, event.deployment_id)

    @property
    def handlers(self) -> Handlers:
        """What this cache has to hear on the bus; with `doubt` as `on_gap`."""
        return {SiteChanged: self._on_changed}

    async def _look_up(self, name: str, lookup: _Lookup) -> Site | None:
        try:
            for _ in range(_MAX_LOOKUPS):
                lookup.overtaken = False
                known = self._known.get(name)
                try:
                    site = await self._ask(name, known.site if known is not None else None)
                except Unavailable:
                    return self._without_database(name)
                if not lookup.overtaken:
                    return self._remember(name, known, site)
            raise Unavailable
        finally:
            del self._lookups[name]

    async def _ask(self, name: str, known: Site | None) -> Site | None:
        async with self._places, db.acquire(self._pool) as conn:
            self.queries += 1
            return await rows.find_site(conn, name, known)

    def _remember(self, name: str, known: _Known | None, site: Site | None) -> Site | None:
        """Keep what was found, and return it; an unchanged site stays the object that has its answers worked out."""
        if site is None:
            self._known.pop(name, None)
            self._absent[name] = True
            return None
        if known is not None and site == known.site:
            site = known.site
        self._known[name] = _Known(site, self._clock() + FRESH)
        return site

    def _without_database(self, name: str) -> Site:
        # read again: the site may have been dropped while the look-up failed
        known = self._known.get(name)
        if known is None:
            raise Unavailable
        known.fresh_until = self._clock() + RETRY
        return known.site
