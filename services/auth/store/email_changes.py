"""Changes of address that wait for the codes of both mails; an account has one at a time."""

from datetime import datetime
from typing import Final

from services.auth.accounts import CHANGE_LIFE, CHANGE_TRIES, Change, NewCodes
from services.auth.logins import code_digest
from shared import db

_LIVE: Final = "used_at IS NULL AND voided_at IS NULL AND expires_at > now()"


async def void(conn: db.Connection, account_id: str) -> None:
    """End the account's change under way. Its row is to be locked."""
    await conn.execute(f"UPDATE email_changes SET voided_at = now() WHERE account_id = $1 AND {_LIVE}", account_id)


async def add(conn: db.Connection, account_id: str, email: str, codes: NewCodes) -> datetime:
    """Add a change, and return until when it can be confirmed."""
    expires_at: datetime = await conn.fetchval(
        "INSERT INTO email_changes (account_id, email, salt, current_digest, new_digest, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, now() + $6) RETURNING expires_at",
        account_id, email, codes.salt, code_digest(codes.salt, codes.current), code_digest(codes.salt, codes.new),
        CHANGE_LIFE,
    )  # fmt: skip
    return expires_at


async def take_try(conn: db.Connection, account_id: str) -> Change | None:
    """Spend one of the tries of the account's change; None when there is none, or no try left."""
    row = await conn.fetchrow(
        f"UPDATE email_changes SET tries = tries + 1 WHERE account_id = $1 AND {_LIVE} AND tries < $2"
        " RETURNING id, email, salt, current_digest, new_digest",
        account_id, CHANGE_TRIES,
    )  # fmt: skip
    return Change(**row) if row else None


async def use(conn: db.Connection, change_id: int) -> bool:
    """Spend the change itself; False when somebody was faster or it is void."""
    return (
        await conn.fetchval(
            f"UPDATE email_changes SET used_at = now() WHERE id = $1 AND {_LIVE} RETURNING true", change_id
        )
        is True
    )
