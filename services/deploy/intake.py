"""Taking in a submission: stored with its notice in one commit. Visitors wait for PostgreSQL and nothing else."""

from datetime import UTC, datetime
from typing import Any

from services.deploy import submissions
from services.deploy.config import Config
from services.deploy.fields import Sent
from services.deploy.store.sites import Site
from services.deploy.submissions import Submission
from services.deploy.writer import Writer
from shared import db, ids, outbox
from shared.events import Envelope, SubmissionMail
from shared.idempotency import Once


class Intake:
    """Stores what visitors send; one per process."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, config: Config) -> None:
        self._pool = pool
        self._writer = Writer(pool)
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
            data=sent.data,
            version=site.version,
            created_at=datetime.now(UTC),
            idempotency_key=once.key if once else None,
            body_digest=once.digest if once else None,
        )
        envelope = None if sent.is_spam or not site.notified else self._notice(site, sent, given, f"msg_{name}")
        stored = given.id
        if once is None:
            await self._writer.add(given, envelope)
        else:
            stored = await self._once(given, envelope, once)
        if envelope:
            self._outbox.wake()
        return stored

    async def _once(self, given: Submission, envelope: dict[str, Any] | None, once: Once) -> str:
        async with db.acquire(self._pool) as conn:
            if await submissions.add_once(conn, given, envelope):
                return given.id
            if await submissions.forget_key(conn, given.deployment_id, once.key) and await submissions.add_once(
                conn, given, envelope
            ):
                return given.id
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
