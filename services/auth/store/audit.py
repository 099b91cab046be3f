"""The audit trail: rows are added, in the transaction of what they tell, and never changed (R51)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.auth.audit import Actor, Event
from shared import db
from shared.events import Audited

#: A key's id, where there is one, and what else is told.
Row = tuple[str | None, dict[str, Any]]


async def add(
    conn: db.Connection, account_id: str | None, action: str, actor: Actor, *, key_id: str | None = None, **detail: Any
) -> None:
    """Add a row; `account_id` None is for what belongs to no account that we know."""
    await conn.execute(
        "INSERT INTO audit (account_id, action, actor, key_id, ip, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        account_id, action, actor.id, key_id or actor.key_id, actor.ip, detail,
    )  # fmt: skip


async def add_all(conn: db.Connection, account_id: str, action: str, actor: Actor, rows: Sequence[Row]) -> None:
    """Add a row for each key id (or None) with its detail."""
    await conn.executemany(
        "INSERT INTO audit (account_id, action, actor, key_id, ip, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        [(account_id, action, actor.id, key_id or actor.key_id, actor.ip, detail) for key_id, detail in rows],
    )


async def record(conn: db.Connection, message_id: str, event: Audited) -> None:
    """Add the row that a message brings from another service, once for each message."""
    await conn.execute(
        "INSERT INTO audit (account_id, at, action, actor, key_id, ip, detail, message_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (message_id) DO NOTHING",
        event.account_id, event.at, event.action, event.actor, event.key_id, event.ip, event.detail, message_id,
    )  # fmt: skip


async def page(
    conn: db.Connection, account_id: str, *, limit: int, before: tuple[datetime, int] | None = None
) -> list[Event]:
    """Return an account's events, newest first, those behind the one at `before`."""
    moment, last = before or (None, None)
    rows = await conn.fetch(
        "SELECT id, at, action, actor, key_id, ip, detail FROM audit WHERE account_id = $1"
        " AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3::bigint)) ORDER BY at DESC, id DESC LIMIT $4",
        account_id, moment, last, limit,
    )  # fmt: skip
    return [Event(**row) for row in rows]
