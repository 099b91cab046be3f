"""What must hold while others are away, with one connection, and across `kill -9`."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest

from services.deploy import live
from shared.events import SubmissionMail, SubmissionsMail
from tests.support import proxy
from tests.support.deploying import FORM, Deploy, deploying
from tests.support.eventually import PATIENCE, eventually
from tests.support.fake_auth import FakeAuth
from tests.support.publishing import tables
from tests.support.timing import once_within, seconds


async def test_r27_a_journey_on_one_connection(database_url: str, tmp_path: Path, auth: FakeAuth) -> None:
    """R27: nothing asks for a second connection while it holds one."""
    async with deploying(database_url, tmp_path, auth, database_pool_size=1, rate_limits=False) as deploy:
        key = auth.key()

        async def journey(number: int) -> None:
            site = await deploy.publish(key)
            await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": FORM})
            assert (await deploy.site(site["slug"])).status == 200
            headers = {"Idempotency-Key": str(number)}
            for _ in range(3):
                assert (await deploy.submit(site, json={"n": number}, headers=headers)).status == 200
            assert (await deploy.submissions(key, site))["total"] == 1
            assert (await deploy.call("GET", "/deploy", key=key)).status == 200
            assert (await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)).status == 200

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(journey(number) for number in range(5)))


async def test_r49_without_auth_and_bus_visitors_notice_nothing(deploy: Deploy, key: str) -> None:
    """R49: pages and forms go on; a key seen valid works; an unknown one is 503, not 401."""
    site = await deploy.publish(key)
    await deploy.auth.stop()
    deploy.bus.away = True
    for _ in range(5):
        assert (await deploy.site(site["slug"])).status == 200
        assert (await deploy.submit(site, json={})).status == 200
    assert (await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "x"})).status == 200
    assert (await deploy.site(site["slug"])).text == "x"

    async def refused() -> None:
        answer = await deploy.call("POST", "/deploy", key=deploy.key(), json={"html": "x"})
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1

    await once_within(1.5, lambda: seconds(refused))
    await deploy.auth.start()


async def test_r82_intake_needs_the_database_alone(database_url: str, tmp_path: Path, auth: FakeAuth) -> None:
    """R82: with auth, broker and so the mailer away it answers fast; each is told once when they are back."""
    async with deploying(database_url, tmp_path, auth, rate_limits=False) as deploy:
        site = await deploy.publish(auth.key())
        await eventually(lambda: deploy.bus.published)
        await auth.stop()
        deploy.bus.away = True
        took: list[float] = []
        stored: list[str] = []

        async def visitor() -> None:
            for _ in range(50):
                began = time.monotonic()
                answer = await deploy.submit(site, json={"a": "b"})
                took.append(time.monotonic() - began)
                stored.append(answer.json["id"])

        async def nearly_all() -> float:
            took.clear()
            await asyncio.gather(*(visitor() for _ in range(4)))
            return sorted(took)[int(len(took) * 0.99)]

        await once_within(0.2, nearly_all)
        async with tables(deploy) as conn:

            async def all_told() -> bool:
                # five minutes have passed
                await conn.execute("UPDATE notice_windows SET ends_at = now()")
                return not await conn.fetchval("SELECT count(*) FROM notices WHERE mailing_id IS NULL")

            await eventually(all_told)
        deploy.bus.away = False
        await eventually(lambda: sum(counts(deploy)) >= len(stored))
        assert sum(counts(deploy)) == len(stored)
        assert len({envelope.id for envelope in deploy.bus.published}) == len(deploy.bus.published)


def counts(deploy: Deploy) -> list[int]:
    """Return of how many submissions each mail tells that went out."""
    events = [envelope.event() for envelope in deploy.bus.published]
    return [
        event.count if isinstance(event, SubmissionsMail) else 1
        for event in events
        if isinstance(event, SubmissionMail | SubmissionsMail)
    ]


async def test_without_the_database_known_sites_are_served(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH", 0.0)
    async with proxy.between(database_url) as way, deploying(way.url, tmp_path, auth) as deploy:
        key = auth.key()
        site, other = await deploy.publish(key), await deploy.publish(key)
        assert (await deploy.site(site["slug"])).status == 200
        way.blackhole()

        async def served() -> None:
            assert (await deploy.site(site["slug"])).status == 200

        for _ in range(5):
            await once_within(1.0, lambda: seconds(served))
        async with asyncio.timeout(PATIENCE):
            for answer in await asyncio.gather(deploy.site(other["slug"]), deploy.submit(other, json={})):
                assert (answer.status, "Retry-After" in answer.headers) == (503, True)
        way.heal()

        async def back() -> bool:
            return (await deploy.site(other["slug"])).status == 200

        await eventually(back)


async def test_without_the_bytes_a_page_is_503_and_then_back(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=[{"path": "a.txt", "content": "x" * 300_000}, {"path": "b", "content": "y"}])
    hidden = deploy.blobs.rename(deploy.blobs.with_name("hidden"))
    for path in ("/a.txt", "/b"):
        assert (await deploy.site(site["slug"], path)).status == 503
    hidden.rename(deploy.blobs)
    assert (await deploy.site(site["slug"], "/a.txt")).status == 200


async def test_bytes_that_changed_on_disk_are_not_served(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    for path in deploy.blobs.rglob("*"):
        if path.is_file():
            path.write_bytes(b"evil")
    assert (await deploy.site(site["slug"])).status == 503
    await deploy.publish(key, html=FORM.replace("{{SUBMIT_URL}}", f"http://localhost:8080/api/submit/{site['id']}"))
    assert (await deploy.site(site["slug"])).status == 200


async def test_a_large_file_that_is_cut_short_is_not_taken_for_whole(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=[{"path": "a.zip", "content": "x" * 600_000}])
    (path,) = (path for path in deploy.blobs.rglob("*") if path.is_file() and not path.suffix)
    path.write_bytes(b"x" * 400_000)
    with pytest.raises(aiohttp.ClientError):
        await deploy.site(site["slug"], "/a.zip")


async def test_the_same_bytes_are_stored_once(deploy: Deploy, key: str) -> None:
    for _ in range(3):
        await deploy.publish(key, html="<p>same</p>")
    assert sum(path.is_file() for path in deploy.blobs.rglob("*")) == 1
