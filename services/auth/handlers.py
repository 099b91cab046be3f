"""What auth hears on the bus: what the audit trail is told by other services."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final

from services.auth.service.trail import Trail
from shared.bus import Delivery, Handlers
from shared.events import Audited, Event

#: Name of the durable queue.
QUEUE: Final = "auth"


async def record(trail: Trail, event: Audited, delivery: Delivery) -> None:
    """Add a row to the trail. Idempotent by message id."""
    await trail.record(event, delivery.envelope.id)


def bound(trail: Trail) -> Handlers:
    """Return the handlers of one process, as the bus takes them."""
    return {event: partial(handler, trail) for event, handler in HANDLERS.items()}


#: Who hears what.
HANDLERS: Final[Mapping[type[Event], Callable[[Trail, Any, Delivery], Coroutine[Any, Any, None]]]] = {Audited: record}
