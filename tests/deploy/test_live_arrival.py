"""Server-sent events: what arrives is told at once, once, to those who may see it, and to nobody for ever."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.deploy import feed
from services.deploy.api import events
from services.deploy.store import arrivals
from shared.credentials import digest
from tests.support import inbox
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.inbox import add, stream, url

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def test_what_arrives_is_told_at_once_as_the_lists_row(deploy: Deploy, key: str, site: Site) -> None:
    await add(deploy, site, {"n": 0})
    async with stream(deploy, site, key) as opened:
        assert opened.response.headers["Content-Type"] == "text/event-stream"
        assert opened.response.headers["Cache-Control"] == "no-store"
        assert opened.response.headers["X-Accel-Buffering"] == "no"
        started = time.monotonic()
        await deploy.submit(site, json={"n": "a\nb", "ü": 1})
        row = await opened.next()
        assert time.monotonic() - started < 0.9, "sooner than the next look"
    assert row == (await deploy.submissions(key, site))["submissions"][0]


async def test_what_another_process_stores_is_told_within_a_second_or_so(deploy: Deploy, key: str, site: Site) -> None:
    async with stream(deploy, site, key) as opened, stream(deploy, site, key) as second:
        (sid,) = await add(deploy, site, {"n": 1})
        assert (await opened.next())["id"] == (await second.next())["id"] == sid


async def test_commits_out_of_order_are_told_each_once(deploy: Deploy, key: str, site: Site) -> None:
    async with stream(deploy, site, key) as opened:
        now = datetime.now(UTC)
        sent = []
        for seconds in (0, 8, 3, 8):
            sent += await add(deploy, site, {"n": seconds}, created_at=now - timedelta(seconds=seconds))
            await asyncio.sleep(0.1)
        # in the order of their times as far as one look finds them together
        assert sorted([(await opened.next())["id"] for _ in sent]) == sorted(sent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await opened.next()


async def test_only_this_sites_and_this_status_is_told(deploy: Deploy, key: str, site: Site) -> None:
    other = await deploy.publish(key)
    async with stream(deploy, site, key) as opened, stream(deploy, site, key, "?status=spam") as held:
        await deploy.submit(other, json={"n": 1})
        spam = (await deploy.submit(site, json={"n": 2, "_hp": "x"})).json["id"]
        fair = (await deploy.submit(site, json={"n": 3})).json["id"]
        assert (await opened.next())["id"] == fair
        row = await held.next()
        assert (row["id"], row["spam_reason"]) == (spam, "honeypot")


async def test_who_comes_back_is_told_what_came_since(deploy: Deploy, key: str, site: Site) -> None:
    sent = await add(deploy, site, *({"n": n} for n in range(45)))
    await add(deploy, site, {"n": "spam"}, status="spam")
    async with stream(deploy, site, key, last=sent[1]) as opened:
        assert [(await opened.next())["id"] for _ in range(43)] == sent[2:]
        now = (await deploy.submit(site, json={"n": "now"})).json["id"]
        assert (await opened.next())["id"] == now
    for last in ("sub_0000000000000000", "nonsense"):
        async with stream(deploy, site, key, "?seconds=1", last=last) as opened:
            assert not [event for event in await opened.ended() if "id" in event]


async def test_something_comes_now_and_then_and_the_end_when_it_was_said(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEAT", 0.2)
    async with stream(deploy, site, key, "?seconds=1") as opened:
        seen = await opened.ended()
    assert seen[0] == {"retry": "2000"}
    assert 3 <= seen.count({"": ""}) <= 6
    assert (await deploy.call("GET", url(site, "events") + "?seconds=601", key=key)).status == 422


async def test_one_look_serves_all_streams(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    newest = arrivals.newest

    async def counted(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return await newest(*args)

    async with (
        stream(deploy, site, key),
        stream(deploy, site, key),
        stream(deploy, site, deploy.auth.key(account=deploy.auth.account(key))),
    ):
        monkeypatch.setattr(arrivals, "newest", counted)
        await asyncio.sleep(2.2)
        assert 1 <= looks <= 3
    await asyncio.sleep(1.2)
    monkeypatch.setattr(arrivals, "newest", newest)
    before = looks
    await asyncio.sleep(1.2)
    assert looks == before, "nobody is looking"


async def test_an_account_has_so_many_streams_and_gets_places_back(deploy: Deploy, key: str, site: Site) -> None:
    open_streams = [stream(deploy, site, key) for _ in range(feed.STREAMS)]
    for each in open_streams:
        await each.__aenter__()
    refused = await deploy.call("GET", url(site, "events"), key=key)
    assert (refused.status, refused.json["code"]) == (429, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    for each in open_streams:
        await each.__aexit__(None, None, None)

    async def has_room() -> bool:
        return (await deploy.call("GET", url(site, "events") + "?seconds=1", key=key)).status == 200

    assert await eventually(has_room, every=0.2)


async def test_a_key_that_ends_ends_its_streams(
    deploy: Deploy, auth: FakeAuth, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEAT", 0.2)
    async with stream(deploy, site, key) as opened:
        auth._callers.pop(digest(key))
        deploy.bus.gap()
        await opened.ended()
    assert (await deploy.call("GET", url(site, "events"), key=key)).status == 401


async def test_nothing_is_told_with_a_key_that_has_ended(deploy: Deploy, auth: FakeAuth, key: str, site: Site) -> None:
    async with stream(deploy, site, key) as opened:
        auth._callers.pop(digest(key))
        deploy.bus.gap()
        await deploy.submit(site, json={"n": 1})
        assert not [event for event in await opened.ended() if "data" in event]


async def test_a_site_that_goes_ends_its_streams(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEAT", 0.2)
    async with stream(deploy, site, key) as opened:
        await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
        await opened.ended()


async def test_who_does_not_keep_up_is_sent_away(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "WAITING", 3)
    async with stream(deploy, site, key) as opened:
        await add(deploy, site, *({"n": n} for n in range(5)))
        await opened.ended()


async def test_a_stop_waits_for_no_stream(deploy: Deploy, auth: FakeAuth, key: str, site: Site) -> None:
    async with deploying(deploy.database_url, deploy.blobs, auth) as second:
        opened = inbox.stream(second, site, key)
        reading = await opened.__aenter__()
        started = time.monotonic()
    assert time.monotonic() - started < 3
    assert not [event for event in await reading.ended() if "data" in event]
    await opened.__aexit__(None, None, None)


async def test_a_stranger_sees_no_stream(deploy: Deploy, site: Site) -> None:
    assert (await deploy.call("GET", url(site, "events"), key=deploy.key())).status == 404
    assert (await deploy.call("GET", url(site, "events"), key=deploy.key(scopes=("read",)))).status == 403
