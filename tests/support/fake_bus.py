"""A bus in memory: remembers what was published, hands it to consumers and listeners, can be away."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shared.bus import BusError, Delivery, Handlers
from shared.events import Envelope, SubmissionMail


class FakeBus:
    """A `bus.Bus`; `published` is in order."""

    def __init__(self) -> None:
        self.away = False
        self.published: list[Envelope] = []
        self._listeners: list[tuple[Handlers, Callable[[], None]]] = []
        self._consumers: list[Handlers] = []

    def healthy(self) -> bool:
        return not self.away

    async def publish(self, envelope: Envelope) -> None:
        if self.away:
            raise BusError("the bus is away")
        self.published.append(envelope)
        event = envelope.event()
        for handlers in (*self._consumers, *(handlers for handlers, _ in self._listeners)):
            if handler := handlers.get(type(event)):
                await handler(event, Delivery(envelope=envelope, attempt=1, last=True))

    @asynccontextmanager
    async def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AsyncIterator[None]:  # noqa: ARG002
        self._consumers.append(handlers)
        yield
        self._consumers.remove(handlers)

    @asynccontextmanager
    async def listen(self, handlers: Handlers, *, on_gap: Callable[[], None]) -> AsyncIterator[None]:
        on_gap()
        self._listeners.append((handlers, on_gap))
        yield
        self._listeners.remove((handlers, on_gap))

    def gap(self) -> None:
        """Tell every listener that it may have missed something."""
        for _, on_gap in self._listeners:
            on_gap()

    @property
    def notices(self) -> list[SubmissionMail]:
        """The notices of submissions published so far."""
        return [event for envelope in self.published if isinstance(event := envelope.event(), SubmissionMail)]
