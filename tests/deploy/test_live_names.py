"""The cache between hosts and sites: its many names for one site, and when it asks again."""

import asyncio
from dataclasses import replace

import pytest

from services.deploy import live
from services.deploy.store.sites import Site
from tests.support.played_sites import Clock, Sites, a_site, answering


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sites(clock: Clock) -> Sites:
    """Give an empty cache."""
    return Sites(clock)


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
