"""What is done for webhooks now and then: their backlogs bounded, their old deliveries deleted."""

import asyncio
from typing import Final

from services.deploy.store import deliveries
from services.deploy.store import webhooks as store
from shared import db

#: Rows of one transaction.
ROWS: Final = 1000
#: Seconds between two transactions: deliveries come first.
BREATH: Final = 0.05


class WebhookUpkeep:
    """The jobs of one process."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool

    async def mark_backlogs(self) -> int:
        """Queue nothing more where too much waits, and again where it has gone down; return how many changed."""
        async with db.acquire(self._pool) as conn:
            return await store.mark_backlogs(conn)

    async def sweep(self) -> int:
        """Delete deliveries of 30 days ago; return how many."""
        done = 0
        while True:
            async with db.transaction(self._pool) as conn:
                gone = await deliveries.sweep(conn, ROWS)
            done += gone
            if not gone:
                return done
            await asyncio.sleep(BREATH)
