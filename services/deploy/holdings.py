"""The SQL of all that an account has here, for its export: newest first, a page at a time, ids in the first column."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from shared.db import Connection

#: Time and id (a version's number) of the row before; None for the first page.
Place = tuple[datetime, Any] | None

STATUSES: Final = ("accepted", "spam", "test")


async def sites(conn: Connection, place: Place, limit: int, *, account_id: str) -> Sequence[asyncpg.Record]:
    """Return deployments, those that were deleted and still hold something too."""
    moment, last = place or (None, None)
    return await conn.fetch(
        "SELECT id, slug, live_version, settings, created_at, updated_at, deleted_at FROM deployments d"
        " WHERE account_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::text))"
        " ORDER BY created_at DESC, id DESC LIMIT $4",
        account_id, moment, last, limit,
    )  # fmt: skip


async def versions(conn: Connection, place: Place, limit: int, *, deployment_id: str) -> Sequence[asyncpg.Record]:
    """Return what is known of a site's versions."""
    return await conn.fetch(
        "SELECT number, files, size, created_at, created_by FROM versions"
        " WHERE deployment_id = $1 AND ($2::int IS NULL OR number < $2) ORDER BY number DESC LIMIT $3",
        deployment_id, place and place[1], limit,
    )  # fmt: skip


async def submissions(
    conn: Connection, place: Place, limit: int, *, deployment_id: str, status: str
) -> Sequence[asyncpg.Record]:
    """Return what a site's forms received."""
    moment, last = place or (None, None)
    return await conn.fetch(
        "SELECT id, form, status, data, version, created_at, spam_reason, read_at, unknown_fields, problems, files"
        " FROM submissions WHERE deployment_id = $1 AND status = $2"
        " AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::text))"
        " ORDER BY created_at DESC, id DESC LIMIT $5",
        deployment_id, status, moment, last, limit,
    )  # fmt: skip


async def recipients(conn: Connection, place: Place, limit: int, *, deployment_id: str) -> Sequence[asyncpg.Record]:
    """Return who is mailed what a site's forms receive."""
    moment, last = place or (None, None)
    return await conn.fetch(
        "SELECT id, email, owner, created_at, confirmed_at, unsubscribed_at FROM recipients WHERE deployment_id = $1"
        " AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::text))"
        " ORDER BY created_at DESC, id DESC LIMIT $4",
        deployment_id, moment, last, limit,
    )  # fmt: skip


async def webhooks(conn: Connection, place: Place, limit: int, *, deployment_id: str) -> Sequence[asyncpg.Record]:
    """Return where else it is sent; without the secrets that sign it."""
    moment, last = place or (None, None)
    return await conn.fetch(
        "SELECT id, url, type, events, active, created_at, disabled_at, disabled_why FROM webhooks"
        " WHERE deployment_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::text))"
        " ORDER BY created_at DESC, id DESC LIMIT $4",
        deployment_id, moment, last, limit,
    )  # fmt: skip
