"""Looks for what is to be told: at once when something was stored here, and every second for what others stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.deploy.service.notices import Notices
from shared import ids, logs
from shared.errors import Unavailable
from shared.waking import Waking

log = logs.get(__name__)

#: Seconds between looks when nothing was stored here: for what other processes stored, and for windows that end.
POLL: Final = 1.0
#: Seconds between two looks, however much is stored: a busy form's posts come first. While there is something to tell,
#: as long as telling took.
BREATH: Final = 0.05
#: Seconds that a closing notifier has for the transaction that it is in.
CLOSE_TIMEOUT: Final = 5.0


class Notifier:
    """One per process."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._waking = Waking()

    def wake(self) -> None:
        """Look now."""
        self._waking.wake()

    def stop(self) -> None:
        """End `run` after the transaction that it is in."""
        self._waking.stop()

    async def run(self) -> None:
        """Tell what there is to tell until stopped."""
        loop = asyncio.get_running_loop()
        while not self._waking.stopping:
            self._waking.look()
            began = loop.time()
            logs.request_id.set(ids.new_request_id())
            try:
                found = await self._notices.round()
            except Unavailable:
                await self._waking.rest(POLL)  # the database has its own lines about that
                continue
            await self._waking.rest(min(BREATH, loop.time() - began) if found else BREATH)
            if not found:
                await self._waking.idle(POLL)


@asynccontextmanager
async def open_notifier(notices: Notices) -> AsyncIterator[Notifier]:
    """Run a notifier while the context is open; at the end it finishes the transaction that it is in."""
    notifier = Notifier(notices)
    running = asyncio.create_task(notifier.run(), name="notifier")
    try:
        yield notifier
    finally:
        notifier.stop()
        await asyncio.wait([running], timeout=CLOSE_TIMEOUT)
        if not running.done():
            running.cancel()
            await asyncio.wait([running])
