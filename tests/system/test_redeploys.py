"""Redeploys under readers: three processes of deploy behind the gateway, and no broker that could help (R69)."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import fake_auth
from tests.support.fake_auth import TOKEN, FakeAuth
from tests.support.processes import Process
from tests.support.servers.nginx import Gateway, Services

REDEPLOYS = 100
PATHS = ("/", "/a.txt", "/b.txt")


@dataclass(slots=True)
class Readers:
    """Visitors who never stop, and what they saw."""

    session: aiohttp.ClientSession
    host: str
    #: The newest version that its owner was told to be live.
    live: int = 1
    count: int = 0
    #: Bodies by version.
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    faults: list[str] = field(default_factory=list)

    async def read(self, url: str, path: str) -> None:
        """Ask for a page, and note what is wrong with the answer."""
        floor = self.live
        async with self.session.get(url + path, headers={"Host": self.host}) as answer:
            body, version = await answer.text(), answer.headers.get("X-Invoker-Version", "none")
        self.count += 1
        self.seen[version].add(body)
        if answer.status != 200 or int(version) < floor:
            self.faults.append(f"{url}{path}: {answer.status}, version {version} after {floor} was answered")

    @asynccontextmanager
    async def reading(self, urls: list[str]) -> AsyncIterator[None]:
        """Read without pause while the context is open."""

        async def on(url: str) -> None:
            while True:
                for path in PATHS:
                    await self.read(url, path)
                await asyncio.sleep(0.02)

        tasks = [asyncio.create_task(on(url)) for url in urls]
        yield
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


def files(number: int) -> dict[str, Any]:
    """Return a deploy whose files say which one it is."""
    names = ("index.html", "a.txt", "b.txt")
    return {"files": [{"path": name, "content": f"redeploy {number}"} for name in names]}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three processes of deploy, and the gateway before them that they tell."""

    processes: list[Process]
    gateway: Gateway

    @property
    def urls(self) -> list[str]:
        """Where a site is found: each of the three, and the gateway."""
        return [*(one.url for one in self.processes), self.gateway.url]


@pytest.fixture
async def auth() -> AsyncIterator[FakeAuth]:
    async with fake_auth.running() as running:
        yield running


@pytest.fixture
def cluster(tmp_path: Path, database_url: str, auth: FakeAuth) -> Iterator[Cluster]:
    environment = {
        "INVOKER_DATABASE_URL": database_url,
        "INVOKER_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/",
        "INVOKER_SERVICE_TOKEN": TOKEN,
        "INVOKER_AUTH_INTERNAL_URL": auth.url,
        "INVOKER_BLOBS_URL": (tmp_path / "blobs").as_uri(),
        "INVOKER_RATE_LIMITS": "off",
    }
    processes = [Process("deploy", tmp_path, **environment) for _ in range(3)]
    services = Services(deploy=[f"127.0.0.1:{one.port}" for one in processes])
    gateway = Gateway(tmp_path / "gateway", services, token=TOKEN)
    for one in processes:
        one._environment["INVOKER_GATEWAY_URLS"] = gateway.bump_url
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Process.start, processes))
        gateway.start()
        yield Cluster(processes, gateway)
    finally:
        gateway.stop()
        for one in processes:
            one.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_r69_after_a_redeploy_is_answered_nobody_gets_the_old_version(
    cluster: Cluster, session: aiohttp.ClientSession, auth: FakeAuth
) -> None:
    """R69: 100 redeploys; no 404, no 5xx, no file of another version, on any replica and through the gateway."""
    headers = {"Authorization": f"Bearer {auth.key()}"}

    async def deploy(method: str, url: str, number: int) -> dict[str, Any]:
        async with session.request(method, url, headers=headers, json=files(number)) as answer:
            assert answer.status == 200, await answer.text()
            made: dict[str, Any] = await answer.json()
            return made

    site = await deploy("POST", f"{cluster.processes[0].url}/deploy", 1)
    readers = Readers(session, f"{site['slug']}.sites.localhost:8080")
    async with readers.reading(cluster.urls * 2):
        for number in range(2, REDEPLOYS + 2):
            replica = cluster.processes[number % 3]
            await deploy("PUT", f"{replica.url}/deploy/{site['id']}", number)
            readers.live = number
            await asyncio.gather(*(readers.read(url, path) for url in cluster.urls for path in PATHS))
    assert readers.faults == []
    assert readers.seen == {str(number): {f"redeploy {number}"} for number in range(1, REDEPLOYS + 2)}
    assert readers.count > 20 * REDEPLOYS


async def test_r73_whatever_else_changes_is_so_everywhere_when_it_is_answered(
    cluster: Cluster, session: aiohttp.ClientSession, auth: FakeAuth
) -> None:
    """R73: takedown, for conditional requests too; a password, and deletion, at once as well."""
    first, key = cluster.processes[0], {"Authorization": f"Bearer {auth.key()}"}

    async def call(method: str, url: str, headers: dict[str, str] = key, **given: Any) -> dict[str, Any]:
        async with session.request(method, url, headers=headers, **given) as answer:
            assert answer.status == 200, await answer.text()
            made: dict[str, Any] = await answer.json()
            return made

    site = await call("POST", f"{first.url}/deploy", json=files(1))

    async def seen() -> set[int]:
        """Return the statuses that visitors get who have the page already."""
        statuses = set()
        for name in (site["slug"], f"{site['slug']}--v1"):
            headers = {"Host": f"{name}.sites.localhost:8080", "If-None-Match": "*"}
            for url in cluster.urls * 2:
                async with session.get(f"{url}/a.txt", headers=headers) as answer:
                    statuses.add(answer.status)
        return statuses

    token, named = {"Authorization": f"Bearer {TOKEN}"}, {"site": site["slug"], "reason": "phishing"}
    url = f"{first.url}/deploy/{site['id']}"
    assert await seen() == {304}
    await call("POST", f"{first.internal_url}/internal/takedown", token, json=named)
    assert await seen() == {451}
    await call("POST", f"{first.internal_url}/internal/reinstate", token, json=named)
    assert await seen() == {304}
    await call("PATCH", f"{url}/settings", json={"password": "a long password"})
    assert await seen() == {401}
    await call("PATCH", f"{url}/settings", json={"password": None})
    assert await seen() == {304}
    await call("DELETE", url)
    assert await seen() == {404}
