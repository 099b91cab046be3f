"""The SQL of what owners decide about submissions: read, spam or not, deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.db import Connection

#: Rows of one transaction that deletes; a submission has up to 256 KiB.
ROWS: Final = 500


async def change(
    conn: Connection, deployment_id: str, ids: Sequence[str], *, status: str | None, read: bool | None
) -> int:
    """Mark submissions of a site, and return how many of them there are; a test stays a test.

    What is rescued from spam goes to webhooks and mails that it never went to.
    """
    rows = await conn.fetch(
        "WITH held AS (SELECT id, status FROM submissions WHERE deployment_id = $1 AND id = ANY ($2)"
        "    ORDER BY id FOR UPDATE)"
        " UPDATE submissions s SET"
        " status = CASE s.status WHEN 'test' THEN 'test' ELSE coalesce($3, s.status) END,"
        # it was said of what is held alone
        " spam_reason = CASE WHEN $3 = 'accepted' THEN NULL ELSE s.spam_reason END,"
        " read_at = CASE WHEN $4 THEN coalesce(s.read_at, now()) WHEN NOT $4 THEN NULL ELSE s.read_at END"
        " FROM held WHERE s.id = held.id"
        " RETURNING s.id, held.status = 'spam' AND s.status = 'accepted' AS rescued",
        deployment_id, list(ids), status, read,
    )  # fmt: skip
    if rescued := [row["id"] for row in rows if row["rescued"]]:
        await _queue(conn, rescued)
    return len(rows)


async def _queue(conn: Connection, rescued: Sequence[str]) -> None:
    """Send rescued submissions on their way. What is old may have been: that is forgotten after 30 days."""
    await conn.execute(
        # the id is the one that a delivery of its arrival would have
        "INSERT INTO deliveries (id, webhook_id, deployment_id, submission_id)"
        " SELECT 'dlv_' || left(md5(s.id || w.id), 24), w.id, s.deployment_id, s.id"
        " FROM submissions s JOIN webhooks w ON w.deployment_id = s.deployment_id"
        " WHERE s.id = ANY ($1) AND s.created_at > now() - interval '30 days'"
        " AND w.active AND NOT w.backlogged AND 'submission' = ANY (w.events) ON CONFLICT DO NOTHING",
        rescued,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO notices (submission_id, deployment_id)"
        " SELECT s.id, s.deployment_id FROM submissions s JOIN deployments d ON d.id = s.deployment_id"
        " WHERE s.id = ANY ($1) AND s.created_at > now() - interval '30 days'"
        " AND d.settings -> 'notify_email' IS DISTINCT FROM 'false' ON CONFLICT DO NOTHING",
        rescued,
    )


async def delete(conn: Connection, deployment_id: str, ids: Sequence[str]) -> int:
    """Delete submissions of a site, and return how many there were."""
    deleted: int = await conn.fetchval(
        "WITH gone AS (DELETE FROM submissions WHERE deployment_id = $1 AND id = ANY ($2) RETURNING 1)"
        " SELECT count(*) FROM gone",
        deployment_id, list(ids),
    )  # fmt: skip
    return deleted


async def delete_some(
    conn: Connection, deployment_id: str, status: str, until: datetime, after: tuple[datetime, str]
) -> tuple[int, tuple[datetime, str] | None]:
    """Delete the oldest submissions of a status that came after a place, and before a time.

    Return how many that were, and the place of the last one; None when there are none behind it.
    """
    row = await conn.fetchrow(
        "WITH old AS (SELECT id, created_at FROM submissions WHERE deployment_id = $1 AND status = $2"
        "    AND created_at < $3 AND (created_at, id) > ($4, $5) ORDER BY created_at, id LIMIT $6),"
        " gone AS (DELETE FROM submissions s USING old WHERE s.id = old.id RETURNING 1)"
        # somebody else may have deleted some of them
        " SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM old) AS looked, last.created_at, last.id"
        " FROM (SELECT 1) AS one LEFT JOIN (SELECT created_at, id FROM old ORDER BY created_at DESC, id DESC LIMIT 1)"
        " AS last ON true",
        deployment_id, status, until, *after, ROWS,
    )  # fmt: skip
    assert row is not None  # noqa: S101 - there is always one
    return row["gone"], (row["created_at"], row["id"]) if row["looked"] == ROWS else None
