"""The SQL of what operators do: sites taken down, reports, and accounts that are trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.deploy.hosts import Name
from services.deploy.reports import Report
from shared.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A site as the operator deals with it."""

    id: str
    slug: str
    account_id: str
    #: The owner's address; empty for a site that nobody has claimed.
    email: str
    anonymous: bool
    taken_down: bool
    domains: Sequence[str]


_SUBJECT: Final = """
    SELECT d.id, d.slug, d.account_id, a.email, a.anonymous, d.taken_down_at IS NOT NULL AS taken_down,
           ARRAY(SELECT m.domain FROM domains m WHERE m.deployment_id = d.id AND m.verified_at IS NOT NULL) AS domains
    FROM deployments d JOIN accounts a ON a.id = d.account_id
"""


async def find(conn: Connection, name: Name) -> Subject | None:
    """Return a site by slug, id or domain; a deleted one too, since it may come back."""
    which = {
        "id": "d.id = $1",
        "slug": "d.slug = $1",
        "domain": "d.id = (SELECT m.deployment_id FROM domains m WHERE m.domain = $1 AND m.verified_at IS NOT NULL)",
    }[name.kind]
    row = await conn.fetchrow(f"{_SUBJECT} WHERE {which} ORDER BY d.deleted_at DESC NULLS FIRST LIMIT 1", name.key)
    return None if row is None else Subject(**row)


async def take_down(conn: Connection, deployment_id: str, why: str) -> None:
    """Take a site down, or change why it is. Idempotent."""
    await conn.execute(
        "UPDATE deployments SET taken_down_at = coalesce(taken_down_at, now()), taken_down_why = $2, updated_at = now()"
        " WHERE id = $1",
        deployment_id, why,
    )  # fmt: skip


async def reinstate(conn: Connection, deployment_id: str) -> None:
    """Put a site back. Idempotent."""
    await conn.execute(
        "UPDATE deployments SET taken_down_at = NULL, taken_down_why = NULL, updated_at = now() WHERE id = $1",
        deployment_id,
    )


async def trust(conn: Connection, account_id: str) -> bool:
    """Let an account's pages ask for passwords from now on; false when there is no such account."""
    done = await conn.execute(
        "UPDATE accounts SET trusted_at = coalesce(trusted_at, now()) WHERE id = $1 AND NOT anonymous", account_id
    )
    return done == "UPDATE 1"


# Reports

_REPORTS: Final = """
    SELECT r.id, r.deployment_id, d.slug, r.url, r.reason, r.details, r.reporter, r.created_at, r.handled_at
    FROM reports r LEFT JOIN deployments d ON d.id = r.deployment_id
"""


async def add_report(
    conn: Connection, report_id: str, deployment_id: str | None, *,
    url: str, reason: str, details: str, reporter: str | None,
) -> None:  # fmt: skip
    """Keep what a visitor reported."""
    await conn.execute(
        "INSERT INTO reports (id, deployment_id, url, reason, details, reporter) VALUES ($1, $2, $3, $4, $5, $6)",
        report_id, deployment_id, url, reason, details, reporter,
    )  # fmt: skip


async def open_reports(conn: Connection, limit: int) -> list[Report]:
    """Return the reports that nobody has dealt with, oldest first."""
    rows = await conn.fetch(f"{_REPORTS} WHERE r.handled_at IS NULL ORDER BY r.created_at LIMIT $1", limit)
    return [Report(**row) for row in rows]


async def find_report(conn: Connection, report_id: str) -> Report | None:
    """Return one report."""
    row = await conn.fetchrow(f"{_REPORTS} WHERE r.id = $1", report_id)
    return None if row is None else Report(**row)


async def handle_report(conn: Connection, report_id: str) -> bool:
    """Note that a report was dealt with; false when there is none such. Idempotent."""
    done = await conn.execute("UPDATE reports SET handled_at = coalesce(handled_at, now()) WHERE id = $1", report_id)
    return done == "UPDATE 1"
