"""The cache of sites with a database that a test plays."""

from collections.abc import Awaitable, Callable

from services.deploy.live import LiveSites
from services.deploy.store.sites import Row, Site
from services.deploy.versions import File


class Pool:
    """As much of a pool as the cache looks at."""

    def get_max_size(self) -> int:
        return 8


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sites(LiveSites):
    """The cache with a database that a test plays."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Pool(), clock=clock)  # type: ignore[arg-type]
        self.queries = 0
        #: For how long an answer is true.
        self.remains: float | None = None
        self.answer: Callable[[], Awaitable[Site | None]] = self._none

    async def _none(self) -> Site | None:
        return None

    async def _ask(self, _name: str) -> Row | None:
        self.queries += 1
        site = await self.answer()
        return None if site is None else (site, self.remains)


def a_site(version: int = 1) -> Site:
    """Build a site."""
    manifest = {"index.html": File("0" * 64, 1, "text/html; charset=utf-8")}
    return Site(
        id="dep_0123456789abcdef", slug="s", version=version, is_spa=False, email="a@b.example", manifest=manifest
    )


def answering(site: Site | None) -> Callable[[], Awaitable[Site | None]]:
    """Return a database that knows this."""

    async def answer() -> Site | None:
        return site

    return answer
