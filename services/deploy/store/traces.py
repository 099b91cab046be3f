"""The SQL of one submission: itself, every mail and webhook attempt about it, and its files."""

from dataclasses import dataclass
from typing import Final

from services.deploy import traces
from services.deploy.received import COLUMNS, Received, SubmissionNotFound
from services.deploy.traces import Hop
from shared.db import Connection

#: Rows of one kind in a trace: replays may be many.
_HOPS: Final = 200


async def find(conn: Connection, deployment_id: str, submission_id: str) -> Received:
    """Return one submission. Raise SubmissionNotFound."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM submissions WHERE id = $1 AND deployment_id = $2", submission_id, deployment_id
    )
    if row is None:
        raise SubmissionNotFound
    return Received(**row)


async def trace(conn: Connection, submission_id: str) -> tuple[list[Hop], str | None]:
    """Return what became of a submission, in order, and the id of the request it came with."""
    row = await conn.fetchrow(
        "SELECT status, spam_reason, created_at, stored_ms, request_id FROM submissions WHERE id = $1", submission_id
    )
    if row is None:
        raise SubmissionNotFound
    mails = await conn.fetch(
        "SELECT n.created_at, n.mailing_id, w.ends_at AS next_at, m.email, m.queued_at, m.settled_at, m.result,"
        " m.reason"
        " FROM notices n LEFT JOIN mails m ON m.mailing_id = n.mailing_id"
        " LEFT JOIN notice_windows w ON w.deployment_id = n.deployment_id"
        f" WHERE n.submission_id = $1 ORDER BY m.queued_at LIMIT {_HOPS}",
        submission_id,
    )
    attempts = await conn.fetch(
        "SELECT d.id, d.state, d.attempts, d.next_at, d.created_at, w.url, a.attempt, a.at, a.status, a.latency_ms,"
        " a.error FROM deliveries d LEFT JOIN webhooks w ON w.id = d.webhook_id"
        " LEFT JOIN delivery_attempts a ON a.delivery_id = d.id"
        f" WHERE d.submission_id = $1 ORDER BY a.at DESC LIMIT {_HOPS}",
        submission_id,
    )
    hops = [traces.stored(dict(row)), *traces.mails(map(dict, mails)), *traces.webhooks(map(dict, attempts))]
    return traces.in_order(hops), row["request_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a submission."""

    #: What the store calls its bytes.
    blob: str
    name: str
    size: int


async def upload(conn: Connection, deployment_id: str, submission_id: str, upload_id: str) -> Upload:
    """Return a file of a submission. Raise SubmissionNotFound."""
    row = await conn.fetchrow(
        "SELECT blob, name, size FROM uploads WHERE id = $1 AND submission_id = $2 AND deployment_id = $3",
        upload_id, submission_id, deployment_id,
    )  # fmt: skip
    if row is None:
        raise SubmissionNotFound("File not found")
    return Upload(**row)
