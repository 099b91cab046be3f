"""The SQL of deployments, for their owners."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.deploy.deployments import Deployment, DeploymentNotFound, NotRestorable, SlugTaken
from shared.db import Connection
from shared.idempotency import WINDOW, Once

#: As `deployments.RESTORE`, `NAME_REST` and `CLEARING`.
_RESTORE: Final = "interval '7 days'"
_REST: Final = "interval '90 days'"
_CLEARING: Final = "interval '1 day'"


async def count_active(conn: Connection, account_id: str) -> int:
    """Count the account's deployments that are not deleted."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM deployments WHERE account_id = $1 AND deleted_at IS NULL", account_id
    )
    return count


async def stored(conn: Connection, account_id: str) -> int:
    """Return how many bytes the account's sites have together, those that can be restored too."""
    total: int = await conn.fetchval(
        "SELECT coalesce(sum(stored), 0)::bigint FROM deployments WHERE account_id = $1", account_id
    )
    return total


async def add_stored(conn: Connection, deployment_id: str, size: int) -> None:
    """Count bytes that are new to a deployment."""
    await conn.execute("UPDATE deployments SET stored = stored + $2 WHERE id = $1", deployment_id, size)


# Names


async def slug_is_taken(conn: Connection, slug: str, account_id: str) -> bool:
    """Tell whether the account cannot have the name: a deployment has it, or it rests and was somebody else's."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM deployments WHERE slug = $1 AND deleted_at IS NULL) OR EXISTS"
            " (SELECT FROM names WHERE slug = $1 AND account_id <> $2 AND rests_until > now())",
            slug, account_id,
        )
    )  # fmt: skip


async def rest_name(conn: Connection, slug: str, account_id: str) -> None:
    """Keep a name from others that was just given up."""
    await conn.execute(
        f"INSERT INTO names (slug, account_id, rests_until) VALUES ($1, $2, now() + {_REST})"
        " ON CONFLICT (slug) DO UPDATE SET account_id = excluded.account_id, rests_until = excluded.rests_until",
        slug, account_id,
    )  # fmt: skip


# Made once, with an Idempotency-Key


async def find_earlier(conn: Connection, scope: str, once: Once) -> tuple[str, str, datetime | None] | None:
    """Return id, slug and end of what was made with this Idempotency-Key, deleted or not. Raise KeyReused."""
    row = await conn.fetchrow(
        "SELECT id, slug, body_digest, CASE WHEN claim_digest IS NOT NULL THEN expires_at END AS expires_at"
        " FROM deployments"
        f" WHERE idempotency_scope = $1 AND idempotency_key = $2 AND created_at > now() - {WINDOW}",
        scope, once.key,
    )  # fmt: skip
    if row is None:
        return None
    once.require_same(row["body_digest"])
    return row["id"], row["slug"], row["expires_at"]


async def forget_key(conn: Connection, scope: str, once: Once) -> None:
    """Let an Idempotency-Key be used again that `find_earlier` finds no more."""
    await conn.execute(
        "UPDATE deployments SET idempotency_key = NULL"
        f" WHERE idempotency_scope = $1 AND idempotency_key = $2 AND created_at <= now() - {WINDOW}",
        scope, once.key,
    )  # fmt: skip


async def add(
    conn: Connection,
    deployment_id: str,
    account_id: str,
    slug: str,
    *,
    once: Once | None = None,
    scope: str | None = None,
    claim_digest: str | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Add a deployment whose newest version is 1 and which shows none. Raise SlugTaken."""
    added = await conn.fetchval(
        "INSERT INTO deployments (id, account_id, slug, last_version, idempotency_scope, idempotency_key, body_digest,"
        " claim_digest, expires_at, clears_until) SELECT $1, $2, $3, 1, $4, $5, $6, $7, $8,"
        f" (SELECT now() + {_CLEARING} FROM names WHERE slug = $3 AND account_id <> $2)"
        " WHERE NOT EXISTS (SELECT FROM names WHERE slug = $3 AND account_id <> $2 AND rests_until > now())"
        " ON CONFLICT (slug) WHERE deleted_at IS NULL DO NOTHING RETURNING id",
        deployment_id, account_id, slug, scope, once and once.key, once and once.digest, claim_digest, expires_at,
    )  # fmt: skip
    if added is None:
        raise SlugTaken


async def delete(conn: Connection, deployment_id: str) -> datetime:
    """Mark a deployment, which the caller holds, as deleted; return when that was."""
    moment: datetime = await conn.fetchval(
        "UPDATE deployments SET deleted_at = now(), updated_at = now() WHERE id = $1 RETURNING deleted_at",
        deployment_id,
    )
    return moment


