"""Names that are asked for together: what arrives while one query runs goes into the next (R74)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

#: Seconds from one query's start to the next one's: at most 84 queries a second, whatever is asked for.
APART: Final = 0.012
#: Names in one query.
MOST: Final = 1000


class Lookups(Generic[T]):
    """Asks for names in batches. The first one after a pause is asked for at once."""

    def __init__(self, ask: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]) -> None:
        self._ask = ask
        self._waiting: dict[str, asyncio.Future[T | None]] = {}
        self._task: asyncio.Task[None] | None = None
        #: How many queries were made; the tests read it.
        self.queries = 0

    async def get(self, name: str) -> T | None:
        """Return what a query that begins after this call says of the name. Raise what the query raised."""
        answer = self._waiting.get(name)
        if answer is None:
            answer = self._waiting[name] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        try:
            while self._waiting:
                began = time.monotonic()
                batch = {name: self._waiting.pop(name) for name in list(self._waiting)[:MOST]}
                await self._answer(batch)
                await asyncio.sleep(APART - (time.monotonic() - began))
        finally:
            self._task = None

    async def _answer(self, batch: dict[str, asyncio.Future[T | None]]) -> None:
        try:
            self.queries += 1
            found = await self._ask(list(batch))
        except Exception as error:  # noqa: BLE001 - whoever waits judges it
            # who came meanwhile has waited for it too: a database that hangs must not be waited for twice (R30)
            for future in (*batch.values(), *self._waiting.values()):
                future.set_exception(error)
                # nobody may be there any more to take it
                future.exception()
            self._waiting.clear()
        else:
            for name, future in batch.items():
                future.set_result(found.get(name))
