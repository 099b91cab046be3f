"""May this code be mailed? Asked by logins and changes of address, answered for a mailbox and for all of them."""

import time
from typing import Final

from prometheus_client import Counter, Gauge

from services.auth.store import mailboxes as store
from shared import db
from shared.errors import RateLimited
from shared.logs import get

log = get(__name__)

#: Seconds for which a process believes its last count of all mails; it adds its own.
FRESH: Final = 5.0
#: The part of the cap that is worth a word, and seconds between two such words.
NEAR: Final = 0.8
NEAR_EVERY: Final = 3600.0
REACHED_EVERY: Final = 60.0

MAILS: Final = Counter("invoker_code_mails", "Mails with a code: sent, or why not", ["result"])
CAP: Final = Gauge("invoker_code_mails_cap_used", "Part of the hourly cap of mails with codes that the last hour used")


class CodeMails:
    """Counts mails with codes; one per process. What it counts is in the database and holds for all replicas."""

    def __init__(self, *, per_hour: int, enabled: bool) -> None:
        self._per_hour, self._enabled = per_hour, enabled
        self._mails, self._wait = 0, 0.0
        self._counted_at = float("-inf")
        self._said: dict[str, float] = {}

    async def take(self, conn: db.Connection, *mailboxes: str) -> None:
        """Count a mail to each mailbox in the caller's transaction, which locks them. Raise RateLimited."""
        wait = await store.wait(conn, *mailboxes)
        if self._enabled:
            if wait:
                MAILS.labels("mailbox_limited").inc()
                raise RateLimited(
                    hint="This address was sent as many codes as it may get for now.", retry_after=wait.total_seconds()
                )
            await self._keep_cap(conn, len(mailboxes))
        for mailbox in mailboxes:
            await store.count(conn, mailbox)
        MAILS.labels("sent").inc(len(mailboxes))

    async def _keep_cap(self, conn: db.Connection, more: int) -> None:
        now = time.monotonic()
        if now - self._counted_at >= FRESH:
            mails, wait = await store.last_hour(conn, self._per_hour)
            self._mails, self._wait, self._counted_at = mails, wait.total_seconds(), now
        full = self._mails + more > self._per_hour
        if not full:
            # also when the transaction fails after this: the next count knows better
            self._mails += more
        CAP.set(self._mails / self._per_hour)
        if full:
            MAILS.labels("capped").inc()
            if self._may_say("reached", REACHED_EVERY):
                log.error("login.mail_cap_reached", mails_per_hour=self._per_hour)
            raise RateLimited(
                hint="More codes were asked for in the last hour than are sent in one. Keys work as ever.",
                retry_after=max(FRESH, self._wait),
            )
        if self._mails >= NEAR * self._per_hour and self._may_say("near", NEAR_EVERY):
            log.warning("login.mail_cap_near", mails=self._mails, mails_per_hour=self._per_hour)

    def _may_say(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now - self._said.get(what, float("-inf")) < every:
            return False
        self._said[what] = now
        return True
