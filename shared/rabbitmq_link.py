"""A connection to RabbitMQ that comes back: one supervisor, one channel, everything declared anew each time.

Deliberately not `connect_robust`: its calls wait for ever while the link is away (E1), it has no backoff, and what it
restores after which fault is hard to say. Here each fault has the same answer: close all, wait, build all again.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import PublishError

from shared import handling, logs
from shared.bus import BusError, Unroutable

log = logs.get(__name__)

#: Seconds for the handshake, and for the declarations after it.
CONNECT_TIMEOUT: Final = 5.0
SETUP_TIMEOUT: Final = 10.0
#: Seconds for a polite goodbye; a dead link does not answer it.
CLOSE_TIMEOUT: Final = 2.0
#: Seconds between two questions to a broker that would otherwise be silent, for each answer, and how many may stay
#: unanswered: a black hole shows within 5 + 2 * 2 s (R32: 15 s). Two, so that a process that was held up for a moment
#: does not take that for a loss.
PROBE_EVERY: Final = 5.0
PROBE_TIMEOUT: Final = 2.0
PROBES: Final = 2
#: Shortest and longest pause between two connections, in seconds (R6: back within 10 s).
PAUSES: Final = (0.2, 3.0)
#: A link that lived this long failed for a new reason: the pauses begin anew.
STEADY: Final = 10.0

Setup = Callable[[AbstractChannel], Awaitable[None]]


@asynccontextmanager
async def bounded(seconds: float) -> AsyncIterator[None]:
    """Let a call to the broker take this long, and turn all that it raises into BusError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        # a dying link rejects its futures with CancelledError: no cancellation of this task (1.3)
        if handling.cancelled():
            raise
        raise BusError("the link was lost") from error
    except PublishError as error:
        raise Unroutable("no queue takes it") from error
    except TimeoutError as error:
        raise BusError(f"no answer within {seconds:g} s") from error
    except Exception as error:  # aiormq rejects with AMQPError, OSError, RuntimeError, even a bare Exception
        raise BusError(f"{type(error).__name__}: {error}") from error


class Link:
    """One connection and its channel; `setup` is run on each new channel before it counts as up.

    A `probed` one asks the broker for a sign of life now and then. Not for a connection that publishes: a broker with
    an alarm reads nothing from those, and is not dead.
    """

    def __init__(self, url: str, name: str, setup: Setup, *, heartbeat: int, probed: bool = False) -> None:
        self._url, self._name, self._setup, self._heartbeat = url, name, setup, heartbeat
        self._probed = probed
        self._lost = asyncio.Event()
        self._up: bool | None = None
        #: The channel while the link is up.
        self.channel: AbstractChannel | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the link up, in the background, while the context is open."""
        supervisor = asyncio.create_task(self._supervise(), name=f"link {self._name}")
        try:
            yield
        finally:
            supervisor.cancel()
            await asyncio.wait([supervisor])

    def restart(self) -> None:
        """Treat the link as lost: what it needs on the broker may be gone, and is declared anew."""
        self._lost.set()

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                await self._live()
            except BusError as error:
                self._report(up=False, error=str(error))
            failures = 1 if loop.time() - began > STEADY else failures + 1
            shortest, longest = PAUSES
            await asyncio.sleep(random.uniform(shortest, max(shortest, min(longest, shortest * 2**failures))))  # noqa: S311

    async def _live(self) -> None:
        """Bring the link up once and return, or raise BusError, when it is lost."""
        self._lost = lost = asyncio.Event()
        async with bounded(CONNECT_TIMEOUT):
            connection = await aio_pika.connect(self._url, heartbeat=self._heartbeat, name=f"invoker {self._name}")
        try:
            async with bounded(SETUP_TIMEOUT):
                channel = await self._open(connection, lost)
                await self._setup(channel)
            self.channel = channel
            self._report(up=True)
            await (self._probe(connection, lost) if self._probed else lost.wait())
        finally:
            self.channel = None
            await _close(connection)
        raise BusError("the connection, the channel or the consumer is gone")

    async def _probe(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """Wait until the link is lost; raise BusError when it is and nobody was told."""
        while not await _set_within(lost, PROBE_EVERY):
            for left in reversed(range(PROBES)):
                try:
                    async with bounded(PROBE_TIMEOUT):
                        # on a channel of its own: what waits in the other one does not hold it up
                        await (probe := connection.channel(publisher_confirms=False)).initialize()
                        await probe.close()
                    break
                except BusError:
                    if not left or lost.is_set():
                        raise

    async def _open(self, connection: AbstractConnection, lost: asyncio.Event) -> AbstractChannel:
        def on_loss(*_: Any) -> None:
            lost.set()

        connection.close_callbacks.add(on_loss)
        channel = connection.channel(on_return_raises=True)
        await channel.initialize()
        channel.close_callbacks.add(on_loss)
        # the broker cancels a consumer when its queue is deleted
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(on_loss)
        return channel

    def _report(self, *, up: bool, **facts: Any) -> None:
        """Write a line for each change of state, and only then: an outage does not flood the log."""
        if up is not self._up:
            (log.info if up else log.warning)("bus.up" if up else "bus.down", link=self._name, **facts)
        self._up = up


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False


async def _close(connection: AbstractConnection) -> None:
    try:
        async with bounded(CLOSE_TIMEOUT):
            await connection.close()
    except BusError:
        pass  # it was dead already
