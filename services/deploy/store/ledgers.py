"""The SQL of what came to a site's forms, by days, and of what its owner has not seen yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import asyncpg

from shared.db import Connection

#: Names of forms that are listed; visitors may invent some.
_FORMS: Final = 200
#: Unread submissions are counted so far.
UNREAD: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many a site has now."""

    accepted: int
    spam: int
    #: At most `UNREAD`.
    unread: int


async def days(conn: Connection, deployment_id: str, since: date, form: str | None) -> Sequence[asyncpg.Record]:
    """Return what came on each day, and what became of it."""
    return await conn.fetch(
        "SELECT day, outcome, reason, sum(count)::bigint AS count FROM form_ledger"
        " WHERE deployment_id = $1 AND day >= $2 AND ($3::text IS NULL OR form = $3)"
        " GROUP BY day, outcome, reason ORDER BY day, outcome, reason",
        deployment_id, since, form,
    )  # fmt: skip


async def forms(conn: Connection, deployment_id: str) -> list[str]:
    """Return the names of the forms that anything ever came through; empty for the one without a name."""
    rows = await conn.fetch(
        f"SELECT DISTINCT form FROM form_fields WHERE deployment_id = $1 ORDER BY form LIMIT {_FORMS}", deployment_id
    )
    return [row["form"] for row in rows]


async def totals(conn: Connection, deployment_id: str) -> Totals:
    """Return how many submissions a site has."""
    row = await conn.fetchrow(
        "SELECT coalesce(sum(count) FILTER (WHERE status = 'accepted'), 0)::bigint AS accepted,"
        " coalesce(sum(count) FILTER (WHERE status = 'spam'), 0)::bigint AS spam,"
        " (SELECT count(*) FROM (SELECT FROM submissions WHERE deployment_id = $1 AND status = 'accepted'"
        f"    AND read_at IS NULL LIMIT {UNREAD}) AS unread) AS unread"
        " FROM submission_totals WHERE deployment_id = $1",
        deployment_id,
    )
    assert row is not None  # noqa: S101 - there is always one
    return Totals(**row)
