"""Accounts."""

from dataclasses import dataclass

import asyncpg

from shared import db


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
