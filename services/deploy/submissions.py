"""The SQL of what visitors send: a connection in, a value out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.db import Connection
from shared.idempotency import WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One thing that a visitor sent."""

    id: str
    deployment_id: str
    form: str | None
    status: str
    data: Mapping[str, Any]
    version: int
    created_at: datetime
    idempotency_key: str | None = None
    body_digest: str | None = None


_ADD_ALL = """
    WITH noted AS (
        INSERT INTO outbox (envelope) SELECT envelope FROM unnest($8::json[]) AS envelope WHERE envelope IS NOT NULL
    )
    INSERT INTO submissions (id, deployment_id, form, status, data, version, created_at)
    SELECT id, deployment_id, form, status, data, version, created_at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::json[], $6::int[], $7::timestamptz[])
        AS given (id, deployment_id, form, status, data, version, created_at)
"""

_ADD_ONCE = """
    WITH stored AS (
        INSERT INTO submissions
            (id, deployment_id, form, status, data, version, created_at, idempotency_key, body_digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $9, $10)
        ON CONFLICT (deployment_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id
    ), noted AS (
        INSERT INTO outbox (envelope) SELECT $8::json FROM stored WHERE $8::json IS NOT NULL
    )
    SELECT id FROM stored
"""

#: What is stored, and the message about it, if there is to be one.
Noted = tuple[Submission, Mapping[str, Any] | None]


async def add_all(conn: Connection, given: Sequence[Noted]) -> None:
    """Store submissions, and the messages about them, in one statement that is its own transaction."""
    await conn.execute(_ADD_ALL, *zip(*(_values(*each) for each in given), strict=True))


async def add_once(conn: Connection, given: Submission, envelope: Mapping[str, Any] | None) -> bool:
    """Do the same for one with an idempotency key; false when the key was used before: nothing is stored then."""
    values = (*_values(given, envelope), given.idempotency_key, given.body_digest)
    return await conn.fetchval(_ADD_ONCE, *values) is not None


def _values(given: Submission, envelope: Mapping[str, Any] | None) -> tuple[Any, ...]:
    return (
        given.id, given.deployment_id, given.form, given.status, given.data, given.version, given.created_at, envelope,
    )  # fmt: skip


async def forget_key(conn: Connection, deployment_id: str, idempotency_key: str) -> bool:
    """Let a key be used again when it was used longer ago than keys are known; tell whether it was."""
    forgotten = await conn.fetchval(
        "UPDATE submissions SET idempotency_key = NULL"
        f" WHERE deployment_id = $1 AND idempotency_key = $2 AND created_at <= now() - {WINDOW} RETURNING true",
        deployment_id, idempotency_key,
    )  # fmt: skip
    return forgotten is True


async def find_earlier(conn: Connection, deployment_id: str, idempotency_key: str) -> tuple[str, str]:
    """Return id and body digest of the submission that came with this key."""
    row = await conn.fetchrow(
        "SELECT id, body_digest FROM submissions WHERE deployment_id = $1 AND idempotency_key = $2",
        deployment_id, idempotency_key,
    )  # fmt: skip
    assert row is not None  # noqa: S101 - rows are not deleted while a request runs
    return row["id"], row["body_digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of a site's submissions, newest first."""

    found: Sequence[Submission]
    #: How many the site has in all.
    total: int
    #: Older ones follow.
    more: bool


async def list_page(
    conn: Connection, deployment_id: str, *, limit: int, offset: int, before: tuple[datetime, str] | None
) -> Page:
    """Return one page of the accepted submissions, of those older than `before` (its time and id) if it is given."""
    total: int = await conn.fetchval(
        "SELECT count(*) FROM submissions WHERE deployment_id = $1 AND status = 'accepted'", deployment_id
    )
    moment, last = before or (None, None)
    rows = await conn.fetch(
        "SELECT id, deployment_id, form, status, data, version, created_at FROM submissions"
        " WHERE deployment_id = $1 AND status = 'accepted'"
        " AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::text))"
        " ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
        deployment_id, limit + 1, offset, moment, last,
    )  # fmt: skip
    return Page(found=[Submission(**row) for row in rows[:limit]], total=total, more=len(rows) > limit)
