"""Which site a name stands for right now: a bounded cache in front of the database.

An entry is used for 5 s from when it was asked for, and renewed before that while it is in use; a change drops it at
once and wins over a look-up under way. When the database cannot be asked, what was known goes on being served
(architecture, decision 4).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cachetools import LRUCache, TTLCache

from services.deploy import hosts
from services.deploy.lookups import Lookups
from services.deploy.store import sites as store
from services.deploy.store.sites import Row, Site
from shared import db, logs
from shared.bus import Delivery, Handlers
from shared.errors import Unavailable
from shared.events import SiteChanged

log = logs.get(__name__)

#: Seconds for which an answer stands without asking again: that there is a site, and that there is none.
FRESH: Final = 5.0
ABSENT: Final = 2.0
#: Seconds before the end of that time from which on a visit renews it, while nobody has to wait.
AHEAD: Final = 1.0
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
    """A site, until when it needs no second look, and from when on one is made ahead."""

    site: Site
    fresh_until: float
    renew_at: float


@dataclass(eq=False, slots=True)
class _Lookup:
    """A look-up under way; `overtaken` when the site changed since it began."""

    overtaken: bool = False
    task: "asyncio.Task[Site | None] | None" = field(default=None)


class _Cache(LRUCache[str, _Known]):
    """What is known by name, and under which names each site is known."""

    def __init__(self) -> None:
        super().__init__(MAX_FILES, getsizeof=lambda known: 3 + len(known.site.manifest))
        self.names: dict[str, set[str]] = {}

    def __setitem__(self, name: str, known: _Known) -> None:
        # it may have been another site's until now
        self.pop(name, None)
        super().__setitem__(name, known)
        self.names.setdefault(known.site.id, set()).add(name)

    def __delitem__(self, name: str) -> None:
        deployment_id = self[name].site.id
        super().__delitem__(name)
        names = self.names[deployment_id]
        names.discard(name)
        if not names:
            del self.names[deployment_id]

    def of(self, deployment_id: str) -> list[Site]:
        """Return what is known of a site: itself, and versions of it."""
        return [self[name].site for name in self.names.get(deployment_id, ())]


class LiveSites:
    """Sites by slug, id and domain, and their versions; one per process."""

    def __init__(self, pool: db.Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._known = _Cache()
        self._absent: TTLCache[str, bool] = TTLCache(MAX_ABSENT, ABSENT, timer=clock)
        self._under_way: dict[str, _Lookup] = {}
        self.lookups = Lookups[Row](self._rows)
        # cold sites must not take all connections from the others
        self._places = asyncio.Semaphore(max(1, pool.get_max_size() // 2))

    def fresh(self, name: str) -> Site | None:
        """Return what this name stands for if that is known without asking anybody."""
        known = self._known.get(name)
        if known is None or (now := self._clock()) >= known.fresh_until:
            return None
        if now >= known.renew_at:
            _ = self._start(name)
        return known.site

    async def find(self, name: str) -> Site | None:
        """Return the site of this slug, id or domain, or the version of it; None when there is none.

        Raise Unavailable when nobody knows.
        """
        if (site := self.fresh(name)) is not None:
            return site
        if name in self._absent or hosts.read(name) is None:
            return None
        task = self._start(name)
        known = self._known.get(name)
        if known is None:
            return await asyncio.shield(task)
        await asyncio.wait([task], timeout=PATIENCE)
        if task.done():
            return task.result()
        # one visitor has waited: the others need not, until somebody answers
        known.fresh_until = self._clock() + RETRY
        return known.site

    def _start(self, name: str) -> "asyncio.Task[Site | None]":
        lookup = self._under_way.get(name)
        if lookup is None:
            lookup = self._under_way[name] = _Lookup()
            # detached from the visitor who came first: the others still get their answer
            lookup.task = asyncio.create_task(self._look_up(name, lookup))
            lookup.task.add_done_callback(_seen)
        assert lookup.task is not None  # noqa: S101 - set right after it was made
        return lookup.task

    def drop(self, slug: str, deployment_id: str, *domains: str) -> None:
        """Forget a site and its versions, by every name: it changed. Look-ups under way start over."""
        names = {slug, deployment_id, *domains, *self._known.names.get(deployment_id, ())}
        for name in names:
            self._known.pop(name, None)
            self._absent.pop(name, None)
        for name, lookup in self._under_way.items():
            # whose a domain is, is not known before the answer
            if name in names or name.startswith(f"{slug}--v") or "." in name:
                lookup.overtaken = True

    def doubt(self) -> None:
        """Look at every site again before it is served: changes may have been missed."""
        for known in list(self._known.values()):
            known.fresh_until = 0.0
        self._absent.clear()
        for lookup in self._under_way.values():
            lookup.overtaken = True

    async def _on_changed(self, event: SiteChanged, _delivery: Delivery) -> None:
        self.drop(event.slug, event.deployment_id, *event.domains)

    @property
    def handlers(self) -> Handlers:
        """What this cache has to hear on the bus; with `doubt` as `on_gap`."""
        return {SiteChanged: self._on_changed}

    async def _look_up(self, name: str, lookup: _Lookup) -> Site | None:
        found: Row | None = None
        try:
            for left in reversed(range(_MAX_LOOKUPS)):
                if not left:
                    # a site that changes all the time: nobody joins any more, and for those who wait, who came before
                    # this question, its answer is true; but it is not kept
                    del self._under_way[name]
                lookup.overtaken = not left
                asked_at = self._clock()
                try:
                    found = await self._ask(name)
                except Unavailable:
                    return self._without_database(name)
                if not lookup.overtaken:
                    return self._remember(name, found, asked_at)
            return found and found[0]
        finally:
            if self._under_way.get(name) is lookup:
                del self._under_way[name]

    async def _ask(self, name: str) -> Row | None:
        """Return a site with its files."""
        if (row := await self.lookups.get(name)) is None:
            return None
        site, remains = row
        if (files := await self._files(site)) is None:
            return None
        return replace(site, manifest=files[0], rules=files[1], contract=files[2]), remains

    async def _files(self, site: Site) -> store.Files | None:
        """Return a version's files and rules, which never change: what is known by another name is not read again."""
        for known in self._known.of(site.id):
            if known.version == site.version:
                return known.manifest, known.rules, known.contract
        async with self._places:
            return await db.read(self._pool, lambda conn: store.load_version(conn, site.id, site.version))

    async def _rows(self, names: Sequence[str]) -> Mapping[str, Row]:
        return await db.read(self._pool, lambda conn: store.find_sites(conn, names))

    def _remember(self, name: str, found: Row | None, asked_at: float) -> Site | None:
        """Keep what was found, and return it; an unchanged site stays the object that has its answers worked out."""
        if found is None:
            self._known.pop(name, None)
            if "--v" not in name:
                self._absent[name] = True
            return None
        site, remains = found
        site = next((known for known in self._known.of(site.id) if known == site), site)
        fresh_until = asked_at + (FRESH if remains is None else min(FRESH, remains))
        self._known[name] = _Known(site, fresh_until, fresh_until - AHEAD)
        return site

    def _without_database(self, name: str) -> Site:
        # read again: the site may have been dropped while the look-up failed
        known = self._known.get(name)
        if known is None:
            raise Unavailable
        known.fresh_until = known.renew_at = self._clock() + RETRY
        return known.site


def _seen(task: "asyncio.Task[Site | None]") -> None:
    """Take note of how it ended: whoever waited may be gone, and a renewal has nobody who waits."""
    if not task.cancelled():
        task.exception()
