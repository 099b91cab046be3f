"""The cache between hosts and sites: one look-up for many, changes that win over it, and a database that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from services.deploy import live
from services.deploy.live import LiveSites
from services.deploy.store.sites import Row, Site
from services.deploy.versions import File
from shared.errors import Unavailable
from tests.support.eventually import PATIENCE
from tests.support.timing import once_within, seconds


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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sites(clock: Clock) -> Sites:
    """Give an empty cache."""
    return Sites(clock)


def answering(site: Site | None) -> Callable[[], Awaitable[Site | None]]:
    """Return a database that knows this."""

    async def answer() -> Site | None:
        return site

    return answer


async def away() -> Site | None:
    """Be a database that is away."""
    raise Unavailable


async def test_a_thousand_visitors_of_a_cold_host_cost_one_query(sites: Sites) -> None:
    gate = asyncio.Event()

    async def slow() -> Site | None:
        await gate.wait()
        return a_site()

    sites.answer = slow
    visitors = [asyncio.create_task(sites.find("s")) for _ in range(1000)]
    await asyncio.sleep(0)
    visitors[0].cancel()
    gate.set()
    found = await asyncio.gather(*visitors[1:])
    assert (set(map(id, found)), sites.queries) == ({id(found[0])}, 1)


async def test_an_entry_is_used_for_five_seconds(sites: Sites, clock: Clock) -> None:
    sites.answer = answering(a_site(1))
    await sites.find("s")
    sites.answer = answering(a_site(2))
    clock.now += live.FRESH - 0.1
    assert (found := await sites.find("s")) is not None
    assert found.version == 1
    clock.now += 0.2
    assert (found := await sites.find("s")) is not None
    assert (found.version, sites.queries) == (2, 2)


async def test_what_was_worked_out_outlives_a_second_look(sites: Sites, clock: Clock) -> None:
    sites.answer = answering(first := a_site())
    await sites.find("s")
    sites.answer = answering(a_site())
    clock.now += live.FRESH + 1
    assert await sites.find("s") is first


async def test_a_change_during_a_look_up_wins(sites: Sites) -> None:
    """What was read before the change is neither answered nor kept."""
    gate, began = asyncio.Event(), asyncio.Event()

    async def slow() -> Site | None:
        began.set()
        await gate.wait()
        return a_site(1)

    sites.answer = slow
    visitor = asyncio.create_task(sites.find("s"))
    await began.wait()
    sites.answer = answering(a_site(2))
    sites.drop("s", "dep_0123456789abcdef")
    gate.set()
    found, kept = await visitor, sites.fresh("s")
    assert found is not None
    assert kept is not None
    assert (found.version, kept.version, sites.queries) == (2, 2, 2)


async def test_a_change_drops_slug_and_id(sites: Sites) -> None:
    sites.answer = answering(a_site())
    for name in ("s", "dep_0123456789abcdef"):
        assert await sites.find(name)
        assert sites.fresh(name)
    sites.drop("s", "dep_0123456789abcdef")
    assert not sites.fresh("s")
    assert not sites.fresh("dep_0123456789abcdef")


async def test_a_name_of_nobody_is_asked_for_once_in_a_while(sites: Sites, clock: Clock) -> None:
    for _ in range(100):
        assert await sites.find("nobody") is None
    assert sites.queries == 1
    clock.now += live.ABSENT + 0.1
    sites.answer = answering(a_site())
    assert await sites.find("nobody") is not None


@pytest.mark.parametrize("name", ["", "a_b", "A", "xn--a", "a.b", "dep_", "a" * 64, "'"])
async def test_what_is_no_name_costs_nothing(sites: Sites, name: str) -> None:
    assert await sites.find(name) is None
    assert sites.queries == 0


async def test_names_of_nobody_are_bounded(sites: Sites) -> None:
    for number in range(live.MAX_ABSENT + 100):
        await sites.find(f"n{number}")
    assert len(sites._absent) == live.MAX_ABSENT
    assert not sites._under_way


async def test_without_the_database_what_was_known_is_served(sites: Sites, clock: Clock) -> None:
    sites.answer = answering(site := a_site())
    await sites.find("s")
    sites.answer = away
    clock.now += 3600
    assert [await sites.find("s") for _ in range(100)] == [site] * 100
    assert sites.queries == 2
    clock.now += live.RETRY + 0.1
    sites.answer = answering(None)
    assert await sites.find("s") is None


async def test_without_the_database_nothing_is_said_of_the_unknown(sites: Sites) -> None:
    sites.answer = away
    with pytest.raises(Unavailable):
        await sites.find("s")
    sites.answer = answering(a_site())
    assert await sites.find("s")


async def test_a_database_that_hangs_keeps_no_visitor_waiting(sites: Sites, clock: Clock) -> None:
    sites.answer = answering(a_site())
    await sites.find("s")
    gate = asyncio.Event()

    async def hang() -> Site | None:
        await gate.wait()
        return a_site(2)

    sites.answer = hang
    clock.now += live.FRESH + 1

    async def find() -> None:
        async with asyncio.timeout(PATIENCE):
            found = await sites.find("s")
        assert found is not None
        assert found.version == 1

    await once_within(live.PATIENCE * 4, lambda: seconds(find))
    gate.set()


async def test_after_a_gap_everything_is_looked_at_again(sites: Sites) -> None:
    sites.answer = answering(a_site(1))
    await sites.find("s")
    sites.doubt()
    assert not sites.fresh("s")
    sites.answer = answering(a_site(2))
    assert (found := await sites.find("s")) is not None
    assert found.version == 2


async def test_a_site_in_use_is_renewed_before_its_time_is_over(sites: Sites, clock: Clock) -> None:
    """Nobody waits for it, and the five seconds stay what they are."""
    sites.answer = answering(a_site(1))
    await sites.find("s")
    sites.answer = answering(a_site(2))
    clock.now += live.FRESH - live.AHEAD + 0.1
    assert (served := sites.fresh("s")) is not None
    assert served.version == 1
    for _ in range(5):
        await asyncio.sleep(0)
    assert (served := sites.fresh("s")) is not None
    assert (served.version, sites.queries) == (2, 2)


async def test_an_entry_is_as_old_as_its_question(sites: Sites, clock: Clock) -> None:
    async def slow() -> Site | None:
        clock.now += live.FRESH + 1
        return a_site()

    sites.answer = slow
    assert await sites.find("s") is not None
    assert sites.fresh("s") is None


async def test_what_ends_soon_is_looked_up_then(sites: Sites, clock: Clock) -> None:
    sites.remains = 1.5
    sites.answer = answering(a_site())
    await sites.find("s")
    clock.now += 1.4
    assert sites.fresh("s") is not None
    clock.now += 0.2
    assert sites.fresh("s") is None


async def test_a_change_drops_versions_and_domains(sites: Sites) -> None:
    sites.answer = answering(a_site())
    names = ("s", "s--v1", "dep_0123456789abcdef", "example.com", "www.example.com")
    for name in names:
        await sites.find(name)
    sites.drop("s", "dep_0123456789abcdef")
    assert [name for name in names if sites.fresh(name)] == []


@pytest.mark.parametrize("name", ["s--v1", "example.com"])
async def test_a_change_overtakes_look_ups_by_any_name(sites: Sites, name: str) -> None:
    gate, began = asyncio.Event(), asyncio.Event()

    async def slow() -> Site | None:
        began.set()
        await gate.wait()
        return a_site(1)

    sites.answer = slow
    visitor = asyncio.create_task(sites.find(name))
    await began.wait()
    sites.answer = answering(a_site(2))
    sites.drop("s", "dep_0123456789abcdef")
    gate.set()
    assert (found := await visitor) is not None
    assert found.version == 2


async def test_a_site_is_one_object_under_all_its_names(sites: Sites) -> None:
    """What was worked out for one is there for the others."""
    sites.answer = answering(a_site())
    first = await sites.find("s")
    sites.answer = answering(a_site())
    assert await sites.find("example.com") is first


async def test_a_name_that_becomes_another_sites_forgets_the_first(sites: Sites, clock: Clock) -> None:
    sites.answer = answering(a_site())
    await sites.find("s")
    clock.now += live.FRESH + 1
    sites.answer = answering(replace(a_site(), id="dep_other0123456789"))
    assert await sites.find("s") is not None
    sites.drop("x", "dep_0123456789abcdef")
    assert sites.fresh("s") is not None
    assert set(sites._known.names) == {"dep_other0123456789"}


async def test_what_is_known_is_bounded(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_FILES", 40)
    small = Sites(Clock())
    for number in range(100):
        small.answer = answering(replace(a_site(), id=f"dep_{number:016d}", slug=f"s{number}"))
        await small.find(f"s{number}")
    assert len(small._known) == len(small._known.names) == 10
