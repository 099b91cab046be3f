"""Wait for something to become true, instead of sleeping and hoping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")

#: Seconds in which what is to happen at all happens, on the busiest machine. A bound of a rule is given by the test.
PATIENCE = 30.0


@overload
async def eventually(fn: Callable[[], Awaitable[T]], within: float = ..., every: float = ...) -> T: ...
@overload
async def eventually(fn: Callable[[], T], within: float = ..., every: float = ...) -> T: ...
async def eventually(fn: Callable[[], T | Awaitable[T]], within: float = PATIENCE, every: float = 0.02) -> T:
    """Call `fn` until it gives something truthy or, returning None, stops failing its assertions.

    Raises the last AssertionError, or one of its own, when `within` seconds have passed.
    """
    deadline = asyncio.get_running_loop().time() + within
    while True:
        failure = AssertionError(f"not so within {within} s: {getattr(fn, '__qualname__', fn)}")
        try:
            value = fn()
            result = cast("T", await value if inspect.isawaitable(value) else value)
            if result or result is None:
                return result
        except AssertionError as error:
            failure = error
        if asyncio.get_running_loop().time() >= deadline:
            raise failure
        await asyncio.sleep(every)
