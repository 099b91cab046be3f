"""The SQL of sites: a connection in, a value out; the service owns the transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from services.deploy import versions
from services.deploy.versions import File
from shared.db import Connection
from shared.errors import Conflict, Forbidden, NotFound
from shared.idempotency import WINDOW, Once


class DeploymentNotFound(NotFound):
    """No such deployment, or somebody else's."""

    code = "deployment_not_found"
    message = "Deployment not found"


class LimitReached(Forbidden):
    """The account's plan has no room for another active deployment."""

    code = "limit_reached"
    message = "Deployment limit reached. Delete an existing deployment or upgrade your plan."


class SlugTaken(Conflict):
    """Another site has the name, or had it."""

    code = "slug_taken"
    message = "This slug is already taken"
    hint = "Choose another one, or leave it out and get a random one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What visitors need of a live site: enough to serve it and to take in its forms."""

    id: str
    slug: str
    version: int
    is_spa: bool
    #: The owner's address.
    email: str
    manifest: Mapping[str, File]
    #: What serving has worked out about this version, by request path.
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment as its owner sees it."""

    id: str
    slug: str
    version: int | None
    settings: Mapping[str, Any]
    files: int
    size: int
    submissions: int
    created_at: datetime
    updated_at: datetime


# Deployments


async def count_active(conn: Connection, account_id: str) -> int:
    """Count the account's deployments that are not deleted."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM deployments WHERE account_id = $1 AND deleted_at IS NULL", account_id
    )
    return count


async def slug_is_taken(conn: Connection, slug: str) -> bool:
    """Tell whether any deployment has the name, a deleted one too."""
    return bool(await conn.fetchval("SELECT true FROM deployments WHERE slug = $1", slug))


async def find_earlier(conn: Connection, account_id: str, once: Once) -> tuple[str, str] | None:
    """Return id and slug of what the account made with this Idempotency-Key, deleted or not. Raise KeyReused."""
    row = await conn.fetchrow(
        "SELECT id, slug, body_digest FROM deployments"
        f" WHERE account_id = $1 AND idempotency_key = $2 AND created_at > now() - {WINDOW}",
        account_id, once.key,
    )  # fmt: skip
    if row is None:
        return None
    once.require_same(row["body_digest"])
    return row["id"], row["slug"]


async def forget_key(conn: Connection, account_id: str, once: Once) -> None:
    """Let an Idempotency-Key be used again that `find_earlier` finds no more."""
    await conn.execute(
        "UPDATE deployments SET idempotency_key = NULL"
        f" WHERE account_id = $1 AND idempotency_key = $2 AND created_at <= now() - {WINDOW}",
        account_id, once.key,
    )  # fmt: skip


async def add_deployment(
    conn: Connection,
    deployment_id: str,
    account_id: str,
    slug: str,
    settings: Mapping[str, Any],
    *,
    once: Once | None = None,
) -> None:
    """Add a deployment whose live version is 1. Raise SlugTaken."""
    added = await conn.fetchval(
        "INSERT INTO deployments (id, account_id, slug, live_version, last_version, settings, idempotency_key,"
        " body_digest) VALUES ($1, $2, $3, 1, 1, $4, $5, $6) ON CONFLICT (slug) DO NOTHING RETURNING id",
        deployment_id, account_id, slug, settings, once and once.key, once and once.digest,
    )  # fmt: skip
    if added is None:
        raise SlugTaken


async def next_version(
    conn: Connection, deployment_id: str, account_id: str, settings: Mapping[str, Any]
) -> tuple[str, int]:
    """Take the next version's number, make it the live one, and return slug and number. Raise DeploymentNotFound."""
    row = await conn.fetchrow(
        "UPDATE deployments SET last_version = last_version + 1, live_version = last_version + 1,"
        " settings = settings || $3, updated_at = now()"
        " WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL RETURNING slug, live_version",
        deployment_id, account_id, settings,
    )  # fmt: skip
    if row is None:
        raise DeploymentNotFound
    return row["slug"], row["live_version"]


