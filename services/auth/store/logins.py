"""Logins and their codes. Whoever changes both locks the login first."""

from datetime import timedelta
from typing import Any, Final

import asyncpg

from services.auth import logins
from services.auth.accounts import Address
from services.auth.logins import Client, Code, Kind, Login, NewCode, code_digest
from shared import credentials, db

_COLUMNS: Final = (
    "l.id, l.kind, l.state, l.verifier_digest, l.user_code, l.client_name, l.client_version, l.client_host, l.ip,"
    " l.email, l.created_at, l.expires_at, l.expires_at <= now() AS expired"
)
_LIVE: Final = "c.used_at IS NULL AND c.voided_at IS NULL AND c.expires_at > now()"
#: A code is tried for the sake of its login, which must be open still; this locks only the code.
_TRIED: Final = f" FROM logins l WHERE l.id = c.login_id AND l.state = 'pending' AND l.expires_at > now() AND {_LIVE}"
_TRIED_COLUMNS: Final = (
    "c.id, c.login_id, c.email, c.salt, c.code_digest, l.user_code, l.client_name, l.client_version, l.client_host"
)


def _client(facts: dict[str, Any]) -> Client:
    return Client(name=facts.pop("client_name"), version=facts.pop("client_version"), host=facts.pop("client_host"))


def _login(row: asyncpg.Record) -> Login:
    facts = dict(row)
    return Login(client=_client(facts), **facts)


def _code(row: asyncpg.Record | None) -> Code | None:
    facts = dict(row or {})
    return Code(client=_client(facts), **facts) if facts else None


async def add(
    conn: db.Connection, login_id: str, kind: Kind, *, verifier_digest: str, user_code: str, client: Client, ip: str
) -> Login:
    row: asyncpg.Record = await conn.fetchrow(  # type: ignore[assignment]  # RETURNING gives one
        "INSERT INTO logins AS l (id, kind, verifier_digest, user_code, client_name, client_version, client_host, ip,"
        f" expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9) RETURNING {_COLUMNS}",
        login_id, kind, verifier_digest, user_code, client.name, client.version, client.host, ip, logins.LOGIN_LIFE,
    )  # fmt: skip
    return _login(row)


async def find(conn: db.Connection, login_id: str) -> Login | None:
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM logins l WHERE l.id = $1", login_id)
    return _login(row) if row else None


async def find_own(conn: db.Connection, login_id: str, verifier_digest: str, kind: Kind) -> Login | None:
    """Return a login to the holder of its verifier; for others it takes as long as one that is not there."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM logins l WHERE l.id = $1 AND l.verifier_digest = $2 AND l.kind = $3",
        login_id, verifier_digest, kind,
    )  # fmt: skip
    return _login(row) if row else None


async def find_by_link(conn: db.Connection, link_digest: str) -> Login | None:
    """Return the login that a live link belongs to."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM logins l JOIN login_codes c ON c.login_id = l.id"
        f" WHERE c.link_digest = $1 AND {_LIVE} AND c.link_tries < $2",
        link_digest, logins.TRIES,
    )  # fmt: skip
    return _login(row) if row else None


async def address_open_login(conn: db.Connection, login_id: str, email: str) -> Login | None:
    """Note where the code of an open login goes, prolong it by the code's life, and lock it; None if it is not open."""
    row = await conn.fetchrow(
        "UPDATE logins AS l SET email = $2,"
        " expires_at = least(l.created_at + $4::interval, greatest(l.expires_at, now() + $3::interval))"
        f" WHERE l.id = $1 AND l.state = 'pending' AND l.expires_at > now() RETURNING {_COLUMNS}",
        login_id, email, logins.CODE_LIFE, logins.LOGIN_MAX,
    )  # fmt: skip
    return _login(row) if row else None


async def void_codes(conn: db.Connection, login_id: str, email: str | None) -> None:
    """End every live code of the login and, unless it is None, of the address."""
    await conn.execute(
        # locked in one order, or two of these could wait for each other
        "WITH older AS (SELECT id FROM login_codes WHERE (email = $2 OR login_id = $1)"
        "               AND used_at IS NULL AND voided_at IS NULL ORDER BY id FOR UPDATE)"
        " UPDATE login_codes c SET voided_at = now() FROM older WHERE c.id = older.id",
        login_id, email,
    )  # fmt: skip


async def add_code(conn: db.Connection, login_id: str, address: Address, new: NewCode) -> None:
    """Add a code and its link."""
    await conn.execute(
        "INSERT INTO login_codes (login_id, email, salt, code_digest, link_digest, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, statement_timestamp(), statement_timestamp() + $6)",
        login_id, address.account, new.salt, code_digest(new.salt, new.code), credentials.digest(new.link),
        logins.CODE_LIFE,
    )  # fmt: skip


