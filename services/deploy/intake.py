"""Taking in a submission: stored with its notice in one commit. Visitors wait for PostgreSQL and nothing else."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.deploy import contracts, spam, submissions, words
from services.deploy.blobs import Blobs
from services.deploy.dropped import FormNames
from services.deploy.fields import Sent
from services.deploy.repeats import Repeats
from services.deploy.seen import SeenFields
from services.deploy.spam import Signs
from services.deploy.store import received
from services.deploy.store.sites import Site
from services.deploy.submissions import Arrival, Submission
from services.deploy.writer import Hearers, Writer
from shared import db, ids, logs
from shared.idempotency import Once

#: Files past what one has in memory that are stored at once: the store's client reads each whole.
LARGE: Final = 2

_NOTHING: Final = Signs()


class Intake:
    """Stores what visitors send; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs, *, names: FormNames, hearers: Hearers) -> None:
        self._pool = pool
        self._writer = Writer(pool, hearers)
        self._fields = SeenFields()
        self._repeats = Repeats()
        self._names = names
        self._told = hearers.told
        self._blobs = blobs
        self._large = asyncio.Semaphore(LARGE)

    async def take(
        self, site: Site, sent: Sent, once: Once | None, *, test: bool = False, signs: Signs = _NOTHING
    ) -> str:
        """Store a submission and return its id; the owner's notice is stored with it, for spam there is none.

        `signs` is what speaks for spam beside its data; a test is not judged. Idempotent with `once`: the same body
        gets the first id again. Raise KeyReused for another one, Unavailable.
        """
        said = words.texts(sent.data)
        digest = sent.digest() if not test and spam.is_text(said) else None
        repeats = self._repeats.note(site.id, digest) if digest else 0
        reason = None if test else spam.judge(said, signs, repeats=repeats, unwanted=site.spam_words)
        status = "test" if test else "spam" if reason else "accepted"
        arrival = self._arrival(site, sent, once, said, status=status, why=reason)
        stored = None
        try:
            if sent.files:
                await self._store_files(site, sent)
            stored = await self._store(arrival, once)
        finally:
            # the same request again, or one that will be tried again
            if digest and stored != arrival.submission.id:
                self._repeats.take_back(site.id, digest)
        self._fields.keep(site.id, arrival.ledger_form, arrival.new_fields)
        if arrival.told:
            self._told()
        return stored

    def _arrival(
        self, site: Site, sent: Sent, once: Once | None, said: list[str], *, status: str, why: str | None
    ) -> Arrival:
        """Put together all that is written."""
        now, names = datetime.now(UTC), list(sent.data)
        if sent.files:
            names = list(dict.fromkeys([*names, *(each.field for each in sent.files)]))
            said = said + [each.name for each in sent.files]
        unknown, problems = contracts.check(site.contract, sent.form, sent.data, [each.field for each in sent.files])
        given = Submission(
            id=ids.new_id("sub"),
            deployment_id=site.id,
            form=sent.form,
            status=status,
            spam_reason=why,
            data=sent.data,
            version=site.version,
            created_at=now,
            unknown_fields=unknown,
            problems=problems,
            files=[each.shown() for each in sent.files],
            subject=sent.subject,
            request_id=logs.request_id.get(),
            reply_to=sent.reply_to,
            idempotency_key=once.key if once else None,
            body_digest=once.digest if once else None,
        )
        form = self._names.of(site.id, site.contract, sent.form, now.date())
        return Arrival(
            submission=given,
            words=words.of(site.id, sent.form, said),
            ledger_form=form,
            new_fields=self._fields.new(site.id, form, names),
            told=site.notified and status != "spam",
        )

    async def _store_files(self, site: Site, sent: Sent) -> None:
        """Store what files hold; they are loose until their submission is stored."""
        async with db.transaction(self._pool) as conn:
            await received.add_loose(conn, site.id, sent.files)
        contents = {each.blob: each.content for each in sent.files}
        if small := {blob: content for blob, content in contents.items() if isinstance(content, bytes)}:
            await self._blobs.put_all(small)
        for blob, content in contents.items():
            if isinstance(content, Path):
                async with self._large:
                    await self._blobs.put_all({blob: content})

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
            first = await submissions.find_earlier(conn, given.deployment_id, once.key)
        if first is None:
            # its owner has just deleted it: this one is the first now
            return await self._store(arrival, once)
        once.require_same(first[1])
        return first[0]
