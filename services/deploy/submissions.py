"""The SQL of what visitors send, on its way in: a connection in, a value out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.db import Connection
from shared.idempotency import WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One thing that a visitor sent."""

    id: str
    deployment_id: str
    form: str | None
    #: `accepted`, `spam`, or `test`: sent by the owner, and never counted.
    status: str
    data: Mapping[str, Any]
    version: int
    created_at: datetime
    #: Why it is held as spam.
    spam_reason: str | None = None
    read_at: datetime | None = None
    #: Names that its form does not have, and what else does not fit it: `[{field, problem}]`.
    unknown_fields: Sequence[str] | None = None
    problems: Sequence[Mapping[str, str]] | None = None
    #: `[{id, field, name, type, size}]`
    files: Sequence[Mapping[str, Any]] | None = None
    request_id: str | None = None
    #: What its form would have in the mail's subject, and where a reply goes.
    subject: str | None = None
    reply_to: str | None = None
    stored_ms: float | None = None
    idempotency_key: str | None = None
    body_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A submission with what is written beside it."""

    submission: Submission
    #: What search finds it by.
    words: str
    #: The form's name in the ledger and among the fields, which has few of them: empty for the one without a name.
    ledger_form: str = ""
    #: Fields that were, as far as this process knows, never answered before.
    new_fields: Sequence[str] = ()
    #: Whether somebody is to be told of it.
    told: bool = False


# One statement, and so its own transaction: what was stored decides what is counted, queued and told. A key that came
# before stores nothing.
_ADD_ALL: Final = """
    WITH given AS (
        SELECT id, deployment_id, form, status, spam_reason, data, version, created_at, unknown_fields, problems, files,
               request_id, subject, reply_to, idempotency_key, body_digest, words, ledger_form, new_fields, told
        FROM json_to_recordset($1::json) AS given (id text, deployment_id text, form text, status text,
            spam_reason text, data json, version int, created_at timestamptz, unknown_fields json, problems json,
            files json, request_id text, subject text, reply_to text, idempotency_key text, body_digest text,
            words text, ledger_form text, new_fields json, told boolean)
    ), stored AS (
        INSERT INTO submissions (id, deployment_id, form, status, spam_reason, data, version, created_at,
            unknown_fields, problems, files, request_id, subject, reply_to, idempotency_key, body_digest, words,
            stored_ms)
        SELECT id, deployment_id, form, status, spam_reason, data, version, created_at, unknown_fields,
               problems, files, request_id, subject, reply_to, idempotency_key, body_digest,
               array_to_tsvector(string_to_array(words, ' ')), extract(epoch FROM clock_timestamp() - created_at) * 1000
        FROM given
        ON CONFLICT (deployment_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id
    ), fresh AS (
        SELECT g.id, g.deployment_id, g.status, g.spam_reason, g.created_at, g.ledger_form, g.new_fields, g.told
        FROM given g JOIN stored USING (id)
    ), counted AS (
        INSERT INTO form_ledger AS l (deployment_id, day, form, outcome, reason, shard, count)
        SELECT deployment_id, (created_at AT TIME ZONE 'UTC')::date, ledger_form,
               CASE status WHEN 'accepted' THEN 'accepted' ELSE 'held' END, coalesce(spam_reason, ''),
               pg_backend_pid() % 8, count(*)
        FROM fresh WHERE status <> 'test' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (deployment_id, day, form, outcome, reason, shard) DO UPDATE SET count = l.count + excluded.count
    ), learned AS (
        INSERT INTO form_fields (deployment_id, form, name)
        SELECT deployment_id, ledger_form, name FROM fresh, json_array_elements_text(new_fields) AS name
        WHERE new_fields IS NOT NULL ON CONFLICT DO NOTHING
    ), queued AS (
        INSERT INTO deliveries (id, webhook_id, deployment_id, submission_id)
        SELECT 'dlv_' || left(md5(f.id || w.id), 24), w.id, f.deployment_id, f.id
        FROM fresh f JOIN webhooks w ON w.deployment_id = f.deployment_id
        WHERE f.status <> 'spam' AND w.active AND NOT w.backlogged AND 'submission' = ANY (w.events)
        RETURNING submission_id
    ), tied AS (
        UPDATE uploads u SET submission_id = f.id
        FROM unnest($2::text[], $3::text[]) AS file (id, submission_id) JOIN fresh f ON f.id = file.submission_id
        WHERE u.id = file.id AND u.id = ANY ($2) AND u.submission_id IS NULL
    ), noted AS (
        INSERT INTO notices (submission_id, deployment_id, test, created_at)
        SELECT id, deployment_id, status = 'test', created_at FROM fresh WHERE told
    )
    SELECT id, id IN (SELECT submission_id FROM queued) AS queued FROM stored
"""


async def add_all(conn: Connection, given: Sequence[Arrival]) -> dict[str, bool]:
    """Store submissions and all that goes with them, in one statement that is its own transaction.

    Return the ids of those that were stored, and whether webhooks wait for them: the others' idempotency keys were used
    before.
    """
    files = [(file["id"], each.submission.id) for each in given for file in each.submission.files or ()]
    # one document: the driver looks at each element of an array for longer than it takes to write it
    rows = await conn.fetch(
        _ADD_ALL, [_document(each) for each in given], [file for file, _ in files], [mine for _, mine in files]
    )
    return {row["id"]: row["queued"] for row in rows}


def _document(given: Arrival) -> dict[str, Any]:
    one = given.submission
    return {
        "id": one.id,
        "deployment_id": one.deployment_id,
        "form": one.form,
        "status": one.status,
        "spam_reason": one.spam_reason,
        "data": one.data,
        "version": one.version,
        "created_at": one.created_at,
        "unknown_fields": one.unknown_fields or None,
        "problems": one.problems or None,
        "files": one.files or None,
        "request_id": one.request_id,
        "subject": one.subject,
        "reply_to": one.reply_to,
        "idempotency_key": one.idempotency_key,
        "body_digest": one.body_digest,
        "words": given.words,
        "ledger_form": given.ledger_form,
        "new_fields": given.new_fields or None,
        "told": given.told,
    }


async def forget_key(conn: Connection, deployment_id: str, idempotency_key: str) -> bool:
    """Let a key be used again when it was used longer ago than keys are known; tell whether it was."""
    forgotten = await conn.fetchval(
        "UPDATE submissions SET idempotency_key = NULL"
        f" WHERE deployment_id = $1 AND idempotency_key = $2 AND created_at <= now() - {WINDOW} RETURNING true",
        deployment_id, idempotency_key,
    )  # fmt: skip
    return forgotten is True


async def find_earlier(conn: Connection, deployment_id: str, idempotency_key: str) -> tuple[str, str] | None:
    """Return id and body digest of the submission that came with this key; None when it is deleted by now."""
    row = await conn.fetchrow(
        "SELECT id, body_digest FROM submissions WHERE deployment_id = $1 AND idempotency_key = $2",
        deployment_id, idempotency_key,
    )  # fmt: skip
    return (row["id"], row["body_digest"]) if row else None