async def restore(conn: Connection, deployment_id: str, account_id: str, *, only: str | None) -> str:
    """Bring a deleted deployment back and return its slug; `only` the one of this id or slug.

    Raise DeploymentNotFound for one that is gone for good, NotRestorable for one that is there, SlugTaken.
    """
    row = await conn.fetchrow(
        f"SELECT slug, deleted_at, deleted_at > now() - {_RESTORE} AS kept FROM deployments"
        " WHERE id = $1 AND account_id = $2 AND ($3::text IS NULL OR $3 IN (id, slug)) FOR UPDATE",
        deployment_id, account_id, only,
    )  # fmt: skip
    if row is None or row["kept"] is False:
        raise DeploymentNotFound
    if row["deleted_at"] is None:
        raise NotRestorable
    slug: str = row["slug"]
    try:
        await conn.execute("UPDATE deployments SET deleted_at = NULL, updated_at = now() WHERE id = $1", deployment_id)
    except asyncpg.UniqueViolationError:
        raise SlugTaken(hint="The name is in use again: delete the site that has it first.") from None
    await conn.execute("DELETE FROM names WHERE slug = $1 AND account_id = $2", slug, account_id)
    return slug


# What owners see

_DEPLOYMENTS: Final = """
    SELECT d.id, d.slug, d.live_version AS version, d.settings, d.created_at, d.updated_at, d.expires_at, d.deleted_at,
           d.password_hash IS NOT NULL AS password_set,
           CASE WHEN d.taken_down_at IS NOT NULL THEN coalesce(d.taken_down_why, '') END AS taken_down_why,
           coalesce(v.files, 0) AS files, coalesce(v.size, 0) AS size,
           (SELECT coalesce(sum(t.count), 0)::bigint FROM submission_totals t
            WHERE t.deployment_id = d.id AND t.status = 'accepted') AS submissions
    FROM deployments d LEFT JOIN versions v ON v.deployment_id = d.id AND v.number = d.live_version
    WHERE d.account_id = $1
"""


async def find(conn: Connection, account_id: str, deployment_id: str) -> Deployment:
    """Return the account's deployment. Raise DeploymentNotFound."""
    row = await conn.fetchrow(_DEPLOYMENTS + " AND d.deleted_at IS NULL AND d.id = $2", account_id, deployment_id)
    if row is None:
        raise DeploymentNotFound
    return Deployment(**row)


async def list_page(
    conn: Connection,
    account_id: str,
    *,
    limit: int,
    before: tuple[datetime, str] | None,
    only: str | None,
    deleted: bool = False,
) -> list[Deployment]:
    """Return the account's deployments, newest first, after the one at `before`; `only` the one of this id or slug.

    With `deleted` those that can be restored.
    """
    moment, last = before or (None, None)
    which = f"d.deleted_at > now() - {_RESTORE}" if deleted else "d.deleted_at IS NULL"
    rows = await conn.fetch(
        f"{_DEPLOYMENTS} AND {which} AND ($2::timestamptz IS NULL OR (d.created_at, d.id) < ($2, $3))"
        " AND ($4::text IS NULL OR $4 IN (d.id, d.slug)) ORDER BY d.created_at DESC, d.id DESC LIMIT $5",
        account_id, moment, last, only, limit,
    )  # fmt: skip
    return [Deployment(**row) for row in rows]


async def owned(conn: Connection, account_id: str, deployment_id: str) -> str:
    """Return the slug of the account's deployment. Raise DeploymentNotFound."""
    slug: str | None = await conn.fetchval(
        "SELECT slug FROM deployments WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL",
        deployment_id, account_id,
    )  # fmt: skip
    if slug is None:
        raise DeploymentNotFound
    return slug


async def change_settings(
    conn: Connection, deployment_id: str, settings: Mapping[str, Any], columns: Mapping[str, Any]
) -> None:
    """Merge settings (null removes one), and set the columns that are settings too: `expires_at`, `password_hash`."""
    await conn.execute(
        "UPDATE deployments SET settings = jsonb_strip_nulls(settings || $2), updated_at = now(),"
        " expires_at = CASE WHEN $3 THEN $4::timestamptz ELSE expires_at END,"
        " password_hash = CASE WHEN $5 THEN $6 ELSE password_hash END WHERE id = $1",
        deployment_id, settings, "expires_at" in columns, columns.get("expires_at"),
        "password_hash" in columns, columns.get("password_hash"),
    )  # fmt: skip


async def domains(conn: Connection, deployment_id: str) -> tuple[str, ...]:
    """Return the custom domains that lead to the site."""
    rows = await conn.fetch(
        "SELECT domain FROM domains WHERE deployment_id = $1 AND verified_at IS NOT NULL", deployment_id
    )
    return tuple(row["domain"] for row in rows)
