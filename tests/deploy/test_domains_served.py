"""Visitors at custom domains, on every replica; and what authorities ask of every host."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.deploy import challenges
from services.deploy.store import domains as store
from tests.support.deploying import Deploy, deploying
from tests.support.domain_world import DomainWorld, domain_world
from tests.support.fake_auth import TOKEN, FakeAuth


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DomainWorld]:
    async with domain_world(database_url, tmp_path, auth, monkeypatch) as running:
        yield running


@pytest.fixture
def deploy(world: DomainWorld) -> Deploy:
    return world.deploy


async def test_every_replica_serves_a_domain_from_its_proof_until_its_removal(
    world: DomainWorld, deploy: Deploy, key: str, auth: FakeAuth
) -> None:
    """No cache has to run out: everybody is told before the answer."""
    site = await deploy.publish(key, html="<title>a shop")
    async with deploying(deploy.database_url, world.home / "blobs", auth) as replica:

        async def statuses() -> list[int]:
            return [
                (await each.call("GET", "/", headers={"Host": "www.example.com"})).status for each in (deploy, replica)
            ]

        assert await statuses() == [404, 404]
        await world.proved(key, site, "www.example.com")
        assert await statuses() == [200, 200]
        page = await replica.call("GET", "/", headers={"Host": "WWW.Example.com.:8080"})
        assert b"<title>a shop" in page.raw
        await deploy.call("DELETE", f"/deploy/{site['id']}/domains/www.example.com", key=key)
        assert await statuses() == [404, 404]


async def test_every_replica_answers_every_challenge_on_every_host(
    world: DomainWorld, database_url: str, auth: FakeAuth
) -> None:
    await world.fetch("INSERT INTO acme_challenges (token, authorization_text) VALUES ('a-token', 'a-token.thumb')")
    async with deploying(database_url, world.home / "blobs", auth) as replica:
        for deploy in (world.deploy, replica):
            for host in ("nobody.example.com", "unknown.sites.localhost", "[::1]"):
                path = "/.well-known/acme-challenge/a-token"
                answer = await deploy.call("GET", path, headers={"Host": host})
                assert (answer.status, answer.text) == (200, "a-token.thumb")
                assert answer.headers["Cache-Control"] == "no-store"


async def test_r74_invented_challenges_cost_next_to_nothing(
    world: DomainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R74: whatever is asked for below the path, the table is read ten times a second at most."""
    reads: list[float] = []
    clock = asyncio.get_running_loop().time

    async def read(_conn: object) -> dict[str, str]:
        reads.append(clock())
        return {}

    monkeypatch.setattr(store, "challenges", read)
    asked = [world.visit("nobody.example.com", f"/.well-known/acme-challenge/{number}") for number in range(500)]
    assert {answer.status for answer in await asyncio.gather(*asked)} == {404}
    assert all(later - earlier >= challenges.EVERY - 0.01 for earlier, later in itertools.pairwise(reads))
    assert len(reads) < 100


async def test_a_site_that_is_taken_down_is_down_at_its_domain_too(
    world: DomainWorld, deploy: Deploy, key: str
) -> None:
    site = await deploy.publish(key)
    await world.proved(key, site, "www.example.com")
    etag = (await world.visit("www.example.com")).headers["ETag"]
    async with deploy.session.post(
        f"{deploy.internal_url}/internal/takedown",
        json={"site": "www.example.com", "reason": "no"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as answer:
        assert answer.status == 200
    assert (await world.visit("www.example.com", headers={"If-None-Match": etag})).status == 451
