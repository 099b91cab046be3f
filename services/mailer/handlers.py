"""From a message on the bus to a mail that was sent once: claim, build, hand over, write down."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import asyncpg
from prometheus_client import Counter, Histogram

from services.mailer import mails, smtp, store
from services.mailer.config import Sender
from shared import db, inbox, logs
from shared.bus import Delivery, Handlers, Retry
from shared.errors import Unavailable
from shared.events import (
    AccountDeletedMail,
    DomainSuspendedMail,
    EmailChangedMail,
    EmailCodeMail,
    Event,
    KeyCreatedMail,
    KeyExpiringMail,
    KeyRotatedMail,
    KeysRevokedMail,
    LoginCodeMail,
    SiteReinstatedMail,
    SiteReportedMail,
    SiteTakenDownMail,
    SubmissionMail,
    WebhookDisabledMail,
)
from shared.inbox import Claim

log = logs.get(__name__)

#: Seconds that a claim holds: longer than the SMTP deadline, so that nobody takes over a mail that is being sent, and
#: over before the bus's second retry (5 s + 30 s), so that a crashed mailer's mails go out then.
LEASE: Final = 34.0
#: Seconds for which writing down what became of a mail is tried; forgetting it would send the mail again.
SETTLE_FOR: Final = 60.0
SETTLE_EVERY: Final = 0.5

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

    def __init__(self, pool: db.Pool, transport: smtp.Transport, sender: Sender, *, lease: float = LEASE) -> None:
        self._pool = pool
        self._transport = transport
        self._sender = sender
        self._lease = lease

    async def send(self, event: Event, delivery: Delivery) -> None:
        """Send the mail of a message, unless it was sent, refused or has expired. Idempotent by message id.

        Raise Retry when it may go well later.
        """
        started = time.perf_counter()
        try:
            result, facts = await self._send(event, delivery)
        except (smtp.Undelivered, *DATABASE_TROUBLE) as error:
            MAILS.labels(event.type, "retried").inc()
            log.warning("mail.delayed", mail=event.type, message_id=delivery.envelope.id, reason=str(error))
            raise Retry(str(error)) from error
        MAILS.labels(event.type, result).inc()
        ms = round((time.perf_counter() - started) * 1000, 1)
        log.info("mail", mail=event.type, result=result, message_id=delivery.envelope.id, ms=ms, **facts)

    async def _send(self, event: Event, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        """Return what became of the mail. Raise Undelivered, DATABASE_TROUBLE, or Retry while another is at it."""
        envelope = delivery.envelope
        if envelope.expired(datetime.now(UTC)):
            return "expired", {}
        async with db.acquire(self._pool) as conn:
            claim = await inbox.claim(conn, envelope.id, self._lease)
        match claim:
            case Claim.DONE:
                return "duplicate", {}
            case Claim.BUSY:
                raise Retry("another mailer is at it, or crashed over it a moment ago")
            case Claim.WON:
                return await self._send_claimed(event, delivery)

    async def _send_claimed(self, event: Event, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        envelope = delivery.envelope
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
            await self._settle(partial(store.refuse, message_id=envelope.id, reason=str(error)))
            return "refused", {"reason": str(error)}
        except Exception:
            await self._release(envelope.id)
            raise
        if not sent:
            await self._release(envelope.id)
            return "expired", {}
        DELAY.observe((datetime.now(UTC) - envelope.at).total_seconds())
        await self._settle(partial(inbox.finish, message_id=envelope.id))
        return "sent", {}

    async def _settle(self, write: Callable[[db.Connection], Coroutine[Any, Any, None]]) -> None:
        """Write down what became of a mail, and do not give up when the database has gone away meanwhile."""
        deadline = asyncio.get_running_loop().time() + SETTLE_FOR
        while True:
            try:
                async with db.acquire(self._pool) as conn:
                    return await write(conn)
            except DATABASE_TROUBLE:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(SETTLE_EVERY)

    async def _release(self, message_id: str) -> None:
        try:
            async with db.acquire(self._pool) as conn:
                await inbox.release(conn, message_id)
        except DATABASE_TROUBLE:
            log.warning("mail.claim_kept", message_id=message_id)  # it ends by itself, with its lease


def bound(mailer: Mailer) -> Handlers:
    """Return the handlers of one mailer, as the bus takes them."""
    return {event: partial(handler, mailer) for event, handler in HANDLERS.items()}


#: Who hears what.
HANDLERS: Final[Mapping[type[Event], Callable[[Mailer, Any, Delivery], Coroutine[Any, Any, None]]]] = {
    LoginCodeMail: Mailer.send,
    KeyCreatedMail: Mailer.send,
    KeyRotatedMail: Mailer.send,
    KeysRevokedMail: Mailer.send,
    KeyExpiringMail: Mailer.send,
    EmailCodeMail: Mailer.send,
    EmailChangedMail: Mailer.send,
    AccountDeletedMail: Mailer.send,
    SubmissionMail: Mailer.send,
    SiteTakenDownMail: Mailer.send,
    SiteReinstatedMail: Mailer.send,
    DomainSuspendedMail: Mailer.send,
    SiteReportedMail: Mailer.send,
    WebhookDisabledMail: Mailer.send,
}
