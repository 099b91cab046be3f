"""The SQL of notices: what waits to be told, whom, and what became of each mail."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.deploy.notices import BURST, Window
from shared.db import Connection
from shared.events import MailSettled

#: Submissions that one mail tells of at most: what is more goes with the next. Only without limits on a form's posts
#: can so many come in five minutes, and each statement has four seconds.
MOST: Final = 20_000

# Sites that wait are found by leaps over the index, one for each, however many notices each has; those that are busy
# are left alone until their window ends.
_DUE: Final = """
    WITH RECURSIVE waiting AS (
        (SELECT deployment_id FROM notices WHERE mailing_id IS NULL AND NOT test ORDER BY deployment_id LIMIT 1)
        UNION ALL
        SELECT (SELECT n.deployment_id FROM notices n
                WHERE n.mailing_id IS NULL AND NOT n.test AND n.deployment_id > w.deployment_id
                ORDER BY n.deployment_id LIMIT 1)
        FROM waiting w WHERE w.deployment_id IS NOT NULL
    ), due AS MATERIALIZED (
        SELECT deployment_id FROM (
            SELECT w.deployment_id FROM waiting w LEFT JOIN notice_windows o USING (deployment_id)
            WHERE w.deployment_id IS NOT NULL
            AND (o.ends_at IS NULL OR o.ends_at <= $1 OR (NOT o.busy AND o.mailed < $2))
            UNION SELECT deployment_id FROM notice_windows WHERE ends_at <= $1
        ) AS found WHERE deployment_id <> ALL ($4) LIMIT $3
    )
    SELECT deployment_id FROM due WHERE pg_try_advisory_xact_lock(hashtext('invoker.notices.' || deployment_id))
"""


async def claim(conn: Connection, now: datetime, limit: int, aside: Collection[str]) -> list[str]:
    """Claim sites for which there may be something to do, but those put aside, until the transaction ends.

    Those that another process is at are left to it.
    """
    rows = await conn.fetch(_DUE, now, BURST, limit, list(aside))
    return [row["deployment_id"] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How it stands with a claimed site's notices."""

    deployment_id: str
    window: Window | None
    #: Counted as far as it matters.
    count: int


