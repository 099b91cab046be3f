"""Wire the mailer: what it opens, in which order, and what it serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.mailer import handlers, internal, smtp
from services.mailer.config import Config
from services.mailer.service import Suppressions
from shared import db, inbox, logs, outbox, server
from shared.bus import Bus
from shared.errors import Unavailable

log = logs.get(__name__)

#: Name of the durable queue.
QUEUE: Final = "mailer"
#: Mails in work at a time, and so the most connections to the SMTP server (R8).
PREFETCH: Final = 16
#: Seconds between two prunings of the inbox.
PRUNE_EVERY: Final = 6 * 3600.0


@asynccontextmanager
async def open_service(
    config: Config, bus: Bus, *, deadline: float = smtp.DEADLINE, lease: float = handlers.LEASE
) -> AsyncIterator[server.Service]:
    """Open the mailer; it sends while the context is open, and at the end finishes the mails in work."""
    if lease <= deadline:
        raise ValueError("a claim must outlive the SMTP transaction that it covers")
    sender = config.sender
    async with (
        db.pool(config.database_url.get_secret_value(), "mailer", size=config.database_pool_size) as pool,
        smtp.transport(config.smtp_server, greeting=sender.domain, deadline=deadline) as transport,
        outbox.open_outbox(pool, bus) as messages,
    ):
        await db.check_schema(pool, "mailer")

        async def ready() -> None:
            await db.ping(pool)
            if not bus.healthy():
                raise Unavailable("The bus is away")

        mailer = handlers.Mailer(pool, messages, transport, sender, lease=lease)
        suppressions = Suppressions(pool, messages.transaction)
        private = server.internal_app(config, ready)
        private[internal.SUPPRESSIONS] = suppressions
        private.add_routes(internal.routes)
        async with (
            server.serving(private) as internal_server,
            _pruning(pool),
            bus.consume(QUEUE, handlers.bound(mailer, suppressions), prefetch=PREFETCH),
        ):
            yield server.Service(name="mailer", public=None, internal=internal_server, ready=ready)


@asynccontextmanager
async def _pruning(pool: db.Pool) -> AsyncIterator[None]:
    """Forget old messages now and then."""

    async def prune() -> None:
        while True:
            try:
                async with db.acquire(pool) as conn:
                    await inbox.prune(conn)
            except Unavailable:
                log.warning("inbox.not_pruned")
            await asyncio.sleep(PRUNE_EVERY)

    task = asyncio.create_task(prune())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
