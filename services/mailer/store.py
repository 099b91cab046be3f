"""The inbox's part that is the mailer's own: mails that were refused for good."""

from shared import db


async def refuse(conn: db.Connection, message_id: str, reason: str) -> None:
    """Remember for good that this mail cannot be delivered, and why: it is never tried again. Idempotent."""
    await conn.execute(
        "UPDATE inbox SET state = 'done', lease_until = NULL, done_at = now(), refused = $2 WHERE message_id = $1",
        message_id,
        reason,
    )
