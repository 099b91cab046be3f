"""The SQL of what has just arrived."""

from collections.abc import Sequence
from typing import Final

from services.deploy.received import COLUMNS, STATUSES, Received
from shared.db import Connection

#: How long ago something may have come in whose commit was not seen yet.
RECENT: Final = "interval '15 seconds'"
#: Submissions of one statement that reads them whole; one has up to 256 KiB.
ROWS: Final = 20
#: Of one look.
_MOST: Final = 5000


async def newest(conn: Connection, deployment_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the ids of what came to these sites in the last seconds, by site."""
    rows = await conn.fetch(
        "SELECT s.deployment_id, array_agg(s.id) AS ids FROM ("
        f"   SELECT id, deployment_id FROM submissions WHERE deployment_id = ANY ($1) AND status = ANY ($2)"
        f"   AND created_at > now() - {RECENT} ORDER BY created_at DESC LIMIT {_MOST}) AS s GROUP BY 1",
        list(deployment_ids), list(STATUSES),
    )  # fmt: skip
    return {row["deployment_id"]: frozenset(row["ids"]) for row in rows}


async def read(conn: Connection, ids: Sequence[str]) -> list[Received]:
    """Return submissions, oldest first."""
    rows = await conn.fetch(f"SELECT {COLUMNS} FROM submissions WHERE id = ANY ($1) ORDER BY created_at, id", list(ids))
    return [Received(**row) for row in rows]


async def after(conn: Connection, deployment_id: str, status: str, submission_id: str) -> list[Received]:
    """Return what came to a site next after one of its submissions, oldest first; nothing when that is gone."""
    last = await conn.fetchrow(
        "SELECT created_at, id FROM submissions WHERE id = $1 AND deployment_id = $2", submission_id, deployment_id
    )
    if last is None:
        return []
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM submissions WHERE deployment_id = $1 AND status = $2 AND (created_at, id) > ($3, $4)"
        f" ORDER BY created_at, id LIMIT {ROWS}",
        deployment_id, status, last["created_at"], last["id"],
    )  # fmt: skip
    return [Received(**row) for row in rows]
