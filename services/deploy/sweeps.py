"""The SQL of what goes by itself: anonymous sites, deleted ones after their week, old submissions, bytes of nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.deploy.store import blobs, deployments
from shared.db import Connection

#: After a deleted site's week: a restore may be under way.
MARGIN: Final = "interval '1 hour'"
#: For how long spam and tests are kept.
KEPT: Final = "interval '30 days'"
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


async def retire_held(conn: Connection) -> int:
    """Delete spam and tests that are older than 30 days; return how many."""
    gone: int = await conn.fetchval(
        # as the index of them says it
        "WITH old AS (SELECT id FROM submissions WHERE status <> 'accepted' AND created_at < now() - " + KEPT +
        "    ORDER BY created_at LIMIT $1),"
        " gone AS (DELETE FROM submissions s USING old WHERE s.id = old.id RETURNING 1)"
        " SELECT count(*) FROM gone",
        ROWS,
    )  # fmt: skip
    return gone


async def find_loose(conn: Connection, limit: int) -> dict[str, str]:
    """Return files that belong to no submission, by id what the store calls them, and hold their rows.

    None that a post is about to tie: that takes seconds, and these have been so for an hour.
    """
    rows = await conn.fetch(
        "SELECT id, blob FROM uploads WHERE submission_id IS NULL AND created_at < now() - interval '1 hour'"
        " ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    return {row["id"]: row["blob"] for row in rows}


async def drop_loose(conn: Connection, ids: Sequence[str]) -> None:
    """Forget files whose bytes are gone."""
    await conn.execute("DELETE FROM uploads WHERE id = ANY ($1) AND submission_id IS NULL", list(ids))


async def forget_notices(conn: Connection) -> int:
    """Forget of what owners were told, when the mails themselves are forgotten; return how many."""
    gone: int = await conn.fetchval(
        "WITH old AS (SELECT submission_id FROM notices WHERE mailing_id IS NOT NULL"
        "    AND created_at < now() - interval '90 days' ORDER BY created_at LIMIT $1),"
        " gone AS (DELETE FROM notices n USING old WHERE n.submission_id = old.submission_id RETURNING 1)"
        " SELECT count(*) FROM gone",
        ROWS,
    )  # fmt: skip
    return gone


async def forget_days(conn: Connection, after: str) -> tuple[int, str | None]:
    """Forget what came to forms more than two years ago, at the sites whose ids follow `after`.

    Return how many rows that were, and the last site that was looked at; None when there was none left.
    """
    row = await conn.fetchrow(
        "WITH sites AS (SELECT id FROM deployments WHERE id > $1 ORDER BY id LIMIT $2),"
        " gone AS (DELETE FROM form_ledger l USING sites s WHERE l.deployment_id = s.id"
        "    AND l.day < current_date - 730 RETURNING 1)"
        " SELECT (SELECT count(*) FROM gone) AS gone, (SELECT max(id) FROM sites) AS last",
        after, ROWS,
    )  # fmt: skip
    assert row is not None  # noqa: S101 - there is always one
    return row["gone"], row["last"]


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
