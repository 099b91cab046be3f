"""Telling owners what visitors sent: what waits is looked at together, decided about, and written as mails."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from services.deploy import notices, recipients
from services.deploy.config import Config
from services.deploy.notices import Plan, Window
from services.deploy.store import notices as store
from services.deploy.store import recipients as asked
from services.deploy.store.notices import Reader, Together, Untold
from shared import db, ids, logs, outbox
from shared.errors import Unavailable
from shared.events import Envelope, SubmissionMail, SubmissionsMail, Told

log = logs.get(__name__)

#: Sites of one transaction: five submissions of each may be in memory, of 256 KiB, once for each of their readers.
SITES: Final = 10
#: Submissions of owners who try their forms, of one transaction.
TESTS: Final = 10
#: Seconds for which a site is left alone whose notices cannot be written, so that it holds up no other.
ASIDE: Final = 60.0
#: Days for which it is known what became of a mail; traces older than that say when it was told, and no more.
KEEP_MAILS: Final = 90
#: Rows of one transaction, and seconds between two.
ROWS: Final = 500
BREATH: Final = 0.05


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Written:
    """What one transaction is about to write."""

    #: Submission to mailing.
    stamps: dict[str, str] = field(default_factory=dict)
    windows: dict[str, Window | None] = field(default_factory=dict)
    mails: list[store.Mail] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)

    async def flush(self, conn: db.Connection) -> None:
        if self.stamps:
            await store.stamp(conn, self.stamps)
        if self.windows:
            await store.keep_windows(conn, self.windows)
        if self.mails:
            await store.add_mails(conn, self.mails)
            await outbox.add_all(conn, self.envelopes)


class Notices:
    """Tells of what was sent; any number of processes may, each site's turn is one's alone."""

    def __init__(
        self, pool: db.Pool, messages: outbox.Outbox, config: Config, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self._pool = pool
        self._outbox = messages
        self._config = config
        self._clock = clock
        #: After a failure sites are taken one by one, and the one that fails is put aside until then.
        self._careful = False
        self._aside: dict[str, float] = {}

    async def round(self) -> int:
        """Tell what is to be told now of some sites, in one transaction; return how many there were, 0 at the end.

        Mails, and the note of what they tell, are written together: a crash leaves both or neither. Raise Unavailable.
        """
        loop = asyncio.get_running_loop()
        self._aside = {site: until for site, until in self._aside.items() if until > loop.time()}
        claimed: list[str] = []
        try:
            async with self._outbox.transaction() as conn:
                claimed = await store.claim(conn, self._clock(), 1 if self._careful else SITES, self._aside)
                count = await self._tell(conn, claimed)
        except Unavailable:
            raise
        except Exception:
            # whatever one site has in store must not keep the others' owners waiting
            log.exception("notices.failed", sites=claimed)
            if self._careful:
                self._aside |= dict.fromkeys(claimed, loop.time() + ASIDE)
            self._careful = not self._careful or bool(claimed)
            return len(claimed)
        if not count:
            self._careful = False
        return count

    async def forget_mails(self) -> int:
        """Forget what became of mails of long ago; return of how many."""
        done = 0
        while True:
            async with db.acquire(self._pool) as conn:
                gone = await store.forget_mails(conn, KEEP_MAILS, ROWS)
            done += gone
            if not gone:
                return done
            await asyncio.sleep(BREATH)

    async def forget_asks(self) -> int:
        """Forget which addresses were asked for their yes more than a day ago; return how many."""
        async with db.acquire(self._pool) as conn:
            return await asked.forget_asks(conn)

    async def _tell(self, conn: db.Connection, claimed: Sequence[str]) -> int:
        tried = [] if self._careful else await store.tests(conn, TESTS)
        if not claimed and not tried:
            return 0
        written, now = _Written(), self._clock()
        readers = await store.readers(conn, {*claimed, *(each.deployment_id for each in tried)})
        for each in tried:
            # the owner alone tries it out, and the owner alone is told
            self._single(written, each, [one for one in readers.get(each.deployment_id, ()) if one.owner])
        states = await store.waiting(conn, claimed, now)
        plans = {state.deployment_id: notices.plan(state.window, state.count, now) for state in states}
        await self._group(conn, written, plans, readers)
        await written.flush(conn)
        if written.mails:
            log.info("notices.told", sites=len(claimed), mails=len(written.mails))
        return len(claimed) + len(tried)

    async def _group(
        self, conn: db.Connection, written: _Written, plans: dict[str, Plan], readers: dict[str, list[Reader]]
    ) -> None:
        shown = {site: notices.SHOWN if plan.together else plan.singles for site, plan in plans.items()}
        untold = await store.untold(conn, {site: most for site, most in shown.items() if most and site in readers})
        for site, plan in plans.items():
            whom, found = readers.get(site, []), untold.get(site, [])
            # where there is nobody to tell, there is nothing to group
            written.windows[site] = plan.window if whom else None
            if not plan.together and whom:
                for each in found:
                    self._single(written, each, whom)
                continue
            mailing = ids.new_id("mlg")
            told = await store.stamp_all(conn, site, mailing)
            found = [each for each in found if each.status == "accepted"]
            if len(found) == told.count == 1:
                self._mail(written, mailing, found[0], whom)
            elif told.count:
                self._together(written, mailing, told, found, whom)

    def _single(self, written: _Written, of: Untold, whom: Sequence[Reader]) -> None:
        """Write a submission's own mails."""
        written.stamps[of.id] = mailing = ids.new_id("mlg")
        if of.status in {"accepted", "test"}:
            self._mail(written, mailing, of, whom)

    def _mail(self, written: _Written, mailing: str, of: Untold, whom: Sequence[Reader]) -> None:
        for reader in whom:
            event = SubmissionMail(
                to=reader.email,
                slug=reader.slug,
                title=reader.title,
                site_url=self._config.site_url(reader.slug),
                submission_id=of.id,
                form=of.form,
                subject=of.subject,
                data=dict(of.data),
                files=tuple((str(file["name"]), int(file["size"])) for file in of.files or ()),
                reply_to=of.reply_to,
                received_at=of.created_at,
                test=of.status == "test",
                inbox_url=self._inbox(reader),
                unsubscribe_url=self._unsubscribe(reader),
            )
            self._add(written, mailing, reader, event, of.request_id)

    def _together(
        self, written: _Written, mailing: str, told: Together, found: Sequence[Untold], whom: Sequence[Reader]
    ) -> None:
        """Write the mails that tell of many."""
        shown = tuple(
            Told(
                submission_id=each.id,
                form=each.form,
                data=notices.in_short(dict(each.data)),
                received_at=each.created_at,
            )
            for each in found
        )
        assert told.since is not None  # noqa: S101 - counted with them
        assert told.until is not None  # noqa: S101
        for reader in whom:
            event = SubmissionsMail(
                to=reader.email,
                slug=reader.slug,
                title=reader.title,
                site_url=self._config.site_url(reader.slug),
                count=told.count,
                since=told.since,
                until=told.until,
                told=shown,
                inbox_url=self._inbox(reader),
                unsubscribe_url=self._unsubscribe(reader),
            )
            self._add(written, mailing, reader, event, None)

    def _add(
        self,
        written: _Written,
        mailing: str,
        reader: Reader,
        event: SubmissionMail | SubmissionsMail,
        request_id: str | None,
    ) -> None:
        # a message for each address: one that cannot be reached delays no other
        envelope = Envelope.of(event, correlation_id=request_id)
        written.mails.append((envelope.id, mailing, reader.deployment_id, reader.email))
        written.envelopes.append(envelope)

    def _inbox(self, reader: Reader) -> str:
        return f"{self._config.app_url}/dashboard/sites/{reader.deployment_id}/inbox"

    def _unsubscribe(self, reader: Reader) -> str:
        secret = self._config.service_token.get_secret_value()
        token = recipients.token(secret, "unsubscribe", reader.deployment_id, reader.recipient_id, reader.email)
        return f"{self._config.api_url}/submit/{reader.deployment_id}/unsubscribe/{token}"
