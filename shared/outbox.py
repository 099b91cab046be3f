"""A change and its message are one transaction: rows written beside the change, published by a relay.

Each service's schema has the table `outbox` (its first migration). A row is deleted once the bus has confirmed it;
a crash between the two publishes it again, under the same id, and consumers drop the second.
"""

from datetime import datetime

from shared import db
from shared.events import Envelope, Event


async def add(conn: db.Connection, event: Event, *, expires_at: datetime | None = None) -> Envelope:
    """Write the event beside the change that `conn`'s transaction makes. Gone with it when it is rolled back."""
    envelope = Envelope.of(event, expires_at=expires_at)
    await conn.execute("INSERT INTO outbox (envelope) VALUES ($1)", envelope.model_dump(mode="json"))
    return envelope
