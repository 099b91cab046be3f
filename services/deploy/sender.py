"""The sender of webhooks: claims deliveries that are due, attempts many at once, and has the results written down.

One runs in each process. It is woken when deliveries were committed here, and else looks every second for what others
left: those of processes that died come up again when their lease ends (R80).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from prometheus_client import Counter, Histogram

from services.deploy import attempts
from services.deploy.config import Config
from services.deploy.deliveries import Attempt, Due
from services.deploy.rooms import TOTAL, Rooms
from services.deploy.settling import Settling
from services.deploy.store import deliveries
from shared import db, logs, outbound, outbox
from shared.errors import Unavailable
from shared.outbound import Outbound
from shared.resolver import Resolver
from shared.waking import Waking

log = logs.get(__name__)

#: Seconds between looks while nothing wakes it.
POLL: Final = 1.0
#: Seconds between two claims, so that what ends together is followed together.
BREATH: Final = 0.005
#: Seconds that attempts get to end when the process does; the lease brings back the others.
CLOSE_TIMEOUT: Final = 5.0

DELIVERIES: Final = Counter(
    "invoker_webhook_attempts", "Attempts of webhooks and what became of them", ["type", "result"]
)
LATENCY: Final = Histogram(
    "invoker_webhook_attempt_seconds",
    "From the beginning of an attempt to the end of its answer",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15),
)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Sender:
    """Sends the deliveries of one process."""

    def __init__(
        self, pool: db.Pool, messages: outbox.Outbox, client: Outbound, config: Config, *, clock: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._client = client
        self._config = config
        self._clock = clock
        self._settling = Settling(pool, messages, config)
        self._rooms = Rooms()
        self._under_way: set[asyncio.Task[None]] = set()
        self._waking = Waking()

    def wake(self) -> None:
        """Look for deliveries now."""
        self._waking.wake()

    async def run(self) -> None:
        """Send until stopped."""
        while not self._waking.stopping:
            self._waking.look()
            try:
                claimed = await self._claim()
            except Unavailable:
                claimed = 0
            except Exception:  # whatever a row or the database may do, the next ones are sent
                log.exception("webhook.claim_failed")
                claimed = 0
            if not claimed:
                await self._waking.idle(POLL)
            if self._under_way:
                await asyncio.sleep(BREATH)

    async def _claim(self) -> int:
        """Begin to attempt what is due and has room; return how many those are. Raise Unavailable."""
        room, now = self._rooms.left(), self._clock()
        if room.total <= 0:
            return 0
        async with db.acquire(self._pool) as conn:
            if not await deliveries.anything_due(conn, now):
                return 0
            claimed = await deliveries.claim(conn, room, now)
        for due in claimed:
            self._rooms.begin(due.webhook_id)
            task = asyncio.create_task(self._deliver(due), name=f"webhook {due.id}")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed)

    async def _deliver(self, due: Due) -> None:
        delivered = False
        try:
            attempt = await attempts.make(due, self._client, self._config, self._clock())
            delivered = attempt.delivered
            _tell(attempt)
            await self._settling.add(attempt)
        finally:
            self._rooms.end(due.webhook_id, delivered=delivered)
            self.wake()

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Claim no more, and give what is under way some seconds; `running` is this sender's `run`."""
        self._waking.stop()
        # a claim may be under way, whose deliveries are begun yet
        await asyncio.wait([running])
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSE_TIMEOUT)
        for task in (left := set(self._under_way)):
            task.cancel()
        if left:
            await asyncio.wait(left)


def _tell(attempt: Attempt) -> None:
    due, result = attempt.due, {"pending": "retried"}.get(attempt.state, attempt.state)
    DELIVERIES.labels(due.type, result).inc()
    LATENCY.observe(attempt.latency_ms / 1000)
    log.info(
        "webhook",
        result=result,
        status=attempt.status,
        ms=round(attempt.latency_ms, 1),
        attempt=due.attempts + 1,
        delivery=due.id,
        webhook=due.webhook_id,
        error=attempt.error,
    )


@asynccontextmanager
async def opened(pool: db.Pool, messages: outbox.Outbox, config: Config) -> AsyncIterator[Sender]:
    """Run the sender while the context is open."""
    # names of one's own network may be in a hosts file alone
    own_names = config.webhook_allow_private and not config.dns_servers
    async with outbound.opened(
        user_agent="Invoker-Webhooks/1",
        allow_private=config.webhook_allow_private,
        resolver=None if own_names else Resolver(config.dns_servers),
        connections=TOTAL,
        connect_timeout=attempts.CONNECT_TIMEOUT,
    ) as client:
        sender = Sender(pool, messages, client, config, clock=utc_now)
        running = asyncio.create_task(sender.run(), name="webhook sender")
        try:
            yield sender
        finally:
            await sender.stop(running)
