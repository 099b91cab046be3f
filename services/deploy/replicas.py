"""The SQL of deploy's processes, and how they find each other: each keeps a row with where its internal port is."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from services.deploy.config import Config
from shared import db, ids, logs
from shared.db import Connection
from shared.errors import Unavailable

log = logs.get(__name__)

#: Seconds between two signs of life, and after which a replica without one is told nothing: its cache has run out.
EVERY: Final = 2.0
STALE: Final = "interval '10 seconds'"
#: When nobody asks about a silent one any more.
GONE: Final = "interval '1 minute'"


async def beat(conn: Connection, replica_id: str, url: str) -> None:
    """Note that a replica runs, and forget those that have long been silent. Idempotent."""
    await conn.execute(
        f"WITH gone AS (DELETE FROM replicas WHERE seen_at < now() - {GONE} AND id <> $1)"
        " INSERT INTO replicas (id, url) VALUES ($1, $2)"
        " ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen_at = now()",
        replica_id, url,
    )  # fmt: skip


async def others(conn: Connection, replica_id: str) -> list[str]:
    """Return where every other running replica is told of changes."""
    rows = await conn.fetch(f"SELECT url FROM replicas WHERE id <> $1 AND seen_at > now() - {STALE}", replica_id)
    return [row["url"] for row in rows]


async def leave(conn: Connection, replica_id: str) -> None:
    """Note that a replica has stopped. Idempotent."""
    await conn.execute("DELETE FROM replicas WHERE id = $1", replica_id)


def advertised(config: Config) -> str:
    """Return where other replicas find this one's internal port.

    One that listens everywhere is found at its host name's address, as containers are.
    """
    if config.internal_advertise_url:
        return config.internal_advertise_url
    host = config.internal_host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = socket.gethostbyname(socket.gethostname())
    return f"http://[{host}]:{config.internal_port}" if ":" in host else f"http://{host}:{config.internal_port}"


class Replicas:
    """This process among its kind."""

    def __init__(self, pool: db.Pool, url: str) -> None:
        self._pool, self._url = pool, url
        self._id = ids.new_id("rep")
        self._last: list[str] = []

    async def others(self) -> list[str]:
        """Return where the others are; those last known when the database cannot say."""
        try:
            async with db.acquire(self._pool) as conn:
                self._last = await others(conn, self._id)
        except Unavailable:
            log.warning("replicas.unknown", last_known=len(self._last))
        return self._last

    async def beat(self) -> None:
        """Give one sign of life. Raise Unavailable."""
        async with db.acquire(self._pool) as conn:
            await beat(conn, self._id, self._url)

    async def run(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.beat()
            except Unavailable:
                log.warning("replicas.silent")
            except Exception:  # silence would leave this process untold from then on
                log.exception("replicas.failed")

    async def leave(self) -> None:
        """Be told nothing any more."""
        with suppress(Unavailable):
            async with db.acquire(self._pool) as conn:
                await leave(conn, self._id)


@asynccontextmanager
async def joined(pool: db.Pool, config: Config) -> AsyncIterator[Replicas]:
    """Be one of the replicas while the context is open: before the first request, and until after the last."""
    replicas = Replicas(pool, advertised(config))
    await replicas.beat()
    beating = asyncio.create_task(replicas.run(), name="replica")
    try:
        yield replicas
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        await replicas.leave()
