"""Telling everyone that a site changed: replicas, gateways, a CDN; and what it costs when somebody does not answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.deploy import replicas
from services.deploy.changed import Changed, Changes, open_changes
from services.deploy.config import Config
from shared import db
from shared.bus import Delivery, Retry
from shared.errors import Unavailable
from shared.events import Envelope, SiteChanged
from tests.support.deploying import deploying, settings
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN, FakeAuth
from tests.support.hearing import Ear, listening
from tests.support.timing import once_within, seconds

SITE = Changed(id="dep_0123456789abcdef", slug="shop", domains=("shop.example",))
BEARER = f"Bearer {TOKEN}"
#: Nobody listens there.
NOWHERE = "http://127.0.0.1:1"


class Dropped:
    """As much of the cache of sites as is told."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def drop(self, *names: str) -> None:
        self.names += names


Opened = Callable[..., AbstractAsyncContextManager[Changes]]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[db.Pool]:
    async with db.pool(database_url, "deploy", size=4) as opened:
        yield opened


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Callable[..., Config]:
    return partial(settings, database_url, tmp_path, NOWHERE)


@pytest.fixture
def opened(pool: db.Pool, config: Callable[..., Config]) -> Opened:
    """Give what opens a process's part in telling."""

    @asynccontextmanager
    async def opening(url: str = NOWHERE, **given: Any) -> AsyncIterator[Changes]:
        async with open_changes(pool, Dropped(), config(internal_advertise_url=url, **given)) as changes:  # type: ignore[arg-type]
            yield changes

    return opening


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    async with listening() as one:
        yield one


async def test_own_cache_forgets_every_name_of_the_site(pool: db.Pool, config: Callable[..., Config]) -> None:
    live = Dropped()
    async with open_changes(pool, live, config(internal_advertise_url=NOWHERE)) as changes:  # type: ignore[arg-type]
        await changes.tell([SITE])
    assert live.names == ["shop", "dep_0123456789abcdef", "shop.example"]


async def test_every_other_replica_is_told_before_the_answer(opened: Opened, ear: Ear) -> None:
    """R69."""
    async with listening() as third, opened() as ours, opened(ear.url), opened(third.url):
        await ours.tell([SITE])
        told = {"sites": [{"id": SITE.id, "slug": "shop", "domains": ["shop.example"]}]}
        assert ear.heard == third.heard == [("/internal/sites/changed", BEARER, told)]


async def test_replica_that_stopped_is_not_told(opened: Opened, ear: Ear) -> None:
    async with opened() as ours:
        async with opened(ear.url):
            pass
        await ours.tell([SITE])
    assert ear.heard == []


async def test_replica_without_a_sign_of_life_is_not_told(pool: db.Pool, opened: Opened, ear: Ear) -> None:
    async with opened() as ours, opened(ear.url):
        await pool.execute("UPDATE replicas SET seen_at = now() - interval '11 s'")
        await ours.tell([SITE])
    assert ear.heard == []


async def test_replica_long_without_a_sign_of_life_is_forgotten(pool: db.Pool, opened: Opened) -> None:
    async with opened():
        await pool.execute("UPDATE replicas SET seen_at = now() - interval '61 s'")
        async with opened():
            assert await pool.fetchval("SELECT count(*) FROM replicas") == 1


async def test_replicas_keep_giving_signs_of_life(
    pool: db.Pool, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "EVERY", 0.02)
    async with opened():
        await pool.execute("DELETE FROM replicas")
        await eventually(lambda: pool.fetchval("SELECT true FROM replicas WHERE seen_at > now() - interval '1 s'"))


async def test_silent_and_dead_ones_cost_half_a_second_together(opened: Opened, ear: Ear) -> None:
    ear.silent = True
    async with listening() as well, opened() as ours, opened(ear.url), opened("http://127.0.0.1:2"), opened(well.url):

        async def tell() -> None:
            await ours.tell([SITE])

        await once_within(0.8, lambda: seconds(tell))
        assert set(map(str, well.heard)) == {str(well.heard[0])}


async def test_replicas_last_known_are_told_when_the_database_is_away(
    pool: db.Pool, opened: Opened, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as ours, opened(ear.url):
        await ours.tell([SITE])

        async def away(*_: object) -> list[str]:
            raise Unavailable

        monkeypatch.setattr(replicas, "others", away)
        await ours.tell([SITE])
        assert len(ear.heard) == 2


async def test_gateways_are_told_the_hosts_at_each_of_their_addresses(opened: Opened, ear: Ear) -> None:
    named = ear.url.replace("127.0.0.1", "localhost")
    async with opened(gateway_urls=(named, "http://gateway.invalid:1")) as ours:
        await ours.tell([SITE])
    assert ear.heard == [("/bump", BEARER, {"hosts": ["shop.sites.localhost", "shop.example"]})]


def test_gateways_are_named_with_commas(config: Callable[..., Config]) -> None:
    assert config(gateway_urls="http://a:1, http://b:2,").gateway_urls == ("http://a:1", "http://b:2")


async def test_cdn_is_told_the_hosts(opened: Opened, ear: Ear) -> None:
    async with opened(cdn_purge_url=f"{ear.url}/purge", cdn_purge_token="purge-secret") as ours:
        await ours.tell([SITE])
    assert ear.heard == [("/purge", "Bearer purge-secret", {"hosts": ["shop.sites.localhost", "shop.example"]})]


async def test_cdn_that_failed_is_told_again_by_the_bus(opened: Opened, ear: Ear) -> None:
    event = SiteChanged(deployment_id=SITE.id, slug="shop", domains=("shop.example",))
    delivery = Delivery(envelope=Envelope.of(event), attempt=1, last=False)
    ear.status = 503
    async with opened(cdn_purge_url=ear.url) as ours:
        await ours.tell([SITE])
        with pytest.raises(Retry, match="503"):
            await ours.tell_cdn_again(event, delivery)
        ear.status = 200
        await ours.tell_cdn_again(event, delivery)
    assert [body for _, _, body in ear.heard] == [{"hosts": ["shop.sites.localhost", "shop.example"]}] * 3


async def test_cdn_may_keep_live_pages_alone(database_url: str, tmp_path: Path, auth: FakeAuth) -> None:
    """It is told to forget a site's hosts; those of single versions it is not told."""
    names = ("index.html", "app.3f2a9c1b.js")
    files = {"files": [{"path": name, "content": name} for name in names]}
    async with deploying(database_url, tmp_path / "blobs", auth, cdn_max_age=600) as deploy:
        site = await deploy.publish(deploy.key(), **files)
        for path in ("/", "/app.3f2a9c1b.js"):
            assert (await deploy.site(site["slug"], path)).headers["Cache-Control"].endswith(", s-maxage=600")
            preview = await deploy.site(f"{site['slug']}--v1", path)
            assert preview.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
