"""An account with keys, straight into auth's tables: for tests and measurements that are not about making them."""

from dataclasses import dataclass

import asyncpg

from shared import credentials, ids


@dataclass(frozen=True, slots=True)
class Minted:
    """A key and its id."""

    id: str
    key: str


async def minted(dsn: str, count: int) -> tuple[str, list[Minted]]:
    """Give a new account this many keys; return its id and the keys."""
    account, made = ids.new_id("acc"), [Minted(ids.new_id("key"), credentials.mint()) for _ in range(count)]
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(
            "INSERT INTO auth.accounts (id, email, plan) VALUES ($1, $2, 'free')", account, f"{account}@example.com"
        )
        await conn.executemany(
            "INSERT INTO auth.keys (id, account_id, digest, hint, name, scopes, created_via)"
            " VALUES ($1, $2, $3, $4, 'minted', '{full}', 'test')",
            [(one.id, account, credentials.digest(one.key), credentials.hint(one.key)) for one in made],
        )
    finally:
        await conn.close()
    return account, made
