"""From a message on the bus to a mail that was sent once: claim, build, hand over, write down."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import asyncpg
from prometheus_client import Counter, Histogram

from services.mailer import mails, service, smtp, store
from services.mailer.config import Sender
from services.mailer.service import Suppressions
from shared import db, inbox, logs, outbox
from shared.bus import Delivery, Handlers, Retry
from shared.errors import Unavailable
from shared.events import (
    AccountDeletedMail,
    AddressLifted,
    DomainSuspendedMail,
    EmailChangedMail,
    EmailCodeMail,
    Envelope,
    Event,
    KeyCreatedMail,
    KeyExpiringMail,
    KeyRotatedMail,
    KeysRevokedMail,
    LoginCodeMail,
    MailSettled,
    RecipientConfirmMail,
    SiteReinstatedMail,
    SiteReportedMail,
    SiteTakenDownMail,
    SubmissionMail,
    SubmissionsMail,
    WebhookDisabledMail,
)
from shared.inbox import Claim
from shared.outbox import Outbox

log = logs.get(__name__)

#: Seconds that a claim holds: longer than the SMTP deadline, so that nobody takes over a mail that is being sent, and
#: over before the bus's second retry (5 s + 30 s), so that a crashed mailer's mails go out then.
LEASE: Final = 34.0
#: Seconds for which writing down what became of a mail is tried; forgetting it would send the mail again.
SETTLE_FOR: Final = 60.0
SETTLE_EVERY: Final = 0.5
#: Mails to one address in work at a time, and seconds that a further one waits for its turn, before it comes later.
TOGETHER: Final = 4
TURN_WITHIN: Final = 1.0
#: For how long a mail is tried that has no end of its own, as mail servers do, and seconds between two of its rounds
#: of attempts.
LIFE: Final = timedelta(days=3)
PUT_OFF: Final = 900.0

#: The database is away, or will not write now, as while a replica takes over: no reason to give up a mail.
DATABASE_TROUBLE: Final = (Unavailable, asyncpg.PostgresError)

MAILS: Final = Counter("invoker_mails", "Mails by kind and what became of them", ["mail", "result"])
DELAY: Final = Histogram(
    "invoker_mail_delay_seconds",
    "From the message's making to the SMTP server's 250",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 900),
)


class Mailer:
    """Sends the mails of one process."""

    def __init__(
        self, pool: db.Pool, messages: Outbox, transport: smtp.Transport, sender: Sender, *, lease: float = LEASE
    ) -> None:
        self._pool = pool
        self._outbox = messages
        self._transport = transport
        self._sender = sender
        self._lease = lease
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def send(self, event: Event, delivery: Delivery) -> None:
        """Send the mail of a message, unless it was sent, refused or has expired. Idempotent by message id.

        Raise Retry when it may go well later.
        """
        started = time.perf_counter()
        try:
            async with self._turn(getattr(event, "to", "")):
                result, facts = await self._send(event, delivery)
        except (smtp.Undelivered, *DATABASE_TROUBLE) as error:
            MAILS.labels(event.type, "retried").inc()
            log.warning("mail.delayed", mail=event.type, message_id=delivery.envelope.id, reason=str(error))
            if not delivery.last:
                raise Retry(str(error)) from error
            result, facts = await self._put_off(event, delivery.envelope, str(error))
        MAILS.labels(event.type, result).inc()
        ms = round((time.perf_counter() - started) * 1000, 1)
        log.info("mail", mail=event.type, result=result, message_id=delivery.envelope.id, ms=ms, **facts)

    @asynccontextmanager
    async def _turn(self, to: str) -> AsyncIterator[None]:
        """Wait until few enough mails to this address are in work. Raise Undelivered when that takes long.

        A server that keeps us waiting for one address must not keep the mails to all others waiting (R37).
        """
        turns = self._turns.setdefault(to.lower(), asyncio.Semaphore(TOGETHER))
        try:
            async with asyncio.timeout(TURN_WITHIN):
                await turns.acquire()
        except TimeoutError:
            raise smtp.Undelivered("other mails to this address are in work") from None
        try:
            yield
        finally:
            turns.release()

    async def _send(self, event: Event, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        """Return what became of the mail. Raise Undelivered, DATABASE_TROUBLE, or Retry while another is at it."""
        envelope = delivery.envelope
        if envelope.expired(datetime.now(UTC)):
            return "expired", {}
        recipient = mails.canonical(getattr(event, "to", ""))
        async with db.acquire(self._pool) as conn:
            claim = await inbox.claim(conn, envelope.id, self._lease)
            suppressed = claim is Claim.WON and recipient and await store.is_suppressed(conn, recipient)
        match claim:
            case Claim.DONE:
                return "duplicate", {}
            case Claim.BUSY:
                raise Retry("another mailer is at it, or crashed over it a moment ago")
            case Claim.WON if suppressed:
                await self._settle(event, envelope, "suppressed", reason="the address is suppressed")
                return "suppressed", {}
            case Claim.WON:
                return await self._send_claimed(event, envelope, recipient)

    async def _send_claimed(
        self, event: Event, envelope: Envelope, recipient: str | None
    ) -> tuple[str, dict[str, Any]]:
        try:
            mail = mails.mail(envelope, event, sender=self._sender)
            sent = await self._transport.send(
                mails.to_bytes(mail, sender=self._sender, now=datetime.now(UTC)),
                sender=self._sender.address,
                recipient=mail.to,
                still_wanted=lambda: not envelope.expired(datetime.now(UTC)),
            )
        except (mails.InvalidMail, smtp.Refused) as error:
            # no poison: the message is fine, its recipient is not
            dead = recipient if isinstance(error, smtp.Refused) and error.no_mailbox else None
            await self._settle(event, envelope, "refused", reason=str(error), dead=dead)
            return "refused", {"reason": str(error)}
        except Exception:
            await self._release(envelope.id)
            raise
        if not sent:
            await self._release(envelope.id)
            return "expired", {}
        DELAY.observe((datetime.now(UTC) - envelope.at).total_seconds())
        await self._settle(event, envelope, "sent", recipient=recipient)
        return "sent", {}

    async def _put_off(self, event: Event, envelope: Envelope, reason: str) -> tuple[str, dict[str, Any]]:
        """Have a mail come again after a while that all attempts in a row could not deliver, for as long as it lives.

        Raise Retry when that cannot be written down.
        """
        try:
            if datetime.now(UTC) - envelope.at > LIFE:
                await self._settle(event, envelope, "expired", reason=reason, within=0.0)
                return "expired", {"reason": reason}
            async with self._outbox.transaction() as conn:
                await store.put_off(conn, envelope, PUT_OFF)
        except DATABASE_TROUBLE as error:
            raise Retry(reason) from error
        return "put_off", {}

    async def _settle(
        self, event: Event, envelope: Envelope, result: str, *,
        recipient: str | None = None, reason: str | None = None, dead: str | None = None, within: float = SETTLE_FOR,
    ) -> None:  # fmt: skip
        """Write down what became of a mail, and do not give up when the database has gone away meanwhile.

        In one transaction with what is said of it elsewhere; `dead` is an address that has no mailbox.
        """
        deadline = asyncio.get_running_loop().time() + within
        while True:
            try:
                async with db.transaction(self._pool) as conn:
                    if result == "sent":
                        await store.finish(conn, envelope.id, recipient or "")
                    else:
                        await store.refuse(conn, envelope.id, reason or result)
                    if dead is not None:
                        await service.suppress(conn, dead, "bounce", reason or "")
                    if event.receipt:
                        now = datetime.now(UTC)
                        receipt = MailSettled(message_id=envelope.id, result=result, reason=reason, at=now)
                        await outbox.add(conn, receipt)
                break
            except DATABASE_TROUBLE:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(SETTLE_EVERY)
        if event.receipt or dead is not None:
            self._outbox.wake()

    async def _release(self, message_id: str) -> None:
        try:
            async with db.acquire(self._pool) as conn:
                await inbox.release(conn, message_id)
        except DATABASE_TROUBLE:
            log.warning("mail.claim_kept", message_id=message_id)  # it ends by itself, with its lease


async def lift(suppressions: Suppressions, event: AddressLifted, _delivery: Delivery) -> None:
    """Let an address get mails again, as somebody who is mailed by us has asked. Idempotent."""
    log.info("address.lifted", news=await suppressions.hear_lifted(event))


def bound(mailer: Mailer, suppressions: Suppressions) -> Handlers:
    """Return the handlers of one mailer, as the bus takes them."""
    sending: Handlers = {event: partial(handler, mailer) for event, handler in MAILS_OF.items()}
    return {**sending, AddressLifted: partial(lift, suppressions)}


#: What is sent for what.
MAILS_OF: Final[Mapping[type[Event], Callable[[Mailer, Any, Delivery], Coroutine[Any, Any, None]]]] = {
    LoginCodeMail: Mailer.send,
    KeyCreatedMail: Mailer.send,
    KeyRotatedMail: Mailer.send,
    KeysRevokedMail: Mailer.send,
    KeyExpiringMail: Mailer.send,
    EmailCodeMail: Mailer.send,
    EmailChangedMail: Mailer.send,
    AccountDeletedMail: Mailer.send,
    SubmissionMail: Mailer.send,
    SubmissionsMail: Mailer.send,
    RecipientConfirmMail: Mailer.send,
    SiteTakenDownMail: Mailer.send,
    SiteReinstatedMail: Mailer.send,
    DomainSuspendedMail: Mailer.send,
    SiteReportedMail: Mailer.send,
    WebhookDisabledMail: Mailer.send,
}
#: All that is heard.
HANDLERS: Final[frozenset[type[Event]]] = frozenset({*MAILS_OF, AddressLifted})
