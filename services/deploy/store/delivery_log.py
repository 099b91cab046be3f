"""The SQL of a webhook's log: every attempt, what waits for its first one, what is sent again, and test deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.deploy.deliveries import LogRow
from services.deploy.webhooks import MAX_PENDING, DeliveryNotFound
from shared.db import Connection

#: A delivery that was stopped says why at its last attempt, and is tried no more.
_ATTEMPTS: Final = """
    SELECT a.id, a.delivery_id, a.submission_id, a.attempt, a.at, a.at AS created_at, a.status, a.latency_ms, a.answer,
           CASE WHEN a.attempt = d.attempts AND d.note IS NOT NULL THEN concat_ws('; ', a.error, d.note)
                ELSE a.error END AS error,
           CASE WHEN d.state = 'pending' OR a.attempt < d.attempts THEN a.next_at END AS next_at, a.request_id, d.state
"""
_BEFORE: Final = "($2::timestamptz IS NULL OR ({0}) < ($2, $3::text))"
_UNATTEMPTED: Final = f"""
    SELECT d.id, d.id, d.submission_id, 0, NULL, d.created_at, NULL, NULL, '', d.note,
           CASE d.state WHEN 'pending' THEN d.next_at END, NULL, d.state
    FROM deliveries d WHERE d.webhook_id = $1 AND d.state <> 'delivered' AND ($5::text IS NULL OR d.state = $5)
    AND {_BEFORE.format("d.created_at, d.id")}
    AND NOT EXISTS (SELECT FROM delivery_attempts a WHERE a.delivery_id = d.id)
    ORDER BY d.created_at DESC, d.id DESC LIMIT $4
"""
#: Of all deliveries, or of those that arrived: along the log.
_ALONG: Final = f"""
    {_ATTEMPTS} FROM delivery_attempts a JOIN deliveries d ON d.id = a.delivery_id
    WHERE a.webhook_id = $1 AND {_BEFORE.format("a.at, a.id")} AND ($5::text IS NULL OR d.state = $5)
    ORDER BY a.at DESC, a.id DESC LIMIT $4
"""
#: Of those that did not: they may be few among many.
_AMONG: Final = f"""
    WITH those AS MATERIALIZED (SELECT id, state, attempts, note FROM deliveries
                                WHERE webhook_id = $1 AND state <> 'delivered' AND state = $5)
    {_ATTEMPTS} FROM those d JOIN delivery_attempts a ON a.delivery_id = d.id WHERE {_BEFORE.format("a.at, a.id")}
    ORDER BY a.at DESC, a.id DESC LIMIT $4
"""
_ROWS: Final = """
    SELECT r.id, r.delivery_id, r.submission_id, r.attempt, r.at, r.created_at, r.status, r.latency_ms, r.answer,
           r.error, r.next_at, r.state, coalesce(s.status = 'test', false) AS test,
           coalesce(r.request_id, s.request_id) AS request_id
    FROM ({0}) AS r LEFT JOIN submissions s ON s.id = r.submission_id
    ORDER BY r.created_at DESC, r.id DESC LIMIT $4
"""


async def list_page(
    conn: Connection, webhook_id: str, *, limit: int, before: tuple[datetime, str] | None, state: str | None
) -> list[LogRow]:
    """Return attempts, newest first, and deliveries without one; of deliveries in one state where it is given."""
    moment, last = before or (None, None)
    attempted = _AMONG if state in {"pending", "failed"} else _ALONG
    both = f"({attempted}) UNION ALL ({_UNATTEMPTED})"
    rows = await conn.fetch(_ROWS.format(both), webhook_id, moment, last, limit, state)
    return [LogRow(**row) for row in rows]


async def first_attempt(conn: Connection, delivery_id: str) -> LogRow | None:
    """Return the first attempt of a delivery, None while there is none."""
    attempted = (
        f"{_ATTEMPTS} FROM delivery_attempts a JOIN deliveries d ON d.id = a.delivery_id WHERE a.delivery_id = $1"
        " AND a.attempt = 1 AND $2::text IS NULL AND $3::text IS NULL"
    )
    row = await conn.fetchrow(_ROWS.format(attempted), delivery_id, None, None, 1)
    return None if row is None else LogRow(**row)


# Sent again


async def replay(conn: Connection, webhook_id: str, named: str) -> None:
    """Let a delivery, or that of an attempt, begin anew, under its own id. Raise DeliveryNotFound."""
    done = await conn.execute(
        "UPDATE deliveries SET state = 'pending', attempts = 0, next_at = now(), note = NULL WHERE webhook_id = $1"
        " AND id IN ($2, (SELECT delivery_id FROM delivery_attempts WHERE id = $2))",
        webhook_id, named,
    )  # fmt: skip
    if done != "UPDATE 1":
        raise DeliveryNotFound


async def replay_failed(conn: Connection, webhook_id: str) -> int:
    """Let a webhook's failed deliveries begin anew, the oldest first and not more than may wait; return how many."""
    queued: int = await conn.fetchval(
        "WITH failed AS (SELECT id FROM deliveries WHERE webhook_id = $1 AND state = 'failed'"
        "   ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),"
        " queued AS (UPDATE deliveries d SET state = 'pending', attempts = 0, next_at = now(), note = NULL"
        "   FROM failed WHERE d.id = failed.id RETURNING 1)"
        " SELECT count(*) FROM queued",
        webhook_id, MAX_PENDING,
    )  # fmt: skip
    return queued


# Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A submission that nobody sent, for one webhook alone."""

    submission_id: str
    delivery_id: str
    data: Mapping[str, Any]
    request_id: str


async def add_trial(conn: Connection, deployment_id: str, webhook_id: str, trial: Trial) -> None:
    """Store a marked submission and its delivery, which is the webhook's next."""
    await conn.execute(
        "INSERT INTO submissions (id, deployment_id, status, data, version, created_at, request_id, stored_ms)"
        " SELECT $1, id, 'test', $3, coalesce(live_version, last_version), now(), $4, 0 FROM deployments WHERE id = $2",
        trial.submission_id, deployment_id, trial.data, trial.request_id,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO deliveries (id, webhook_id, deployment_id, submission_id, next_at) SELECT $1, $2, $3, $4,"
        " least(now(), min(next_at) - interval '1 second') FROM deliveries WHERE webhook_id = $2 AND state = 'pending'",
        trial.delivery_id, webhook_id, deployment_id, trial.submission_id,
    )  # fmt: skip


async def pending(conn: Connection, webhook_id: str) -> int:
    """Return how many deliveries wait for a webhook."""
    found: int = await conn.fetchval(
        "SELECT count(*) FROM (SELECT FROM deliveries WHERE webhook_id = $1 AND state = 'pending' LIMIT $2) AS waiting",
        webhook_id, 2 * MAX_PENDING,
    )  # fmt: skip
    return found
