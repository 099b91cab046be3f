"""The message bus as the services see it; `rabbitmq` and `local_bus` are the two that exist.

A published message is confirmed only when it is safe; it is handled at least once, so handlers are idempotent by
envelope id. What a handler raises decides what becomes of a message: nothing: done; `Retry` or `errors.Unavailable`:
again after the next delay; `Reject`: parked at once; anything else: delivered again at once, parked after
`DELIVERY_LIMIT` + 1 deliveries.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared.events import Envelope, Event

#: Redeliveries after the first delivery before a message that breaks its handler is parked (R10).
DELIVERY_LIMIT: Final = 5
#: Seconds between the attempts of a message whose handler asked to try again; then it is parked (R11).
RETRY_DELAYS: Final = (5.0, 30.0, 120.0, 600.0)
#: Seconds a publish may take, however the link fails (R1, R4).
PUBLISH_TIMEOUT: Final = 5.0
#: Hard bound on one handler's run, far below the broker's own 30 minutes.
HANDLER_TIMEOUT: Final = 120.0
#: How long a closing consumer waits for what is in work; what is left after that is delivered again (R9).
DRAIN_TIMEOUT: Final = 20.0
#: Messages in work at once for one listener (R8).
LISTEN_PREFETCH: Final = 32


class BusError(Exception):
    """The message may not have reached the broker: it has to be published again."""


class Unroutable(BusError):
    """No queue takes this message now, though the link is up."""


class Retry(Exception):
    """Raised by a handler: this may go well later."""


class Reject(Exception):
    """Raised by a handler: this will never go well; its text becomes the parked message's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a handler is told about a message beside its event."""

    envelope: Envelope
    #: 1 for the first, counting the retries after a delay.
    attempt: int
    #: No retry follows this attempt.
    last: bool


Handler = Callable[[Any, Delivery], Awaitable[None]]
#: Which function hears which event; an event without an entry is not subscribed to.
Handlers = Mapping[type[Event], Handler]


class Bus(Protocol):
    """What a service may ask of the bus."""

    async def publish(self, envelope: Envelope) -> None:
        """Hand a message over; returns once it is safe. Raise BusError after at most `PUBLISH_TIMEOUT` seconds."""

    def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AbstractAsyncContextManager[None]:
        """Handle messages of the durable queue while the context is open.

        At the end no new message is taken, those in work finish, and only then the context closes (R9).
        """

    def listen(self, handlers: Handlers, *, on_gap: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Hear broadcast events, in this process, from now on; nothing is kept for later.

        `on_gap` is called whenever events may have been missed, so that caches are dropped: each time that listening
        begins (the first time too: the context does not wait for the link), and when a handler failed.
        """

    def healthy(self) -> bool:
        """Tell whether the link is up at this moment."""
