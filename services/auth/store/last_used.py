"""When keys and browser sessions were used last: many rows in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared import db
from shared.auth_client import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of a credential, as far as it is known."""

    id: str
    at: datetime
    ip: str | None
    client: str | None


# A CTE locks the rows in order, or two of these, or one and a revoke of all, could wait for each other. What another
# process wrote since stays.
_WRITE: Final[dict[Kind, str]] = {
    "key": """
        WITH used AS (SELECT id, at, ip, client FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[])
                      AS u (id, at, ip, client)),
             held AS (SELECT id FROM keys WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
        UPDATE keys k SET last_used_at = u.at, last_used_ip = u.ip, last_used_client = u.client
        FROM used u JOIN held USING (id)
        WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)
    """,
    "session": """
        WITH used AS (SELECT id, at, ip FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[])
                      AS u (id, at, ip, client)),
             held AS (SELECT id FROM sessions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
        UPDATE sessions s SET last_seen_at = u.at, last_seen_ip = coalesce(u.ip, s.last_seen_ip)
        FROM used u JOIN held USING (id)
        WHERE s.id = u.id AND s.last_seen_at < u.at
    """,
}


async def write(conn: db.Connection, kind: Kind, uses: Sequence[Use]) -> None:
    """Write uses, one statement for all. Ids that are gone are passed over."""
    await conn.execute(
        _WRITE[kind],
        [use.id for use in uses],
        [use.at for use in uses],
        [use.ip for use in uses],
        [use.client for use in uses],
    )
