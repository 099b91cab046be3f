"""The end of rows that nobody needs; each statement takes what no other process is at, and says how much."""

from shared import db


async def logins(conn: db.Connection, limit: int) -> int:
    """Delete logins that ended or expired more than a day ago; their codes go with them."""
    status = await conn.execute(
        "DELETE FROM logins WHERE id IN ("
        "   SELECT id FROM logins WHERE created_at < now() - interval '1 day'"
        "   AND least(ended_at, expires_at) < now() - interval '1 day' ORDER BY created_at LIMIT $1"
        "   FOR UPDATE SKIP LOCKED)",
        limit,
    )
    return _count(status)


async def code_mails(conn: db.Connection, limit: int) -> int:
    """Delete what the limits of mails, a day long at most, no longer count."""
    status = await conn.execute(
        "DELETE FROM code_mails WHERE ctid IN ("
        "   SELECT ctid FROM code_mails WHERE created_at < now() - interval '1 day' ORDER BY created_at LIMIT $1"
        "   FOR UPDATE SKIP LOCKED)",
        limit,
    )
    return _count(status)


async def sessions(conn: db.Connection, limit: int) -> int:
    """Delete browser sessions that were ended or expired more than 30 days ago."""
    status = await conn.execute(
        "DELETE FROM sessions WHERE id IN ("
        # the first condition is the index's: no session lives longer than 30 days
        "   SELECT id FROM sessions WHERE expires_at < now()"
        "   AND least(revoked_at, expires_at) < now() - interval '30 days' ORDER BY id LIMIT $1"
        "   FOR UPDATE SKIP LOCKED)",
        limit,
    )
    return _count(status)


def _count(status: str) -> int:
    """Read the number of rows in what PostgreSQL answers: `DELETE 5`."""
    return int(status.rpartition(" ")[2])