async def take_code_try(conn: db.Connection, login_id: str) -> Code | None:
    """Spend one of the tries of the login's code; None when there is no live code or no try left (R55)."""
    row = await conn.fetchrow(
        f"UPDATE login_codes c SET code_tries = c.code_tries + 1 {_TRIED}"
        f" AND c.login_id = $1 AND c.code_tries < $2 RETURNING {_TRIED_COLUMNS}",
        login_id, logins.TRIES,
    )  # fmt: skip
    return _code(row)


async def take_link_try(conn: db.Connection, link_digest: str) -> Code | None:
    """Spend one of the tries of a link; None when it is unknown or over."""
    row = await conn.fetchrow(
        f"UPDATE login_codes c SET link_tries = c.link_tries + 1 {_TRIED}"
        f" AND c.link_digest = $1 AND c.link_tries < $2 RETURNING {_TRIED_COLUMNS}",
        link_digest, logins.TRIES,
    )  # fmt: skip
    return _code(row)


async def lock_open(conn: db.Connection, login_id: str) -> bool:
    """Lock a login until the transaction ends; False when it is not open any more."""
    return (
        await conn.fetchval(
            "SELECT true FROM logins WHERE id = $1 AND state = 'pending' AND expires_at > now() FOR UPDATE", login_id
        )
        is True
    )


async def use_code(conn: db.Connection, code_id: int) -> bool:
    """Spend the code itself; False when somebody was faster or it is void."""
    return (
        await conn.fetchval(
            f"UPDATE login_codes c SET used_at = now() WHERE c.id = $1 AND {_LIVE} RETURNING true", code_id
        )
        is True
    )


async def approve(conn: db.Connection, login_id: str, account_id: str) -> None:
    """Approve a login that `lock_open` locked, and leave time to take what it is for."""
    await conn.execute(
        "UPDATE logins SET state = 'approved', account_id = $2, approved_at = now(),"
        " expires_at = greatest(expires_at, now() + $3::interval) WHERE id = $1",
        login_id, account_id, logins.TAKE_LIFE,
    )  # fmt: skip


async def deny_by_link(conn: db.Connection, link_digest: str) -> Login | None:
    """End the open login that a live link belongs to."""
    row = await conn.fetchrow(
        "UPDATE logins l SET state = 'denied', ended_at = now() FROM login_codes c"
        f" WHERE c.login_id = l.id AND c.link_digest = $1 AND {_LIVE} AND l.state = 'pending' AND l.expires_at > now()"
        f" RETURNING {_COLUMNS}",
        link_digest,
    )
    return _login(row) if row else None


async def deny(conn: db.Connection, login_id: str) -> Login | None:
    """End an open login of a client."""
    row = await conn.fetchrow(
        "UPDATE logins l SET state = 'denied', ended_at = now()"
        f" WHERE l.id = $1 AND l.kind = 'client' AND l.state = 'pending' AND l.expires_at > now() RETURNING {_COLUMNS}",
        login_id,
    )
    return _login(row) if row else None


async def account_of(conn: db.Connection, email: str | None) -> str | None:
    """Return the account of an address, None when it has none: for the audit trail alone, never for an answer."""
    account_id: str | None = await conn.fetchval("SELECT id FROM accounts WHERE email = $1", email)
    return account_id


async def deliver(conn: db.Connection, login_id: str, verifier_digest: str, kind: Kind) -> tuple[str, Client] | None:
    """Take the one delivery of an approved login: its account and client; None when there is none to take."""
    row = await conn.fetchrow(
        "UPDATE logins SET state = 'delivered', ended_at = now()"
        " WHERE id = $1 AND verifier_digest = $2 AND kind = $3 AND state = 'approved' AND expires_at > now()"
        " RETURNING account_id, client_name, client_version, client_host",
        login_id, verifier_digest, kind,
    )  # fmt: skip
    if row is None:
        return None
    client = Client(name=row["client_name"], version=row["client_version"], host=row["client_host"])
    return row["account_id"], client


async def take_poll(conn: db.Connection, login_id: str, minimum: timedelta) -> bool:
    """Note a poll; False when the last one was less than `minimum` ago."""
    return await conn.fetchval(
        "UPDATE logins SET polled_at = statement_timestamp()"
        " WHERE id = $1 AND (polled_at IS NULL OR polled_at <= statement_timestamp() - $2::interval) RETURNING true",
        login_id, minimum,
    ) is True  # fmt: skip
