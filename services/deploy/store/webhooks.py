"""The SQL of webhooks, for their owners and for what looks after them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.deploy.webhooks import GRACE, MAX_PENDING, Webhook, WebhookLimitReached, WebhookNotFound
from shared.db import Connection

_WEBHOOKS: Final = f"""
    SELECT w.id, w.deployment_id, w.url, w.type, w.events, w.active, w.created_at, w.failing_since, w.disabled_at,
           w.disabled_why, w.backlogged,
           (SELECT count(*) FROM (SELECT FROM deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending'
            LIMIT {2 * MAX_PENDING}) AS waiting)::int AS pending
    FROM webhooks w WHERE w.deployment_id = $1
"""

#: Ids of webhooks that something waits for, each with when its first is due: one step in an index for each of them,
#: however much waits.
WAITING: Final = """
    WITH RECURSIVE waiting AS (
        (SELECT webhook_id, next_at FROM deliveries WHERE state = 'pending' ORDER BY webhook_id, next_at LIMIT 1)
        UNION ALL
        SELECT following.webhook_id, following.next_at FROM waiting CROSS JOIN LATERAL (
            SELECT d.webhook_id, d.next_at FROM deliveries d
            WHERE d.state = 'pending' AND d.webhook_id > waiting.webhook_id ORDER BY d.webhook_id, d.next_at LIMIT 1
        ) AS following
    )
"""


async def of_site(conn: Connection, deployment_id: str) -> list[Webhook]:
    """Return a site's webhooks, newest first: 20 at most."""
    rows = await conn.fetch(f"{_WEBHOOKS} ORDER BY w.created_at DESC, w.id DESC", deployment_id)
    return [Webhook(**row) for row in rows]


async def find(conn: Connection, deployment_id: str, webhook_id: str) -> Webhook:
    """Return one webhook of a site. Raise WebhookNotFound."""
    row = await conn.fetchrow(f"{_WEBHOOKS} AND w.id = $2", deployment_id, webhook_id)
    if row is None:
        raise WebhookNotFound
    return Webhook(**row)


async def add(conn: Connection, given: Webhook, secret: str, *, most: int) -> None:
    """Add a webhook. Raise WebhookLimitReached.

    In a transaction: the site's row is held, so that its webhooks are counted one by one.
    """
    await conn.execute("SELECT FROM deployments WHERE id = $1 FOR UPDATE", given.deployment_id)
    if await conn.fetchval("SELECT count(*) FROM webhooks WHERE deployment_id = $1", given.deployment_id) >= most:
        raise WebhookLimitReached
    await conn.execute(
        "INSERT INTO webhooks (id, deployment_id, url, type, events, secret, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        given.id, given.deployment_id, given.url, given.type, given.events, secret, given.created_at,
    )  # fmt: skip


async def change(
    conn: Connection,
    webhook_id: str,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    active: bool | None = None,
) -> None:
    """Change what is given. What begins anew, by another address or by being switched on, has not failed yet."""
    await conn.execute(
        "UPDATE webhooks SET url = coalesce($2, url), events = coalesce($3, events), active = coalesce($4, active),"
        " failing_since = CASE WHEN $4 OR $2 <> url THEN NULL ELSE failing_since END,"
        " disabled_at = CASE $4 WHEN true THEN NULL WHEN false THEN coalesce(disabled_at, now()) ELSE disabled_at END,"
        " disabled_why = CASE $4 WHEN true THEN NULL WHEN false THEN coalesce(disabled_why, 'You switched it off.')"
        " ELSE disabled_why END WHERE id = $1",
        webhook_id, url, events, active,
    )  # fmt: skip


async def remove(conn: Connection, webhook_id: str) -> None:
    """Remove a webhook; what was sent to it stays in the traces of submissions."""
    await conn.execute("DELETE FROM webhooks WHERE id = $1", webhook_id)


async def rotate(conn: Connection, webhook_id: str, secret: str) -> datetime:
    """Give a webhook another secret; return until when the one before signs too."""
    until: datetime = await conn.fetchval(
        "UPDATE webhooks SET previous_secret = secret, previous_until = now() + $3, secret = $2 WHERE id = $1"
        " RETURNING previous_until",
        webhook_id, secret, GRACE,
    )  # fmt: skip
    return until


# What looks after them


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """A webhook that was switched off just now, and whom to tell."""

    id: str
    deployment_id: str
    slug: str
    account_id: str
    #: Empty for a site that nobody has claimed.
    email: str
    anonymous: bool
    url: str


async def disable(
    conn: Connection, webhook_id: str, url: str, why: str, *, failing_before: datetime | None
) -> Disabled | None:
    """Switch a webhook off that is on, still leads there, and has failed since before the moment, if one is given."""
    row = await conn.fetchrow(
        "UPDATE webhooks w SET active = false, disabled_at = now(), disabled_why = $3"
        " FROM deployments d JOIN accounts a ON a.id = d.account_id"
        " WHERE w.id = $1 AND w.url = $2 AND w.active AND ($4::timestamptz IS NULL OR w.failing_since <= $4)"
        " AND d.id = w.deployment_id"
        " RETURNING w.id, w.deployment_id, d.slug, d.account_id, a.email, a.anonymous, w.url",
        webhook_id, url, why, failing_before,
    )  # fmt: skip
    return None if row is None else Disabled(**row)


async def note(conn: Connection, working: Sequence[str], failing: Sequence[str], now: datetime) -> None:
    """Note which webhooks work again, and which do not any more."""
    await conn.execute(
        "WITH held AS MATERIALIZED (SELECT id FROM webhooks WHERE id = ANY($1) OR id = ANY($2) ORDER BY id FOR UPDATE)"
        " UPDATE webhooks w SET failing_since = CASE WHEN w.id = ANY($1) THEN NULL"
        " ELSE coalesce(w.failing_since, $3) END FROM held WHERE held.id = w.id",
        working, failing, now,
    )  # fmt: skip


async def mark_backlogs(conn: Connection) -> int:
    """Queue nothing more for webhooks that too much waits for, and again for those below half of it.

    Return how many changed.
    """
    changed: int = await conn.fetchval(
        f"{WAITING}, full_now AS (SELECT webhook_id FROM waiting WHERE EXISTS (SELECT FROM deliveries d"
        "   WHERE d.webhook_id = waiting.webhook_id AND d.state = 'pending' OFFSET $1 - 1)),"
        " marked AS (UPDATE webhooks SET backlogged = true"
        "   WHERE NOT backlogged AND id IN (SELECT webhook_id FROM full_now) RETURNING 1),"
        " cleared AS (UPDATE webhooks w SET backlogged = false WHERE w.backlogged AND NOT EXISTS (SELECT"
        "   FROM deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending' OFFSET $1 / 2 - 1) RETURNING 1)"
        " SELECT (SELECT count(*) FROM marked) + (SELECT count(*) FROM cleared)",
        MAX_PENDING,
    )
    return changed
