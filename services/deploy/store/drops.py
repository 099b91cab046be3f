"""The SQL of what was sent to a form and not taken."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from shared.db import Connection

#: Site, day, form's name in the ledger, and why.
Drop = tuple[str, date, str, str]

_ADD: Final = """
    INSERT INTO form_ledger AS l (deployment_id, day, form, outcome, reason, shard, count)
    SELECT deployment_id, day, form, 'dropped', reason, pg_backend_pid() % 8, count
    FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::bigint[])
        AS given (deployment_id, day, form, reason, count)
    ORDER BY 1, 2, 3, 5
    ON CONFLICT (deployment_id, day, form, outcome, reason, shard) DO UPDATE SET count = l.count + excluded.count
"""


async def add(conn: Connection, counts: Mapping[Drop, int]) -> None:
    """Add counts to the ledger, in one statement; each key once."""
    rows = [(*drop, count) for drop, count in counts.items()]
    await conn.execute(_ADD, *map(list, zip(*rows, strict=True)))
