"""The cache between hosts and sites: one look-up for many, changes that win over it, and a database that is away."""

import asyncio

import pytest

from services.deploy import live
from services.deploy.store.sites import Site
from shared.errors import Unavailable
from tests.support.eventually import PATIENCE
from tests.support.played_sites import Clock, Sites, a_site, answering
from tests.support.timing import once_within, seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sites(clock: Clock) -> Sites:
    """Give an empty cache."""
    return Sites(clock)


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


async def test_a_site_that_changes_during_every_look_up_is_shown_all_the_same(sites: Sites) -> None:
    """What a visitor is shown was read after they came; it is not kept, and who comes later has it read anew."""

    async def changing() -> Site | None:
        sites.drop("s", "dep_0123456789abcdef")
        return a_site(sites.queries)

    sites.answer = changing
    for last in (4, 8):
        found = await sites.find("s")
        assert found is not None
        assert (found.version, sites.queries, sites.fresh("s")) == (last, last, None)
