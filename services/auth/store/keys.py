"""Keys: only a digest of the secret is here."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import asyncpg

from services.auth.keys import EXPIRY_NOTICE, Key, NewKey
from shared import db
from shared.auth_client import Caller
from shared.idempotency import WINDOW, Once

COLUMNS: Final = (
    "id, account_id, name, hint, scopes, site, created_via, created_at, last_used_at, last_used_ip, last_used_client,"
    " replaced_by, expires_at, revoked_at"
)
_ACTIVE: Final = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A key with what is not shown of it."""

    key: Key
    digest: str = field(repr=False)
    #: The account's address.
    email: str = ""
    active: bool = False


def _key(row: asyncpg.Record) -> Key:
    return Key(**row)


async def caller(conn: db.Connection, digest: str) -> Caller | None:
    """Return whom the key with this digest belongs to, None when it is not valid now."""
    row = await conn.fetchrow(
        "SELECT k.id AS credential_id, k.account_id, k.scopes, k.site, k.expires_at, a.email, a.plan, a.revision,"
        " a.created_at AS account_created_at"
        " FROM keys k JOIN accounts a ON a.id = k.account_id AND a.deleted_at IS NULL"
        " WHERE k.digest = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())",
        digest,
    )
    return Caller(kind="key", **row) if row else None


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


async def hold(conn: db.Connection, account_id: str, key_id: str) -> Held | None:
    """Return a key and whether it is active, and lock it until the transaction ends."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS}, digest, {_ACTIVE} AS active FROM keys WHERE id = $1 AND account_id = $2 FOR UPDATE",
        key_id, account_id,
    )  # fmt: skip
    return _held(row) if row else None


def _held(row: asyncpg.Record) -> Held:
    facts = dict(row)
    rest = {name: facts.pop(name) for name in ("digest", "email", "active") if name in facts}
    return Held(key=Key(**facts), **rest)


async def rename(conn: db.Connection, key_id: str, name: str) -> Key:
    """Rename a key that `hold` holds."""
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # it is held
        f"UPDATE keys SET name = $2 WHERE id = $1 RETURNING {COLUMNS}", key_id, name
    )
    return _key(row)


async def add_successor(
    conn: db.Connection, old_id: str, *, key_id: str, digest: str, hint: str, expires_in: timedelta | None
) -> Key:
    """Add a key like the one that `hold` holds; it ends when that one would, unless `expires_in` says otherwise."""
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # it is held
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, site, created_via, expires_at)"
        " SELECT $2, account_id, $3, name, $4, scopes, site, 'rotation', coalesce(now() + $5::interval, expires_at)"
        f" FROM keys WHERE id = $1 RETURNING {COLUMNS}",
        old_id, key_id, digest, hint, expires_in,
    )  # fmt: skip
    return _key(row)


async def replace(conn: db.Connection, old_id: str, new_id: str, grace: timedelta) -> Key:
    """Note a held key's successor, and end it: now, or after `grace` unless it ends before."""
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # it is held
        "UPDATE keys SET replaced_by = $2,"
        " revoked_at = CASE WHEN $3::interval = interval '0' THEN now() END,"
        " expires_at = CASE WHEN $3::interval = interval '0' THEN expires_at ELSE least(expires_at, now() + $3) END"
        f" WHERE id = $1 RETURNING {COLUMNS}",
        old_id, new_id, grace,
    )  # fmt: skip
    return _key(row)


async def revoke(conn: db.Connection, account_id: str, key_id: str) -> Held | None:
    """End a key now and return it; None when it is unknown or has ended by a revoke before."""
    row = await conn.fetchrow(
        "UPDATE keys SET revoked_at = now() WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL"
        f" RETURNING digest, {COLUMNS}",
        key_id, account_id,
    )  # fmt: skip
    return _held(row) if row else None


async def revoke_by_digest(conn: db.Connection, digest: str) -> Held | None:
    """End the active key with this digest and return it with its account's address; None when there is none."""
    row = await conn.fetchrow(
        f"UPDATE keys SET revoked_at = now() WHERE digest = $1 AND {_ACTIVE}"
        f" RETURNING digest, (SELECT a.email FROM accounts a WHERE a.id = account_id) AS email, {COLUMNS}",
        digest,
    )
    return _held(row) if row else None


async def revoke_all(conn: db.Connection, account_id: str, *, except_id: str | None) -> list[Held]:
    """End the account's active keys, but not the one with `except_id`, and return them."""
    rows = await conn.fetch(
        # locked in one order, or two statements over many keys could wait for each other
        "UPDATE keys SET revoked_at = now() WHERE id IN ("
        f"   SELECT id FROM keys WHERE account_id = $1 AND {_ACTIVE} AND id IS DISTINCT FROM $2 ORDER BY id FOR UPDATE"
        f") RETURNING digest, {COLUMNS}",
        account_id, except_id,
    )  # fmt: skip
    return [_held(row) for row in rows]


async def take_expiring(conn: db.Connection, *, limit: int) -> list[tuple[str, Key]]:
    """Note keys whose end within a week their account has not been told of, and return each with its address.

    Only those that live longer than that week: who asks for a short life knows.
    """
    rows = await conn.fetch(
        "UPDATE keys SET expiry_noticed_at = now() WHERE id IN ("
        "   SELECT k.id FROM keys k JOIN accounts a ON a.id = k.account_id"
        "   WHERE k.revoked_at IS NULL AND k.expiry_noticed_at IS NULL AND k.replaced_by IS NULL"
        "   AND k.expires_at > now() AND k.expires_at <= now() + $2::interval"
        "   AND k.expires_at - k.created_at > $2::interval AND a.deleted_at IS NULL"
        "   ORDER BY k.expires_at LIMIT $1 FOR UPDATE OF k SKIP LOCKED"
        f") RETURNING {COLUMNS}, (SELECT a.email FROM accounts a WHERE a.id = account_id) AS email",
        limit, EXPIRY_NOTICE,
    )  # fmt: skip
    found = []
    for row in rows:
        facts = dict(row)
        found.append((facts.pop("email"), Key(**facts)))
    return found