async def add_version(
    conn: Connection, deployment_id: str, number: int, manifest: Mapping[str, File], *, created_by: str
) -> None:
    """Add a version's row; it is never changed."""
    await conn.execute(
        "INSERT INTO versions (deployment_id, number, manifest, files, size, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        deployment_id, number, versions.to_json(manifest), len(manifest),
        sum(file.size for file in manifest.values()), created_by,
    )  # fmt: skip


async def delete_deployment(conn: Connection, deployment_id: str, account_id: str) -> tuple[str, int | None, datetime]:
    """Mark it deleted; return slug, live version and time. Raise DeploymentNotFound, also when it was before."""
    row = await conn.fetchrow(
        "UPDATE deployments SET deleted_at = now(), updated_at = now()"
        " WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL RETURNING slug, live_version, deleted_at",
        deployment_id, account_id,
    )  # fmt: skip
    if row is None:
        raise DeploymentNotFound
    return row["slug"], row["live_version"], row["deleted_at"]


_DEPLOYMENTS = """
    SELECT d.id, d.slug, d.live_version, d.settings, d.created_at, d.updated_at,
           coalesce(v.files, 0) AS files, coalesce(v.size, 0) AS size,
           (SELECT count(*) FROM submissions s WHERE s.deployment_id = d.id AND s.status = 'accepted') AS submissions
    FROM deployments d LEFT JOIN versions v ON v.deployment_id = d.id AND v.number = d.live_version
    WHERE d.account_id = $1 AND d.deleted_at IS NULL
"""


async def find_deployment(conn: Connection, account_id: str, deployment_id: str) -> Deployment:
    """Return the account's deployment. Raise DeploymentNotFound."""
    row = await conn.fetchrow(_DEPLOYMENTS + " AND d.id = $2", account_id, deployment_id)
    if row is None:
        raise DeploymentNotFound
    return _deployment(row)


async def list_deployments(
    conn: Connection, account_id: str, *, limit: int, before: tuple[datetime, str] | None, only: str | None
) -> list[Deployment]:
    """Return the account's deployments, newest first, after the one at `before`; `only` the one of this id or slug."""
    moment, last = before or (None, None)
    rows = await conn.fetch(
        _DEPLOYMENTS + " AND ($2::timestamptz IS NULL OR (d.created_at, d.id) < ($2, $3))"
        " AND ($4::text IS NULL OR $4 IN (d.id, d.slug)) ORDER BY d.created_at DESC, d.id DESC LIMIT $5",
        account_id, moment, last, only, limit,
    )  # fmt: skip
    return [_deployment(row) for row in rows]


def _deployment(row: asyncpg.Record) -> Deployment:
    return Deployment(
        id=row["id"],
        slug=row["slug"],
        version=row["live_version"],
        settings=row["settings"],
        files=row["files"],
        size=row["size"],
        submissions=row["submissions"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def owned(conn: Connection, account_id: str, deployment_id: str) -> str:
    """Return the slug of the account's deployment. Raise DeploymentNotFound."""
    slug: str | None = await conn.fetchval(
        "SELECT slug FROM deployments WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL",
        deployment_id, account_id,
    )  # fmt: skip
    if slug is None:
        raise DeploymentNotFound
    return slug


# Visitors


async def find_site(conn: Connection, name: str, known: Site | None) -> Site | None:
    """Return the live site of this slug or id, None when there is none.

    What `known` holds of the same version is not read again: a manifest is up to a thousand files.
    """
    row = await conn.fetchrow(
        "SELECT d.id, d.slug, d.live_version, d.settings, a.email,"
        " CASE WHEN (d.id, d.live_version) IS DISTINCT FROM ($2, $3::int) THEN v.manifest END AS manifest"
        " FROM deployments d JOIN accounts a ON a.id = d.account_id"
        " JOIN versions v ON v.deployment_id = d.id AND v.number = d.live_version"
        " WHERE d.deleted_at IS NULL AND " + ("d.id = $1" if "_" in name else "d.slug = $1"),
        name, known and known.id, known and known.version,
    )  # fmt: skip
    if row is None:
        return None
    return Site(
        id=row["id"],
        slug=row["slug"],
        version=row["live_version"],
        is_spa=bool(row["settings"].get("is_spa")),
        email=row["email"],
        manifest=known.manifest if known and row["manifest"] is None else versions.from_json(row["manifest"]),
    )
