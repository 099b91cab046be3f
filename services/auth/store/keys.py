"""Keys: only a digest of the secret is here."""

from typing import Final

import asyncpg

from services.auth.keys import Key, NewKey
from shared import db
from shared.auth_client import Caller
from shared.idempotency import WINDOW, Once

COLUMNS: Final = (
    "id, account_id, name, hint, scopes, site, created_via, created_at, last_used_at, last_used_ip, last_used_client,"
    " replaced_by, expires_at, revoked_at"
)
_ACTIVE: Final = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"


def _key(row: asyncpg.Record) -> Key:
    return Key(**row)


async def caller(conn: db.Connection, digest: str) -> Caller | None:
    """Return whom the key with this digest belongs to, None when it is not valid now."""
    row = await conn.fetchrow(
        "SELECT k.id, k.account_id, k.scopes, k.site, k.expires_at, a.email, a.plan, a.revision"
        " FROM keys k JOIN accounts a ON a.id = k.account_id AND a.deleted_at IS NULL"
        " WHERE k.digest = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())",
        digest,
    )
    if row is None:
        return None
    return Caller(
        account_id=row["account_id"],
        email=row["email"],
        plan=row["plan"],
        kind="key",
        credential_id=row["id"],
        scopes=frozenset(row["scopes"]),
        site=row["site"],
        expires_at=row["expires_at"],
        revision=row["revision"],
    )


async def count_active(conn: db.Connection, account_id: str) -> int:
    count: int = await conn.fetchval(f"SELECT count(*) FROM keys WHERE account_id = $1 AND {_ACTIVE}", account_id)
    return count


async def add(conn: db.Connection, new: NewKey, *, key_id: str, account_id: str, digest: str, hint: str) -> Key:
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # RETURNING gives one
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, site, created_via, expires_at, idempotency_key,"
        f" body_digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::interval, $10, $11) RETURNING {COLUMNS}",
        key_id, account_id, digest, new.name, hint, list(new.scopes), new.site, new.created_via, new.expires_in,
        new.once and new.once.key, new.once and new.once.digest,
    )  # fmt: skip
    return _key(row)


async def find_earlier(conn: db.Connection, account_id: str, once: Once) -> Key | None:
    """Return the key that the account made with this Idempotency-Key. Raise KeyReused."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS}, body_digest FROM keys"
        f" WHERE account_id = $1 AND idempotency_key = $2 AND created_at > now() - {WINDOW}",
        account_id, once.key,
    )  # fmt: skip
    if row is None:
        return None
    facts = dict(row)
    once.require_same(facts.pop("body_digest"))
    return Key(**facts)


async def forget_idempotency(conn: db.Connection, account_id: str, once: Once) -> None:
    """Let an Idempotency-Key be used again that `find_earlier` finds no more."""
    await conn.execute(
        "UPDATE keys SET idempotency_key = NULL"
        f" WHERE account_id = $1 AND idempotency_key = $2 AND created_at <= now() - {WINDOW}",
        account_id, once.key,
    )  # fmt: skip


async def find(conn: db.Connection, account_id: str, key_id: str) -> Key | None:
    row = await conn.fetchrow(f"SELECT {COLUMNS} FROM keys WHERE id = $1 AND account_id = $2", key_id, account_id)
    return _key(row) if row else None


async def page(
    conn: db.Connection, account_id: str, *, only_active: bool, limit: int, after: str | None = None
) -> list[Key]:
    """Return keys, newest first, those behind the key `after`."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM keys WHERE account_id = $1 AND (NOT $2 OR ({_ACTIVE}))"
        " AND ($3::text IS NULL"
        "      OR (created_at, id) < (SELECT created_at, id FROM keys WHERE id = $3 AND account_id = $1))"
        " ORDER BY created_at DESC, id DESC LIMIT $4",
        account_id, only_active, after, limit,
    )  # fmt: skip
    return [_key(row) for row in rows]


async def revoke(conn: db.Connection, account_id: str, key_id: str) -> tuple[Key, str] | None:
    """End a key now and return it with its digest; None when it is unknown or has ended by a revoke before."""
    row = await conn.fetchrow(
        "UPDATE keys SET revoked_at = now() WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL"
        f" RETURNING digest, {COLUMNS}",
        key_id, account_id,
    )  # fmt: skip
    if row is None:
        return None
    facts = dict(row)
    digest = facts.pop("digest")
    return Key(**facts), digest
