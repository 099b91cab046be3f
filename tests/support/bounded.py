"""An end to every test: one that hangs fails where it waits, instead of holding up all the others for ever."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

#: Seconds for one test, several times what the slowest takes on a busy machine.
LONGEST: Final = 180.0


def bound(item: pytest.Item) -> None:
    """Give a test that is a coroutine its end."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = _bounded(item.obj)


def _bounded(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def within(**given: Any) -> None:
        async with asyncio.timeout(LONGEST):
            await test(**given)

    return within
