"""Browser sessions: only a digest of the cookie is here."""

from datetime import datetime

from services.auth.sessions import SESSION_IDLE, SESSION_LIFE, Session
from shared import db
from shared.auth_client import Caller


async def add(conn: db.Connection, session_id: str, account_id: str, digest: str, *, ip: str, client: str) -> None:
    await conn.execute(
        "INSERT INTO sessions (id, account_id, digest, ip, client, last_seen_ip, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $4, now() + $6)",
        session_id, account_id, digest, ip, client, SESSION_LIFE,
    )  # fmt: skip


async def caller(conn: db.Connection, digest: str) -> Caller | None:
    """Return whom a browser session belongs to, None when it is not valid."""
    row = await conn.fetchrow(
        "SELECT s.id AS credential_id, s.account_id, s.expires_at, a.email, a.plan, a.revision,"
        " a.created_at AS account_created_at"
        " FROM sessions s JOIN accounts a ON a.id = s.account_id AND a.deleted_at IS NULL"
        " WHERE s.digest = $1 AND s.revoked_at IS NULL AND s.expires_at > now()"
        " AND s.last_seen_at > now() - $2::interval",
        digest, SESSION_IDLE,
    )  # fmt: skip
    return Caller(kind="session", scopes=frozenset({"full"}), **row) if row else None


async def live(conn: db.Connection, account_id: str) -> list[Session]:
    """Return an account's sessions that are valid now, newest first."""
    rows = await conn.fetch(
        "SELECT id, client, ip, created_at, last_seen_at, last_seen_ip, expires_at FROM sessions"
        " WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now() AND last_seen_at > now() - $2::interval"
        " ORDER BY created_at DESC, id DESC LIMIT 200",
        account_id, SESSION_IDLE,
    )  # fmt: skip
    return [Session(**row) for row in rows]


async def give_up(conn: db.Connection, digest: str) -> tuple[str, str] | None:
    """End the session of a cookie that a browser has no more; return its id and account, None when it had ended."""
    row = await conn.fetchrow(
        "UPDATE sessions SET revoked_at = now() WHERE digest = $1 AND revoked_at IS NULL RETURNING id, account_id",
        digest,
    )
    return (row["id"], row["account_id"]) if row else None


async def revoke(conn: db.Connection, account_id: str, session_id: str) -> tuple[datetime, str] | None:
    """End a session and return when, and its digest; None when there is none, or it had ended."""
    row = await conn.fetchrow(
        "UPDATE sessions SET revoked_at = now() WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL"
        " RETURNING revoked_at, digest",
        session_id, account_id,
    )  # fmt: skip
    return (row["revoked_at"], row["digest"]) if row else None


async def revoke_all(conn: db.Connection, account_id: str, *, except_id: str | None) -> list[tuple[str, str]]:
    """End the account's live sessions, but not the one with `except_id`; return id and digest of each."""
    rows = await conn.fetch(
        "UPDATE sessions SET revoked_at = now() WHERE id IN ("
        "   SELECT id FROM sessions WHERE account_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL"
        "   AND expires_at > now() AND last_seen_at > now() - $3::interval ORDER BY id FOR UPDATE"
        ") RETURNING id, digest",
        account_id, except_id, SESSION_IDLE,
    )  # fmt: skip
    return [(row["id"], row["digest"]) for row in rows]
