"""The SQL of what goes by itself: anonymous sites, deleted ones after their week, old submissions, bytes of nobody."""

from dataclasses import dataclass
from typing import Final

from services.deploy.store import blobs, deployments
from shared.db import Connection

#: After a deleted site's week: a restore may be under way.
MARGIN: Final = "interval '1 hour'"
#: Rows of one transaction; a submission has up to 256 KiB.
ROWS: Final = 500

#: Tables of small things that a site has.
_OF_A_SITE: Final = (
    "publications", "missing", "domains", "webhooks", "recipients", "confirmations", "notice_windows", "mails",
    "form_fields", "form_ledger", "submission_totals",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """An anonymous site whose time is over, taken down just now."""

    id: str
    slug: str


async def expire(conn: Connection, limit: int) -> list[Expired]:
    """Take down anonymous sites that nobody has claimed, and return them; what they hold goes next."""
    rows = await conn.fetch(
        "WITH over AS (SELECT id FROM deployments WHERE expires_at < now() AND deleted_at IS NULL"
        "    AND claim_digest IS NOT NULL AND claimed_at IS NULL ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)"
        # at once beyond the week: there is nobody who could restore it
        " UPDATE deployments d SET deleted_at = now() - interval '8 days', updated_at = now() FROM over"
        " WHERE d.id = over.id RETURNING d.id, d.slug, d.account_id",
        limit,
    )
    for row in rows:
        await deployments.rest_name(conn, row["slug"], row["account_id"])
    return [Expired(id=row["id"], slug=row["slug"]) for row in rows]


async def purge(conn: Connection) -> str | None:
    """Remove some of what a site has that was deleted more than a week ago, at last its row.

    Return its id, None when there is none left.
    """
    deployment_id: str | None = await conn.fetchval(
        "SELECT id FROM deployments WHERE deleted_at < now() - interval '7 days' - " + MARGIN +
        " ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )  # fmt: skip
    if deployment_id is None or await _remove_submissions(conn, deployment_id):
        return deployment_id
    await conn.execute("UPDATE deployments SET live_version = NULL WHERE id = $1", deployment_id)
    if await _remove_versions(conn, deployment_id) or await blobs.drop_refs(conn, deployment_id, ROWS):
        return deployment_id
    for table in _OF_A_SITE:
        await conn.execute(f"DELETE FROM {table} WHERE deployment_id = $1", deployment_id)
    await conn.execute(
        "WITH gone AS (DELETE FROM deployments WHERE id = $1 RETURNING account_id)"
        " DELETE FROM accounts a USING gone WHERE a.id = gone.account_id AND a.anonymous",
        deployment_id,
    )
    return deployment_id


async def retire_submissions(conn: Connection) -> int:
    """Delete submissions that are older than their site's owner wants them; return how many."""
    gone: int = await conn.fetchval(
        "WITH old AS (SELECT s.id FROM deployments d JOIN submissions s ON s.deployment_id = d.id"
        "    AND s.status IN ('accepted', 'spam', 'test')"
        "    AND s.created_at < now() - make_interval(days => (d.settings ->> 'retention')::int)"
        "    WHERE d.settings ? 'retention' LIMIT $1),"
        " gone AS (DELETE FROM submissions s USING old WHERE s.id = old.id RETURNING 1)"
        " SELECT count(*) FROM gone",
        ROWS,
    )  # fmt: skip
    return gone


async def _remove_submissions(conn: Connection, deployment_id: str) -> int:
    gone: int = await conn.fetchval(
        "WITH batch AS (SELECT id FROM submissions WHERE deployment_id = $1 LIMIT $2),"
        " gone AS (DELETE FROM submissions s USING batch WHERE s.id = batch.id RETURNING 1)"
        " SELECT count(*) FROM gone",
        deployment_id, ROWS,
    )  # fmt: skip
    return gone


async def _remove_versions(conn: Connection, deployment_id: str) -> int:
    gone: int = await conn.fetchval(
        "WITH gone AS (DELETE FROM versions WHERE deployment_id = $1 AND number IN ("
        "   SELECT number FROM versions WHERE deployment_id = $1 LIMIT $2) RETURNING 1)"
        " SELECT count(*) FROM gone",
        deployment_id, ROWS,
    )  # fmt: skip
    return gone
