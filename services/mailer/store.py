"""The SQL of what became of mails, and of addresses that get none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared import db
from shared.events import Envelope


async def finish(conn: db.Connection, message_id: str, recipient: str) -> None:
    """Remember for good that the mail was taken, and where it went. Idempotent."""
    await conn.execute(
        "UPDATE inbox SET state = 'done', lease_until = NULL, done_at = now(), recipient = $2 WHERE message_id = $1",
        message_id,
        recipient,
    )


async def refuse(conn: db.Connection, message_id: str, reason: str) -> None:
    """Remember for good that this mail cannot be delivered, and why: it is never tried again. Idempotent."""
    await conn.execute(
        "UPDATE inbox SET state = 'done', lease_until = NULL, done_at = now(), refused = $2 WHERE message_id = $1",
        message_id,
        reason,
    )


async def recipient(conn: db.Connection, message_id: str) -> str | None:
    """Return where a mail went; None when it is not known, or did not go."""
    found: str | None = await conn.fetchval("SELECT recipient FROM inbox WHERE message_id = $1", message_id)
    return found


async def put_off(conn: db.Connection, envelope: Envelope, seconds: float) -> None:
    """Have a message published again after a while, as it is."""
    await conn.execute(
        "INSERT INTO outbox (envelope, next_at) VALUES ($1, now() + make_interval(secs => $2))",
        envelope.model_dump(mode="json"),
        seconds,
    )


# Addresses that get no mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that gets no mails, and why."""

    email: str
    reason: str
    detail: str
    at: datetime


async def is_suppressed(conn: db.Connection, email: str) -> bool:
    """Tell whether an address, in lower case, gets no mails."""
    return bool(await conn.fetchval("SELECT true FROM suppressions WHERE email = $1", email))


async def suppress(conn: db.Connection, email: str, reason: str, detail: str) -> Suppression | None:
    """Let an address get no mails, and return that it is so; None when it was so before."""
    row = await conn.fetchrow(
        "INSERT INTO suppressions (email, reason, detail) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        " RETURNING email, reason, detail, at",
        email, reason, detail,
    )  # fmt: skip
    return Suppression(**row) if row else None


async def lift(conn: db.Connection, email: str, until: datetime | None = None) -> datetime | None:
    """Let an address get mails again, and return since when it had got none; None when it is not suppressed.

    With `until` only a suppression that began by then.
    """
    began: datetime | None = await conn.fetchval(
        "DELETE FROM suppressions WHERE email = $1 AND ($2::timestamptz IS NULL OR at <= $2) RETURNING at", email, until
    )
    return began


async def suppressed(conn: db.Connection, limit: int) -> Sequence[Suppression]:
    """Return the addresses that get no mails, those of late first."""
    rows = await conn.fetch("SELECT email, reason, detail, at FROM suppressions ORDER BY at DESC LIMIT $1", limit)
    return [Suppression(**row) for row in rows]
