"""Taking messages from a RabbitMQ queue, each in a task of ours: a lost link does not cancel it, a stop waits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared import bus, logs
from shared.bus import BusError
from shared.rabbitmq_link import Link, bounded

log = logs.get(__name__)

#: Seconds for the broker to confirm that it sends no more.
CANCEL_TIMEOUT: Final = 3.0

Declare = Callable[[AbstractChannel], Awaitable[AbstractQueue]]
Work = Callable[[AbstractChannel, AbstractIncomingMessage], Awaitable[None]]


class Intake:
    """A consumer; `begin` is its link's setup, so it begins again with each new channel."""

    #: Set by whoever runs the intake, before it begins.
    link: Link

    def __init__(
        self, declare: Declare, work: Work, *, prefetch: int, on_begin: Callable[[], None] = lambda: None
    ) -> None:
        self._declare, self._work, self._prefetch, self._on_begin = declare, work, prefetch, on_begin
        self._tasks: set[asyncio.Task[None]] = set()
        self._consuming: tuple[AbstractQueue, str] | None = None
        self._stopping = False

    async def begin(self, channel: AbstractChannel) -> None:
        """Declare the queue and take messages from it, unless the end is near."""
        self._consuming = None
        if self._stopping:
            return

        async def take(message: AbstractIncomingMessage) -> None:
            # the library cancels this callback when the link is lost: the work runs in a task of ours (1.5)
            task = asyncio.create_task(self._run(channel, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        await channel.set_qos(self._prefetch, global_=False)
        queue = await self._declare(channel)
        self._consuming = (queue, await queue.consume(take))
        self._on_begin()

    @asynccontextmanager
    async def draining(self) -> AsyncIterator[None]:
        """Wait at the end for what is in work, with the link still up so that it can be acked (1.7, R9)."""
        try:
            yield
        finally:
            self._stopping = True
            await self._stop_taking()
            await self._finish()

    async def _run(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        try:
            await self._work(channel, message)
        except BusError as error:
            # the broker delivers it again: the answer never reached it
            log.warning("message.unsettled", message_id=message.message_id, error=str(error))

    async def _stop_taking(self) -> None:
        if self._consuming is None or self.link.channel is None:
            return
        queue, tag = self._consuming
        with suppress(BusError):
            async with bounded(CANCEL_TIMEOUT):
                await queue.cancel(tag)
        # messages that arrived before the broker's answer are still on their way through the library's tasks
        await asyncio.sleep(0.01)

    async def _finish(self) -> None:
        deadline = asyncio.get_running_loop().time() + bus.DRAIN_TIMEOUT
        while self._tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        if self._tasks:
            log.warning("message.abandoned", count=len(self._tasks))
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
