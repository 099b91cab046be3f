"""Accounts, and the browser sessions that are logged in to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from shared import db
from shared.auth_client import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    email: str


async def ensure(conn: db.Connection, new_id: str, email: str) -> str:
    """Return the id of the address's account, which gets `new_id` if it is made now."""
    await conn.execute("INSERT INTO accounts (id, email) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING", new_id, email)
    account_id: str = await conn.fetchval("SELECT id FROM accounts WHERE email = $1", email)
    return account_id


async def lock(conn: db.Connection, account_id: str) -> Account:
    """Return the account; until the transaction ends nobody else's goes past this."""
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # accounts are never deleted
        "SELECT id, email FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id
    )
    return Account(id=row["id"], email=row["email"])


async def add_session(conn: db.Connection, session_id: str, account_id: str, digest: str, life: timedelta) -> None:
    await conn.execute(
        "INSERT INTO sessions (id, account_id, digest, expires_at) VALUES ($1, $2, $3, now() + $4)",
        session_id, account_id, digest, life,
    )  # fmt: skip


async def session_caller(conn: db.Connection, digest: str) -> Caller | None:
    """Return whom a browser session belongs to, None when it is not valid."""
    row = await conn.fetchrow(
        "SELECT s.id, s.account_id, s.expires_at, a.email, a.plan"
        " FROM sessions s JOIN accounts a ON a.id = s.account_id"
        " WHERE s.digest = $1 AND s.revoked_at IS NULL AND s.expires_at > now()",
        digest,
    )
    if row is None:
        return None
    return Caller(
        account_id=row["account_id"],
        email=row["email"],
        plan=row["plan"],
        kind="session",
        credential_id=row["id"],
        scopes=frozenset({"full"}),
        expires_at=row["expires_at"],
    )


async def revoke_session(conn: db.Connection, session_id: str) -> datetime | None:
    """End a session; None when it had ended already."""
    ended: datetime | None = await conn.fetchval(
        "UPDATE sessions SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING revoked_at", session_id
    )
    return ended
