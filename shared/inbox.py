"""Handlers that act once: a row for each message, claimed before the effect and finished after it.

For effects that cannot join a transaction, such as a mail. Each statement is a transaction of its own, so that a claim
is seen at once. Whoever loses (`BUSY`) raises `bus.Retry`: the winner may yet crash, and its claim is then free again
when its lease ends. A lease is longer than the effect can take: one that outlives its lease may happen twice.
"""

from enum import Enum
from typing import Final

from shared import db

#: Days that a finished message is remembered; no broker redelivers after that.
KEEP_DAYS: Final = 30


class Claim(Enum):
    """What came of a claim."""

    #: Ours: act, then `finish`.
    WON = "won"
    #: Somebody acts on it now, or crashed and its lease has not ended.
    BUSY = "busy"
    #: It has happened: ack the message.
    DONE = "done"


async def claim(conn: db.Connection, message_id: str, lease_seconds: float) -> Claim:
    """Claim a message, in one statement: of concurrent callers, at most one wins (R35)."""
    state = await conn.fetchval(
        """
        WITH won AS (
            INSERT INTO inbox (message_id, state, lease_until)
            VALUES ($1, 'claimed', now() + $2 * interval '1 second')
            ON CONFLICT (message_id) DO UPDATE SET lease_until = excluded.lease_until
                WHERE inbox.state = 'claimed' AND inbox.lease_until < now()
            RETURNING message_id
        )
        SELECT CASE WHEN EXISTS (SELECT FROM won) THEN 'won'
            ELSE (SELECT state FROM inbox WHERE message_id = $1) END
        """,
        message_id,
        lease_seconds,
    )
    # nothing: somebody else's insert, not yet visible when this statement began
    return {"won": Claim.WON, "done": Claim.DONE}.get(state, Claim.BUSY)


async def finish(conn: db.Connection, message_id: str) -> None:
    """Remember for good that the effect has happened."""
    await conn.execute(
        "UPDATE inbox SET state = 'done', lease_until = NULL, done_at = now() WHERE message_id = $1", message_id
    )


async def release(conn: db.Connection, message_id: str) -> None:
    """Give a claim back: the effect surely has not happened."""
    await conn.execute("DELETE FROM inbox WHERE message_id = $1 AND state = 'claimed'", message_id)


async def prune(conn: db.Connection, days: int = KEEP_DAYS) -> None:
    """Forget what was finished this long ago, and claims that nobody came back for."""
    await conn.execute(
        "DELETE FROM inbox WHERE done_at < now() - $1 * interval '1 day'"
        " OR (state = 'claimed' AND lease_until < now() - $1 * interval '1 day')",
        days,
    )
