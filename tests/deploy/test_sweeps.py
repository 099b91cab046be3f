"""The byte store: what is named, on its way, or about to be named stays; what is nobody's goes; each byte lies once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.deploy.blobs import Blobs
from services.deploy.store import blobs as rows
from shared.errors import Unavailable
from tests.support.deploying import Deploy
from tests.support.publishing import (
    BOTH_STORES,
    digest,
    fetch,
    go_live,
    inline,
    later,
    named,
    put,
    replace,
    store_of,
    stored,
    swept,
    upkeep_of,
    value,
)

#: Long enough for its variants.
TEXT = "the same words again and again\n" * 40
BYTES = TEXT.encode()
ALL = {digest(BYTES), digest(BYTES) + ".br", digest(BYTES) + ".gz"}


@pytest.fixture
async def conns(deploy: Deploy) -> AsyncIterator[list[asyncpg.Connection]]:
    """Give two connections to play races with."""
    opened = [await asyncpg.connect(deploy.database_url, server_settings={"search_path": "deploy"}) for _ in range(2)]
    yield opened
    for each in opened:
        await each.close()


async def orphaned(deploy: Deploy, key: str, **files: str) -> None:
    """Leave bytes that are nobody's, and for long enough."""
    site = await deploy.publish(key, files=inline(files or {"a.txt": TEXT}))
    await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
    await later(deploy, "deployments", "deleted_at", "8 days")
    async with upkeep_of(deploy) as upkeep:
        await upkeep.purge()
    await later(deploy, "blobs", "touched_at", "2 hours")


@BOTH_STORES
async def test_bytes_of_nobody_go_with_their_variants(deploy: Deploy, key: str) -> None:
    await orphaned(deploy, key)
    assert stored(deploy) == ALL
    assert await swept(deploy) == 1
    assert stored(deploy) == set()
    assert await value(deploy, "SELECT count(*) FROM blobs") == 0


