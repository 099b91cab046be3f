"""Accounts. Who locks more than one kind of row: logins, their codes, the account, its keys, its sessions."""

from dataclasses import dataclass, field
from typing import Final

import asyncpg

from services.auth.accounts import RESTORE, Account, EmailTaken
from shared import db
from shared.auth_client import Caller
from shared.errors import Unauthorized

_OVER: Final = f"deleted_at <= now() - interval '{RESTORE.days} days'"
_COLUMNS: Final = f"id, email, plan, revision, created_at, deleted_at, {_OVER} IS TRUE AS over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What ended with a deletion."""

    keys: int
    sessions: int
    #: Of all of them.
    digests: tuple[str, ...] = field(repr=False)


async def add(conn: db.Connection, new_id: str, email: str) -> Account | None:
    """Make an account; None when the address has one."""
    row = await conn.fetchrow(
        f"INSERT INTO accounts (id, email) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING {_COLUMNS}",
        new_id, email,
    )  # fmt: skip
    return Account(**row) if row else None


async def holder(conn: db.Connection, email: str) -> Account | None:
    """Return the account that has an address, if there is one."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM accounts WHERE email = $1", email)
    return Account(**row) if row else None


async def lock_holder(conn: db.Connection, email: str) -> Account | None:
    """Return the address's account; until the transaction ends nobody else's goes past this."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM accounts WHERE email = $1 FOR NO KEY UPDATE", email)
    return Account(**row) if row else None


async def lock(conn: db.Connection, account_id: str) -> Account:
    """Return the account; until the transaction ends nobody else's goes past this.

    Raise Unauthorized when it was deleted since its credential was checked.
    """
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)
    if row is None or row["deleted_at"] is not None:
        raise Unauthorized
    return Account(**row)


async def lock_for(conn: db.Connection, caller: Caller) -> Account:
    """Lock the caller's account, as `lock` does, for a credential that is valid still.

    It may have ended while this waited: what it asked for must not outlive "revoke everything". Raise Unauthorized.
    """
    account = await lock(conn, caller.account_id)
    table = "keys" if caller.kind == "key" else "sessions"
    valid = await conn.fetchval(
        f"SELECT true FROM {table} WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > now())",
        caller.credential_id, account.id,
    )  # fmt: skip
    if not valid:
        raise Unauthorized
    return account


async def restore(conn: db.Connection, account_id: str) -> Account:
    """Bring a deleted account back."""
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # it is locked
        f"UPDATE accounts SET deleted_at = NULL, revision = revision + 1 WHERE id = $1 RETURNING {_COLUMNS}", account_id
    )
    return Account(**row)


async def delete(conn: db.Connection, account_id: str) -> Account:
    """Mark an account deleted."""
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # it is locked
        f"UPDATE accounts SET deleted_at = now(), revision = revision + 1 WHERE id = $1 RETURNING {_COLUMNS}",
        account_id,
    )
    return Account(**row)


async def readdress(conn: db.Connection, account_id: str, email: str) -> Account:
    """Give an account another address. Raise EmailTaken; the transaction is lost then."""
    try:
        row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # it is locked
            f"UPDATE accounts SET email = $2, revision = revision + 1 WHERE id = $1 RETURNING {_COLUMNS}",
            account_id, email,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "accounts_email_key":
            raise
        raise EmailTaken from error
    return Account(**row)


async def live_digests(conn: db.Connection, account_id: str) -> tuple[str, ...]:
    """Return the digests of all keys and sessions that caches may hold."""
    rows = await conn.fetch(
        "SELECT digest FROM keys WHERE account_id = $1 AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > now())"
        " UNION ALL SELECT digest FROM sessions WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now()",
        account_id,
    )
    return tuple(row["digest"] for row in rows)


async def void_codes(conn: db.Connection, *emails: str) -> None:
    """Void every login code that is on its way to these addresses."""
    await conn.execute(
        # locked in one order, or this could wait for somebody who waits for it
        "WITH live AS (SELECT id FROM login_codes WHERE email = ANY($1) AND used_at IS NULL AND voided_at IS NULL"
        "              ORDER BY id FOR UPDATE)"
        " UPDATE login_codes c SET voided_at = now() FROM live WHERE c.id = live.id",
        emails,
    )


async def end_logins(conn: db.Connection, account_id: str) -> None:
    """End the account's logins that were approved and have not delivered yet."""
    await conn.execute(
        "WITH open AS (SELECT id FROM logins WHERE account_id = $1 AND state = 'approved' ORDER BY id FOR UPDATE)"
        " UPDATE logins l SET state = 'denied', ended_at = now() FROM open WHERE l.id = open.id",
        account_id,
    )


async def end_credentials(conn: db.Connection, account_id: str) -> Ended:
    """End all keys and sessions of an account."""
    keys = await conn.fetch(
        "WITH live AS (SELECT id FROM keys WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id FOR UPDATE)"
        " UPDATE keys k SET revoked_at = now() FROM live WHERE k.id = live.id RETURNING k.digest",
        account_id,
    )
    sessions = await conn.fetch(
        "WITH live AS (SELECT id FROM sessions WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id FOR UPDATE)"
        " UPDATE sessions s SET revoked_at = now() FROM live WHERE s.id = live.id RETURNING s.digest",
        account_id,
    )
    digests = tuple(row["digest"] for row in (*keys, *sessions))
    return Ended(keys=len(keys), sessions=len(sessions), digests=digests)


async def ended(conn: db.Connection) -> str | None:
    """Return an account whose week is over, locked; None when there is none that no other process is at."""
    account_id: str | None = await conn.fetchval(
        f"SELECT id FROM accounts WHERE {_OVER} ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return account_id


async def purge(conn: db.Connection, account_id: str) -> None:
    """Remove an account and all that belongs to it here; the audit trail, which names no address, stays."""
    for table in ("sessions", "keys", "logins"):
        await conn.execute(f"DELETE FROM {table} WHERE account_id = $1", account_id)
    # by the address too: a login that nobody approved belongs to no account, and holds it all the same
    await conn.execute(
        "DELETE FROM logins WHERE email = (SELECT email FROM accounts WHERE id = $1) AND expires_at <= now()",
        account_id,
    )
    await conn.execute("DELETE FROM accounts WHERE id = $1", account_id)
