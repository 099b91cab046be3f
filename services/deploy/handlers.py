"""What deploy hears of accounts (another address or plan, an end, a return) and of mails, and tells a CDN again."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final

from services.deploy import owners
from services.deploy.changed import Changes
from services.deploy.store import notices, recipients
from shared import db, logs
from shared.bus import Delivery, Handlers
from shared.events import (
    AccountChanged,
    AccountDeleted,
    AddressLifted,
    AddressSuppressed,
    Event,
    MailSettled,
    SiteChanged,
)

log = logs.get(__name__)

#: Name of the durable queue.
QUEUE: Final = "deploy"


async def change(pool: db.Pool, event: AccountChanged, _delivery: Delivery) -> None:
    """Note an account's address and plan, and that its sites stay. Idempotent, in any order: by revision."""
    async with db.acquire(pool) as conn:
        news = await owners.change(conn, event)
    log.info("account.changed", account=event.account_id, revision=event.revision, news=news)


async def end(pool: db.Pool, event: AccountDeleted, _delivery: Delivery) -> None:
    """Note when an account's sites go. Idempotent, in any order: by revision."""
    async with db.acquire(pool) as conn:
        news = await owners.end(conn, event)
    log.info("account.ending", account=event.account_id, revision=event.revision, news=news)


async def settle(pool: db.Pool, event: MailSettled, _delivery: Delivery) -> None:
    """Note what became of a mail about submissions. Idempotent."""
    async with db.acquire(pool) as conn:
        news = await notices.settle(conn, event)
    log.info("mail.settled", message_id=event.message_id, result=event.result, news=news)


async def suppress(pool: db.Pool, event: AddressSuppressed, _delivery: Delivery) -> None:
    """Note that an address gets no mails. Idempotent, in any order: the later suppression stands."""
    async with db.acquire(pool) as conn:
        news = await recipients.suppress(conn, event)
    log.info("address.suppressed", reason=event.reason, news=news)


async def lift(pool: db.Pool, event: AddressLifted, _delivery: Delivery) -> None:
    """Note that an address gets mails again. Idempotent, in any order: as `suppress`."""
    async with db.acquire(pool) as conn:
        news = await recipients.hear_lifted(conn, event)
    log.info("address.lifted", news=news)


def bound(pool: db.Pool, changes: Changes) -> Handlers:
    """Return the handlers of one process, as the bus takes them; those that tell a CDN only where there is one."""
    again: Handlers = {SiteChanged: changes.tell_cdn_again} if changes.cdn.is_there else {}
    return {event: partial(handler, pool) for event, handler in HANDLERS.items()} | dict(again)


#: Who hears what.
HANDLERS: Final[Mapping[type[Event], Callable[[db.Pool, Any, Delivery], Coroutine[Any, Any, None]]]] = {
    AccountChanged: change,
    AccountDeleted: end,
    MailSettled: settle,
    AddressSuppressed: suppress,
    AddressLifted: lift,
}
