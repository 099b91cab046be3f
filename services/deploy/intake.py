"""Taking in a submission: stored with its notice in one commit. Visitors wait for PostgreSQL and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from services.deploy import submissions, words
from services.deploy.config import Config
from services.deploy.fields import Sent
from services.deploy.seen import SeenFields
from services.deploy.store.sites import Site
from services.deploy.submissions import Arrival, Submission
from services.deploy.writer import Writer
from shared import db, ids, logs, outbox
from shared.events import Envelope, SubmissionMail
from shared.idempotency import Once


class Intake:
    """Stores what visitors send; one per process."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, config: Config, wake_sender: Callable[[], None]) -> None:
        self._pool = pool
        self._writer = Writer(pool, wake_sender)
        self._fields = SeenFields()
        self._outbox = messages
        self._config = config

    async def take(self, site: Site, sent: Sent, once: Once | None) -> str:
        """Store a submission and return its id; the owner's notice is stored with it, for spam there is none.

        Idempotent with `once`: the same body gets the first id again. Raise KeyReused for another one.
        """
        name = ids.random_base62(ids.ID_LENGTH)
        given = Submission(
            id=f"sub_{name}",
            deployment_id=site.id,
            form=sent.form,
            status="spam" if sent.is_spam else "accepted",
            spam_reason="honeypot" if sent.is_spam else None,
            data=sent.data,
            version=site.version,
            created_at=datetime.now(UTC),
            request_id=logs.request_id.get(),
            idempotency_key=once.key if once else None,
            body_digest=once.digest if once else None,
        )
        form = sent.form or ""
        arrival = Arrival(
            submission=given,
            words=words.of(site.id, sent.form, sent.data),
            ledger_form=form,
            new_fields=self._fields.new(site.id, form, sent.data),
            envelope=None if sent.is_spam or not site.notified else self._notice(site, sent, given, f"msg_{name}"),
        )
        stored = await self._store(arrival, once)
        self._fields.keep(site.id, form, arrival.new_fields)
        if arrival.envelope:
            self._outbox.wake()
        return stored

    async def _store(self, arrival: Arrival, once: Once | None) -> str:
        """Return the id under which it is stored: the first one's, when its key came before."""
        given = arrival.submission
        if await self._writer.add(arrival) or once is None:
            return given.id
        async with db.acquire(self._pool) as conn:
            forgotten = await submissions.forget_key(conn, given.deployment_id, once.key)
        if forgotten and await self._writer.add(arrival):
            return given.id
        async with db.acquire(self._pool) as conn:
            first, digest = await submissions.find_earlier(conn, given.deployment_id, once.key)
        once.require_same(digest)
        return first

    def _notice(self, site: Site, sent: Sent, given: Submission, message_id: str) -> dict[str, Any]:
        event = SubmissionMail(
            to=site.email,
            slug=site.slug,
            site_url=self._config.site_url(site.slug),
            submission_id=given.id,
            data=sent.data,
            reply_to=sent.reply_to,
            received_at=given.created_at,
        )
        return Envelope.row(event, message_id=message_id, at=given.created_at)
