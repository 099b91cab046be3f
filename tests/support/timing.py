"""Bounds on time that a busy machine does not break."""

import time
from collections.abc import Awaitable, Callable

#: Measurements before a bound counts as broken.
TRIES = 5


async def once_within(bound: float, measure: Callable[[], Awaitable[float]]) -> None:
    """Measure, in seconds, until it is once within the bound: load adds to what a thing takes, and never takes away."""
    took: list[float] = []
    while not took or took[-1] > bound:
        assert len(took) < TRIES, f"never within {bound} s: {took}"
        took.append(await measure())


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long something takes."""
    began = time.monotonic()
    await work()
    return time.monotonic() - began
