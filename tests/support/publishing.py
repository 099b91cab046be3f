"""Sites of many files in tests: named by digest, sent, looked at; and what the tables and the store have of them."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import obstore
import pytest

from services.deploy.blobs import Blobs
from services.deploy.changed import open_changes
from services.deploy.live import LiveSites
from services.deploy.service.telling import Telling
from services.deploy.service.upkeep import Upkeep
from shared import db, outbox
from tests.support.client import Answer
from tests.support.deploying import Deploy
from tests.support.fake_bus import FakeBus

#: For tests and modules: once with a directory, and once with a bucket.
BOTH_STORES = pytest.mark.parametrize("store", ["directory", "bucket"], indirect=True)


def digest(data: bytes) -> str:
    """Return the name of some bytes."""
    return hashlib.sha256(data).hexdigest()


def named(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Name files without their bytes."""
    return [{"path": path, "sha256": digest(data), "size": len(data)} for path, data in files.items()]


def inline(files: Mapping[str, str]) -> list[dict[str, str]]:
    """Give files with their text."""
    return [{"path": path, "content": text} for path, text in files.items()]


async def put(deploy: Deploy, key: str, site: str, data: bytes, *, at: str | None = None) -> Answer:
    """Send a file's bytes, under their own digest unless another is given."""
    return await deploy.call("PUT", f"/deploy/{site}/blobs/{at or digest(data)}", key=key, data=io.BytesIO(data))


async def put_all(deploy: Deploy, key: str, made: Mapping[str, Any], files: Mapping[str, bytes]) -> int:
    """Send what a deploy said to be missing, sixteen at once; return how many files that were."""
    by_digest = {digest(data): data for data in files.values()}
    waiting = list(made["missing"])

    async def sender() -> None:
        while waiting:
            answer = await put(deploy, key, made["id"], by_digest[waiting.pop()])
            assert answer.status == 200, answer.text

    await asyncio.gather(*(sender() for _ in range(16)))
    return len(made["missing"])


async def go_live(deploy: Deploy, key: str, site: str, version: int, **given: Any) -> Answer:
    """Ask for a version to be live."""
    return await deploy.call("POST", f"/deploy/{site}/publish", key=key, json={"version": version, **given})


async def replace(deploy: Deploy, key: str, site: str, **body: Any) -> Answer:
    """Deploy a new version."""
    return await deploy.call("PUT", f"/deploy/{site}", key=key, json=body)


async def edit(deploy: Deploy, key: str, site: str, *edits: tuple[str, str, str], **given: Any) -> Answer:
    """Change the live version a little: path, what to find, what to put there."""
    listed = [{"path": path, "find": find, "replace": new} for path, find, new in edits]
    return await deploy.call("PATCH", f"/deploy/{site}", key=key, json={"edits": listed, **given})


async def change(deploy: Deploy, key: str, site: str, **settings: Any) -> Answer:
    """Change settings."""
    return await deploy.call("PATCH", f"/deploy/{site}/settings", key=key, json=settings)


@asynccontextmanager
async def tables(deploy: Deploy) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection to deploy's tables."""
    conn = await asyncpg.connect(deploy.database_url, server_settings={"search_path": "deploy"})
    try:
        yield conn
    finally:
        await conn.close()


async def fetch(deploy: Deploy, sql: str, *given: Any) -> list[asyncpg.Record]:
    """Ask deploy's tables."""
    async with tables(deploy) as conn:
        return list(await conn.fetch(sql, *given))


async def value(deploy: Deploy, sql: str, *given: Any) -> Any:
    """Ask deploy's tables for one value."""
    return (await fetch(deploy, sql, *given))[0][0]


def store_of(deploy: Deploy) -> Blobs:
    """Return the store, as another process sees it."""
    options = {name: each.get_secret_value() for name, each in deploy.config.blobs_options.items()}
    return Blobs(deploy.config.blobs_url, options)


def stored(deploy: Deploy) -> set[str]:
    """Return the names of all that the store has."""
    pages = obstore.list(store_of(deploy)._store)
    return {each["path"].rpartition("/")[2] for page in pages for each in page}


@asynccontextmanager
async def upkeep_of(deploy: Deploy) -> AsyncIterator[Upkeep]:
    """Give the jobs of another process."""
    async with (
        db.pool(deploy.database_url, "deploy", size=4) as pool,
        outbox.open_outbox(pool, FakeBus()) as messages,
        open_changes(pool, LiveSites(pool), deploy.config) as changes,
    ):
        yield Upkeep(pool, messages, store_of(deploy), Telling(changes))


async def later(deploy: Deploy, table: str, column: str, by: str) -> None:
    """Let time have passed: move a column's moments into the past."""
    await fetch(deploy, f"UPDATE {table} SET {column} = {column} - $1::text::interval", by)


async def swept(deploy: Deploy) -> int:
    """Have everything swept whose time could have come; return how many blobs went."""
    async with upkeep_of(deploy) as upkeep:
        return await sweep(deploy, upkeep)


async def sweep(deploy: Deploy, upkeep: Upkeep) -> int:
    """As `swept`, by one who is there."""
    await upkeep.expire()
    await upkeep.purge()
    await later(deploy, "blobs", "touched_at", "2 hours")
    return await upkeep.sweep_blobs()