async def waiting(conn: Connection, claimed: Sequence[str], now: datetime) -> list[Waiting]:
    """Return how it stands with claimed sites: asked after the claim, which somebody else may have had until then."""
    rows = await conn.fetch(
        "SELECT s.id, o.ends_at, o.mailed, o.busy, (SELECT count(*) FROM ("
        "   SELECT FROM notices n WHERE n.deployment_id = s.id AND n.mailing_id IS NULL AND NOT n.test"
        "   LIMIT CASE WHEN o.ends_at <= $2 THEN $3::int ELSE $4::int END) AS few) AS count"
        " FROM unnest($1::text[]) AS s (id) LEFT JOIN notice_windows o ON o.deployment_id = s.id",
        claimed, now, MOST, BURST,
    )  # fmt: skip
    return [
        Waiting(
            deployment_id=row["id"],
            window=row["ends_at"] and Window(ends_at=row["ends_at"], mailed=row["mailed"], busy=row["busy"]),
            count=row["count"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A submission that is to be told."""

    id: str
    deployment_id: str
    #: What the owner made of it meanwhile; only what is accepted, and tests, are told.
    status: str | None
    form: str | None
    subject: str | None
    reply_to: str | None
    data: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]] | None
    request_id: str | None
    created_at: datetime


_UNTOLD: Final = """
    s.status, s.form, s.subject, s.reply_to, coalesce(s.data, '{}') AS data, s.files, s.request_id,
    coalesce(s.created_at, now()) AS created_at
"""


async def untold(conn: Connection, wanted: Mapping[str, int]) -> dict[str, list[Untold]]:
    """Return the oldest untold submissions of sites, so many of each."""
    rows = await conn.fetch(
        f"SELECT n.submission_id AS id, w.site AS deployment_id, {_UNTOLD}"
        " FROM unnest($1::text[], $2::int[]) AS w (site, most) CROSS JOIN LATERAL ("
        "   SELECT n.submission_id, n.created_at FROM notices n"
        "   WHERE n.deployment_id = w.site AND n.mailing_id IS NULL AND NOT n.test"
        "   ORDER BY n.created_at, n.submission_id LIMIT w.most) AS n"
        " LEFT JOIN submissions s ON s.id = n.submission_id ORDER BY n.created_at, n.submission_id",
        list(wanted), list(wanted.values()),
    )  # fmt: skip
    found: dict[str, list[Untold]] = {}
    for row in rows:
        found.setdefault(row["deployment_id"], []).append(Untold(**row))
    return found


async def tests(conn: Connection, limit: int) -> list[Untold]:
    """Return submissions that owners sent to try their forms, each claimed until the transaction ends."""
    rows = await conn.fetch(
        f"SELECT n.submission_id AS id, n.deployment_id, {_UNTOLD}"
        " FROM notices n LEFT JOIN submissions s ON s.id = n.submission_id"
        " WHERE n.mailing_id IS NULL AND n.test ORDER BY n.created_at LIMIT $1 FOR UPDATE OF n SKIP LOCKED",
        limit,
    )
    return [Untold(**row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whom a site's mails go to, and what of the site they say."""

    deployment_id: str
    slug: str
    title: str | None
    recipient_id: str
    email: str
    owner: bool


# Asked when the mail is written: the account's address may have changed since the submission came.
_READERS: Final = """
    WITH sites AS (
        SELECT d.id, d.slug, d.settings ->> 'title' AS title, a.email FROM deployments d
        JOIN accounts a ON a.id = d.account_id
        WHERE d.id = ANY ($1) AND d.deleted_at IS NULL
        AND coalesce((d.settings ->> 'notify_email')::boolean, true) AND a.email <> ''
    ), addresses AS (
        SELECT s.id, 'rcp_' || substr(s.id, 5) AS recipient_id, s.email, true AS owner FROM sites s
        WHERE NOT EXISTS (SELECT FROM recipients r WHERE r.deployment_id = s.id AND r.owner
                          AND r.unsubscribed_at IS NOT NULL)
        UNION ALL
        SELECT s.id, r.id, r.email, false FROM sites s JOIN recipients r ON r.deployment_id = s.id
        WHERE NOT r.owner AND r.confirmed_at IS NOT NULL AND r.unsubscribed_at IS NULL
        AND lower(r.email) <> lower(s.email)
    )
    SELECT s.id AS deployment_id, s.slug, s.title, a.recipient_id, a.email, a.owner
    FROM addresses a JOIN sites s USING (id)
    WHERE NOT EXISTS (SELECT FROM suppressions p WHERE p.email = lower(a.email) AND p.lifted_at IS NULL)
    ORDER BY s.id, a.owner DESC, a.recipient_id
"""


async def readers(conn: Connection, deployment_ids: Collection[str]) -> dict[str, list[Reader]]:
    """Return who is to be mailed what visitors of these sites send; a site of which nobody is has no entry."""
    found: dict[str, list[Reader]] = {}
    for row in await conn.fetch(_READERS, list(deployment_ids)):
        found.setdefault(row["deployment_id"], []).append(Reader(**row))
    return found


# What was decided


async def stamp(conn: Connection, mailings: Mapping[str, str]) -> None:
    """Note in which mailing each submission is told."""
    await conn.execute(
        "UPDATE notices n SET mailing_id = m.mailing FROM unnest($1::text[], $2::text[]) AS m (submission, mailing)"
        " WHERE n.submission_id = m.submission",
        list(mailings), list(mailings.values()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What one mail tells of: how many, and when the first and the last came; none: nothing is left of them."""

    count: int
    since: datetime | None
    until: datetime | None


async def stamp_all(conn: Connection, deployment_id: str, mailing_id: str) -> Together:
    """Note for all that wait, the oldest `MOST`, that this mailing tells of them; return how many are accepted yet."""
    row = await conn.fetchrow(
        "WITH batch AS (SELECT submission_id FROM notices"
        "    WHERE deployment_id = $1 AND mailing_id IS NULL AND NOT test ORDER BY created_at LIMIT $3),"
        " stamped AS (UPDATE notices n SET mailing_id = $2 FROM batch b WHERE n.submission_id = b.submission_id"
        "    RETURNING n.submission_id)"
        " SELECT count(*) AS count, min(s.created_at) AS since, max(s.created_at) AS until"
        " FROM stamped JOIN submissions s ON s.id = stamped.submission_id WHERE s.status = 'accepted'",
        deployment_id, mailing_id, MOST,
    )  # fmt: skip
    assert row is not None  # noqa: S101 - an aggregate has a row
    return Together(**row)


async def keep_windows(conn: Connection, windows: Mapping[str, Window | None]) -> None:
    """Note how sites are grouped from now on; None: it has been quiet."""
    kept = [(site, window) for site, window in windows.items() if window is not None]
    await conn.execute(
        "INSERT INTO notice_windows AS w (deployment_id, ends_at, mailed, busy)"
        " SELECT site, ends_at, mailed, busy"
        " FROM unnest($1::text[], $2::timestamptz[], $3::int[], $4::boolean[]) AS n (site, ends_at, mailed, busy)"
        " ON CONFLICT (deployment_id) DO UPDATE SET ends_at = excluded.ends_at, mailed = excluded.mailed,"
        " busy = excluded.busy",
        [site for site, _ in kept], [window.ends_at for _, window in kept],
        [window.mailed for _, window in kept], [window.busy for _, window in kept],
    )  # fmt: skip
    gone = [site for site, window in windows.items() if window is None]
    if gone:
        await conn.execute("DELETE FROM notice_windows WHERE deployment_id = ANY ($1)", gone)


#: Id, mailing, site and address of a mail.
Mail = tuple[str, str, str, str]


async def add_mails(conn: Connection, mails: Iterable[Mail]) -> None:
    """Note the mails of mailings, by the ids of their messages."""
    columns = [list(column) for column in zip(*mails, strict=True)]
    await conn.execute(
        "INSERT INTO mails (id, mailing_id, deployment_id, email)"
        " SELECT id, mailing, site, email"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS m (id, mailing, site, email)",
        *columns,
    )


async def settle(conn: Connection, event: MailSettled) -> bool:
    """Note what became of a mail; false when that is known, or the mail is not. Idempotent."""
    done = await conn.execute(
        "UPDATE mails SET settled_at = $2, result = $3, reason = $4 WHERE id = $1 AND settled_at IS NULL",
        event.message_id, event.at, event.result, event.reason,
    )  # fmt: skip
    return bool(done == "UPDATE 1")


async def forget_mails(conn: Connection, days: int, limit: int) -> int:
    """Forget some of the mails that were written this many days ago; return how many."""
    gone: int = await conn.fetchval(
        "WITH old AS (SELECT id FROM mails WHERE queued_at < now() - make_interval(days => $1) LIMIT $2),"
        " gone AS (DELETE FROM mails m USING old WHERE m.id = old.id RETURNING 1) SELECT count(*) FROM gone",
        days, limit,
    )  # fmt: skip
    return gone