async def test_what_a_failed_deploy_stored_goes_after_an_hour(
    deploy: Deploy, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise asyncpg.CannotConnectNowError

    with monkeypatch.context() as patch:
        patch.setattr(rows, "add_refs", breaks)
        answer = await deploy.call("POST", "/deploy", key=key, json={"files": inline({"a.txt": TEXT})})
        assert answer.status == 503
    assert stored(deploy) == ALL
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.sweep_blobs() == 0, "whoever stored it may be about to name it"
    assert await swept(deploy) == 1
    assert stored(deploy) == set()


async def test_what_is_named_stays_however_old(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=inline({"a.txt": TEXT}))
    await replace(deploy, key, site["id"], html="two")
    assert await swept(deploy) == 0
    assert stored(deploy) > ALL
    await go_live(deploy, key, site["id"], 1)
    assert (await deploy.site(site["slug"], "/a.txt")).text == TEXT


async def test_bytes_go_with_the_last_site_that_has_them(deploy: Deploy, key: str) -> None:
    kept = await deploy.publish(deploy.key(), files=inline({"b.txt": TEXT}))
    await orphaned(deploy, key)
    assert await swept(deploy) == 0
    assert (await deploy.site(kept["slug"], "/b.txt")).text == TEXT
    await fetch(deploy, "UPDATE deployments SET deleted_at = now() - interval '8 days'")
    assert await swept(deploy) == 1


@BOTH_STORES
async def test_an_upload_that_waits_for_the_rest_is_not_swept(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=named({"a.txt": BYTES, "b.txt": b"b"}))
    await put(deploy, key, site["id"], BYTES)
    assert await swept(deploy) == 0
    await put(deploy, key, site["id"], b"b")
    assert (await go_live(deploy, key, site["id"], 1)).status == 200
    assert (await deploy.site(site["slug"], "/a.txt")).text == TEXT


# Races, with the sweep's two steps by hand


async def test_whoever_needs_bytes_between_the_steps_keeps_them(
    deploy: Deploy, key: str, conns: list[asyncpg.Connection]
) -> None:
    await orphaned(deploy, key)
    assert await rows.find_free(conns[0], 10) == (1, [digest(BYTES)])
    site = await deploy.publish(key, files=inline({"a.txt": TEXT}))
    assert await rows.drop(conns[0], [digest(BYTES)]) == []
    assert await swept(deploy) == 0
    assert stored(deploy) == ALL
    assert (await deploy.site(site["slug"], "/a.txt")).text == TEXT


@BOTH_STORES
async def test_whoever_needs_bytes_while_they_go_stores_them_anew(
    deploy: Deploy, key: str, conns: list[asyncpg.Connection]
) -> None:
    await orphaned(deploy, key)
    _, free = await rows.find_free(conns[0], 10)
    sweeping = conns[0].transaction()
    await sweeping.start()
    assert await rows.drop(conns[0], free) == free
    publishing = asyncio.create_task(deploy.publish(key, files=inline({"a.txt": TEXT})))
    await asyncio.sleep(0.2)
    assert not publishing.done(), "it waits"
    await store_of(deploy).delete(ALL)
    await sweeping.commit()
    site = await publishing
    assert stored(deploy) == ALL
    assert (await deploy.site(site["slug"], "/a.txt")).text == TEXT


@BOTH_STORES
@pytest.mark.parametrize("way", ["inline", "apart"])
async def test_a_sweep_that_died_after_deleting_costs_nobody_anything(
    deploy: Deploy, key: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    await orphaned(deploy, key)
    delete = Blobs.delete

    async def dies(self: Blobs, names: Any) -> None:
        await delete(self, names)
        raise asyncpg.AdminShutdownError

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "delete", dies)
        async with upkeep_of(deploy) as upkeep:
            with pytest.raises(Unavailable):
                await upkeep.sweep_blobs()
    assert (stored(deploy), await value(deploy, "SELECT count(*) FROM blobs")) == (set(), 1)
    files = inline({"a.txt": TEXT}) if way == "inline" else named({"a.txt": BYTES})
    site = await deploy.publish(key, files=files)
    if way == "apart":
        await put(deploy, key, site["id"], BYTES)
        await go_live(deploy, key, site["id"], 1)
    for coding in ("br", "gzip", "identity"):
        page = await deploy.site(site["slug"], "/a.txt", headers={"Accept-Encoding": coding})
        assert (page.status, page.text) == (200, TEXT), coding
    assert stored(deploy) == ALL


async def test_a_sweep_finds_what_one_that_died_left(deploy: Deploy, key: str, conns: list[asyncpg.Connection]) -> None:
    await orphaned(deploy, key)
    await rows.find_free(conns[0], 10)
    assert await swept(deploy) == 1
    assert stored(deploy) == set()


async def test_a_site_that_lets_go_while_the_sweep_looks_is_looked_at_again(
    deploy: Deploy, key: str, conns: list[asyncpg.Connection]
) -> None:
    await deploy.publish(key, files=inline({"a.txt": TEXT}))
    await later(deploy, "blobs", "touched_at", "2 hours")
    site = await value(deploy, "SELECT id FROM deployments")
    looking = conns[0].transaction()
    await looking.start()
    assert await rows.find_free(conns[0], 10) == (1, [])
    letting_go = asyncio.create_task(rows.drop_refs(conns[1], site, 10))
    await asyncio.sleep(0.1)
    assert not letting_go.done(), "it waits, and has the last word"
    await looking.commit()
    assert await letting_go == 1
    assert await rows.find_free(conns[0], 10) == (1, [digest(BYTES)])


async def test_deploys_of_the_same_files_at_once_do_not_wait_for_each_other_for_ever(deploy: Deploy) -> None:
    texts = [f"{number} " * 400 for number in range(40)]
    files = {f"{number:02}.txt": text for number, text in enumerate(texts)}
    keys = [deploy.key() for _ in range(6)]
    orders = [files if number % 2 else dict(reversed(files.items())) for number in range(6)]
    sites = await asyncio.gather(
        *(deploy.publish(key, files=inline(order)) for key, order in zip(keys, orders, strict=True))
    )
    assert len({site["slug"] for site in sites}) == 6
    assert len(stored(deploy)) == 120
    for key, site in zip(keys[:3], sites, strict=False):
        await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
    await later(deploy, "deployments", "deleted_at", "8 days")
    async with upkeep_of(deploy) as upkeep, upkeep_of(deploy) as other:
        await asyncio.gather(
            upkeep.purge(), other.purge(), *(replace(deploy, key, site["id"], files=inline(order))
                                             for key, site, order in zip(keys[3:], sites[3:], orders, strict=False))
        )  # fmt: skip
    assert await swept(deploy) == 0
    assert (await deploy.site(sites[5]["slug"], "/39.txt")).text == texts[39]
