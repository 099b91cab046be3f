"""Names that are asked for together: few queries, each begun after what it answers was asked."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from services.deploy.lookups import APART, Lookups
from shared.errors import Unavailable


class Database:
    """Remembers what was asked together, and knows names that begin with `y`."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.times: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def ask(self, names: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(list(names))
        self.times.append(asyncio.get_running_loop().time())
        await self.gate.wait()
        if self.broken:
            raise Unavailable
        return {name: name.upper() for name in names if name.startswith("y")}


async def test_what_arrives_during_a_query_is_in_the_next() -> None:
    database = Database()
    lookups = Lookups(database.ask)
    database.gate.clear()
    first = asyncio.create_task(lookups.get("y"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.create_task(lookups.get(name)) for name in ("y", "ya", "n", "n")]
    await asyncio.sleep(0)
    database.gate.set()
    assert (await first, await asyncio.gather(*later)) == ("Y", ["Y", "YA", None, None])
    assert database.asked == [["y"], ["y", "ya", "n"]]


async def test_r74_a_flood_costs_at_most_a_hundred_queries_a_second() -> None:
    """R74: whatever is asked for, and however many ask."""
    database = Database()
    lookups = Lookups(database.ask)
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 0
    tasks = []
    while loop.time() < began + 0.5:
        tasks += [asyncio.create_task(lookups.get(f"n{number}-{one}")) for one in range(50)]
        number += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    assert len(database.asked) <= 50 + 2
    assert min(b - a for a, b in zip(database.times, database.times[1:], strict=False)) >= APART * 0.9


async def test_a_query_that_fails_fails_who_waited_for_it_too() -> None:
    """R30: a database that hangs is waited for once."""
    database = Database()
    lookups = Lookups(database.ask)
    database.gate.clear()
    database.broken = True
    tasks = [asyncio.create_task(lookups.get("a"))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(lookups.get("b")))
    await asyncio.sleep(0)
    database.gate.set()
    for task in tasks:
        with pytest.raises(Unavailable):
            await task
    database.broken = False
    assert await lookups.get("y") == "Y"


async def test_whoever_goes_away_takes_nobodys_answer_along() -> None:
    database = Database()
    lookups = Lookups(database.ask)
    database.gate.clear()
    gone, stays = asyncio.create_task(lookups.get("y")), asyncio.create_task(lookups.get("y"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    database.gate.set()
    assert await stays == "Y"
