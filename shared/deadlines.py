"""Wall-clock deadlines for many short tasks: noted in a dictionary, and one timer that looks for those that overran.

`asyncio.timeout` costs two timer operations for each request; nearly no request ever needs them.
"""

import asyncio
import time
from typing import Any, Final

#: Seconds between two looks: how much later than its deadline a task may be stopped.
GRAIN: Final = 0.2


class Deadlines:
    """The tasks of one event loop that have to end by a time."""

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, task: asyncio.Task[Any], seconds: float) -> None:
        """Stop `task` by cancelling it unless `stop` is called within so many seconds."""
        loop = task.get_loop()
        if loop is not self._loop:
            # the loop before this one was closed, perhaps with the timer set: what it held ended with it
            self._loop, self._timer = loop, None
            self._ends.clear()
        self._ends[task] = time.monotonic() + seconds
        if self._timer is None:
            self._timer = loop.call_later(GRAIN, self._look)

    def stop(self, task: asyncio.Task[Any]) -> bool:
        """End the deadline; true when it had passed. Then the cancellation was ours, and is taken back."""
        self._ends.pop(task, None)
        if task not in self._overdue:
            return False
        self._overdue.discard(task)
        return task.uncancel() == 0

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for task, end in list(self._ends.items()):
            if now >= end:
                del self._ends[task]
                self._overdue.add(task)
                task.cancel()
        if self._ends:
            self._timer = next(iter(self._ends)).get_loop().call_later(GRAIN, self._look)
