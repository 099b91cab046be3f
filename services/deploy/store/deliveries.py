"""The SQL of deliveries on their way: which are due, and what became of each attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.deploy.deliveries import Attempt, Due
from services.deploy.store.webhooks import WAITING
from shared.db import Connection

#: What deliveries are claimed for: longer than an attempt takes, so that nobody takes over one that runs (R80).
LEASE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much more a claim may take: in all, for webhooks that are known, and for all others together."""

    total: int
    #: Deliveries more that each of these may have under way: it answered well when it was last asked.
    known: dict[str, int]
    #: Webhooks that may have none, or that have one under way which may never be answered.
    busy: Sequence[str]
    #: Any other has one at a time, and all of them together so many.
    others: int


# What waits for a site that is down or deleted goes on waiting. The lateral part looks at no more of a webhook's queue
# than there is room for, so a long one costs the others nothing (R79).
_CLAIM: Final = f"""
    {WAITING}, free AS (
        SELECT waiting.webhook_id, waiting.next_at, known.room, row_number() OVER (
            PARTITION BY known.room IS NULL ORDER BY waiting.next_at) AS place
        FROM waiting LEFT JOIN unnest($3::text[], $4::int[]) AS known (webhook_id, room) USING (webhook_id)
        JOIN webhooks w ON w.id = waiting.webhook_id AND w.active
        JOIN deployments d ON d.id = w.deployment_id AND d.deleted_at IS NULL AND d.taken_down_at IS NULL
        WHERE waiting.next_at <= greatest(now(), $1) AND waiting.webhook_id <> ALL ($5::text[])
    ), chosen AS (
        SELECT webhook_id, coalesce(room, 1) AS room FROM free WHERE room IS NOT NULL OR place <= $6
        ORDER BY next_at LIMIT $2
    ), due AS MATERIALIZED (
        SELECT next.id FROM chosen CROSS JOIN LATERAL (
            SELECT d.id FROM deliveries d
            WHERE d.webhook_id = chosen.webhook_id AND d.state = 'pending' AND d.next_at <= greatest(now(), $1)
            ORDER BY d.next_at LIMIT chosen.room FOR UPDATE SKIP LOCKED
        ) AS next LIMIT $2
    ), claimed AS (
        UPDATE deliveries d SET next_at = greatest(now(), $1) + $7 FROM due WHERE d.id = due.id
        RETURNING d.id, d.webhook_id, d.deployment_id, d.submission_id, d.attempts, d.next_at
    )
    SELECT c.id, c.webhook_id, c.deployment_id, c.submission_id, c.attempts, c.next_at AS leased_until,
           w.url, w.type, w.failing_since, d.slug, s.form, s.status, s.data, coalesce(s.files, '[]') AS files,
           s.created_at, coalesce(s.request_id, '') AS request_id,
           array_remove(ARRAY[w.secret, CASE WHEN w.previous_until > greatest(now(), $1)
               THEN w.previous_secret END], NULL) AS secrets
    FROM claimed c JOIN webhooks w ON w.id = c.webhook_id JOIN deployments d ON d.id = c.deployment_id
    JOIN submissions s ON s.id = c.submission_id
"""


async def claim(conn: Connection, room: Room, now: datetime) -> list[Due]:
    """Take on deliveries that are due, those that wait longest first; other processes' are left to them."""
    rows = await conn.fetch(
        _CLAIM, now, room.total, list(room.known), list(room.known.values()), room.busy, room.others, LEASE
    )  # fmt: skip
    return [Due(**row) for row in rows]


async def anything_due(conn: Connection, now: datetime) -> bool:
    """Tell whether a claim is worth making."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM deliveries WHERE state = 'pending' AND next_at <= greatest(now(), $1))", now
        )
    )


# One statement for many. A delivery that was replayed, stopped or taken over meanwhile is as that left it.
_SETTLE: Final = """
    WITH given AS (
        SELECT id, delivery_id, attempt, at, status, latency_ms, error, answer, next_at, request_id, state, leased_until
        FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::int[], $6::real[], $7::text[],
                    $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::timestamptz[])
            AS given (id, delivery_id, attempt, at, status, latency_ms, error, answer, next_at, request_id, state,
                      leased_until)
    ), logged AS (
        INSERT INTO delivery_attempts (id, delivery_id, webhook_id, submission_id, attempt, at, status, latency_ms,
            error, answer, next_at, request_id)
        SELECT g.id, g.delivery_id, d.webhook_id, d.submission_id, g.attempt, g.at, g.status, g.latency_ms, g.error,
               g.answer, g.next_at, g.request_id
        FROM given g JOIN deliveries d ON d.id = g.delivery_id
        ON CONFLICT (id) DO NOTHING
    )
    UPDATE deliveries d SET state = g.state, attempts = g.attempt, next_at = coalesce(g.next_at, d.next_at)
    FROM given g WHERE d.id = g.delivery_id AND d.state = 'pending' AND d.next_at = g.leased_until
"""


async def settle(conn: Connection, attempts: Sequence[Attempt]) -> None:
    """Write down what became of attempts. Idempotent."""
    await conn.execute(_SETTLE, *map(list, zip(*map(_values, attempts), strict=True)))


def _values(of: Attempt) -> tuple[object, ...]:
    return (
        of.id, of.due.id, of.due.attempts + 1, of.at, of.status, of.latency_ms, of.error, of.answer, of.next_at,
        of.request_id, of.state, of.due.leased_until,
    )  # fmt: skip


async def stop(conn: Connection, webhook_id: str, note: str) -> int:
    """End all that waits for a webhook; return how many that were."""
    stopped: int = await conn.fetchval(
        "WITH stopped AS (UPDATE deliveries SET state = 'failed', note = $2"
        "   WHERE webhook_id = $1 AND state = 'pending' RETURNING 1) SELECT count(*) FROM stopped",
        webhook_id, note,
    )  # fmt: skip
    return stopped


async def sweep(conn: Connection, limit: int) -> int:
    """Delete deliveries that ended or began 30 days ago, with their attempts; return how many."""
    gone: int = await conn.fetchval(
        "WITH old AS (SELECT id FROM deliveries WHERE created_at < now() - interval '30 days'"
        "    ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED),"
        " logged AS (DELETE FROM delivery_attempts a USING old WHERE a.delivery_id = old.id),"
        " gone AS (DELETE FROM deliveries d USING old WHERE d.id = old.id RETURNING 1)"
        " SELECT count(*) FROM gone",
        limit,
    )  # fmt: skip
    return gone
