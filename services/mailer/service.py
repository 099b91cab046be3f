"""Which addresses get no mails: those that bounced or complained, until somebody lifts it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from services.mailer import mails, reports, store
from services.mailer.reports import Kind, NoReport
from services.mailer.store import Suppression
from shared import db, logs, outbox
from shared.errors import Invalid, NotFound
from shared.events import AddressLifted, AddressSuppressed

log = logs.get(__name__)

#: Addresses of one list.
LISTED: Final = 1000

#: Lends a connection inside a transaction that may write messages: a running service's outbox sends them at once.
Transaction = Callable[[], AbstractAsyncContextManager[db.Connection]]


class NoAddress(Invalid):
    """What was given is no address."""

    code = "invalid_email"
    message = "This is not a valid email address"


class NotSuppressed(NotFound):
    """The address gets mails."""

    code = "not_suppressed"
    message = "This address is not suppressed"


async def suppress(conn: db.Connection, email: str, kind: Kind, detail: str) -> bool:
    """Let an address get no mails, in the caller's transaction, and say so elsewhere; false when it was so before."""
    added = await store.suppress(conn, email, kind, detail)
    if added is None:
        return False
    await outbox.add(conn, AddressSuppressed(email=added.email, reason=kind, detail=detail, at=added.at))
    log.info("address.suppressed", reason=kind, detail=detail)
    return True


class Suppressions:
    """The use cases of operators and of the programs that report bounces to them."""

    def __init__(self, pool: db.Pool, transaction: Transaction) -> None:
        self._pool = pool
        self._transaction = transaction

    async def suppress(self, address: str, kind: Kind, detail: str) -> bool:
        """Let an address get no mails; false when it was so before. Raise NoAddress. Idempotent."""
        email = canonical(address)
        async with self._transaction() as conn:
            return await suppress(conn, email, kind, detail)

    async def report(self, raw: bytes) -> tuple[str, bool]:
        """Take a mail system's report; return its kind, and whether an address gets no more mails for it.

        Raise NoReport for what is none, or is about no mail of ours. Idempotent.
        """
        found = reports.read(raw)
        async with self._transaction() as conn:
            email = await store.recipient(conn, found.message_id)
            if email is None:
                raise NoReport
            if found.final:
                await suppress(conn, email, found.kind, found.detail)
        return found.kind, found.final

    async def lift(self, address: str) -> None:
        """Let an address get mails again. Raise NoAddress, NotSuppressed."""
        email = canonical(address)
        async with self._transaction() as conn:
            if (began := await store.lift(conn, email)) is None:
                raise NotSuppressed
            await outbox.add(conn, AddressLifted(email=email, suppressed_at=began))
        log.info("address.lifted")

    async def hear_lifted(self, event: AddressLifted) -> bool:
        """Let an address get mails again, unless it was suppressed anew since. Idempotent."""
        async with db.acquire(self._pool) as conn:
            return await store.lift(conn, event.email, event.suppressed_at) is not None

    async def all(self) -> Sequence[Suppression]:
        """Return the addresses that get no mails, those of late first."""
        async with db.acquire(self._pool) as conn:
            return await store.suppressed(conn, LISTED)


def canonical(address: str) -> str:
    """Return an address as suppressions know it. Raise NoAddress."""
    if (found := mails.canonical(address)) is None:
        raise NoAddress
    return found
