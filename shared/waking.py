"""What a loop waits by that looks for work: until it is woken or some seconds are over, and never past its end."""

import asyncio
from contextlib import suppress


class Waking:
    """One for each loop; `wake` and `stop` are for others, the rest is the loop's own."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether the loop is to end."""
        return self._stopping.is_set()

    def wake(self) -> None:
        """Let the loop look now."""
        self._woken.set()

    def stop(self) -> None:
        """Let the loop end after what it is at."""
        self._stopping.set()
        self._woken.set()

    def look(self) -> None:
        """Begin a look: who wakes from here on has something that it may miss."""
        self._woken.clear()

    async def idle(self, seconds: float) -> None:
        """Wait until woken, and no longer than this."""
        await _wait(self._woken, seconds)

    async def rest(self, seconds: float) -> None:
        """Wait so long even when woken; only the end comes sooner."""
        await _wait(self._stopping, seconds)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
