"""`kill -9` of a real deploy process: what was answered is there, and nothing is half there."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import aiohttp
import asyncpg
import orjson
import pytest

from tests.support.client import Answer
from tests.support.deploying import FORM, Deploy, a_slug, settings
from tests.support.fake_auth import TOKEN, FakeAuth
from tests.support.fake_bus import FakeBus
from tests.support.forms import MULTIPART, body, part
from tests.support.processes import Process, a_deploy
from tests.support.publishing import digest, go_live, named, put, replace, swept
from tests.support.whole import judge, judge_swept

TOLD = "SELECT envelope FROM deploy.outbox WHERE envelope ->> 'type' LIKE 'mail.submission%'"


@pytest.fixture
def process(database_url: str, tmp_path: Path, auth: FakeAuth) -> Iterator[Process]:
    """Give a deploy process that has no broker: what it says stays in its outbox."""
    made = a_deploy(
        tmp_path, database_url=database_url, auth_url=auth.url, INVOKER_SERVICE_TOKEN=TOKEN, INVOKER_RATE_LIMITS="off"
    )
    yield made
    made.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that keeps no connection, so that each try meets the process as it is."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(10)) as opened:
        yield opened


async def a_site(session: aiohttp.ClientSession, process: Process, key: str, html: str = FORM) -> dict[str, str]:
    """Publish a site."""
    headers = {"Authorization": f"Bearer {key}"}
    async with session.post(f"{process.url}/deploy", headers=headers, json={"html": html}) as answer:
        made: dict[str, str] = await answer.json()
        return made


async def killing(process: Process, times: int, working: "asyncio.Task[None]") -> None:
    """Kill and start the process again, at moments of chance, while the others work."""
    for _ in range(times):
        await asyncio.sleep(random.uniform(0.1, 0.4))
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)
    await working


async def test_r81_every_answered_submission_is_there_once(
    process: Process, session: aiohttp.ClientSession, auth: FakeAuth, database_url: str
) -> None:
    """R81: 5,000 posts and 10 kills; what was not answered is there once or not at all, and its notice with it."""
    await asyncio.to_thread(process.start)
    site = await a_site(session, process, auth.key())
    waiting, answered = list(range(5000)), dict[int, str]()

    async def visitor() -> None:
        while waiting:
            number = waiting.pop()
            try:
                async with session.post(f"{process.url}/submit/{site['id']}", json={"n": number}) as answer:
                    if answer.status == 200:
                        answered[number] = (await answer.json())["id"]
            except aiohttp.ClientConnectorError:
                waiting.append(number)  # it was never sent
                await asyncio.sleep(0.05)
            except aiohttp.ClientError:
                pass

    async def all_visitors() -> None:
        await asyncio.gather(*(visitor() for _ in range(8)))

    await killing(process, 10, asyncio.create_task(all_visitors()))
    conn = await asyncpg.connect(database_url, server_settings={"search_path": "deploy"})
    rows = await conn.fetch("SELECT id, (data ->> 'n')::int AS n FROM submissions")
    counted = await conn.fetchval("SELECT sum(count)::int FROM submission_totals WHERE status = 'accepted'")
    ledger = await conn.fetchval("SELECT sum(count)::int FROM form_ledger WHERE outcome = 'accepted'")
    noted = Counter(
        row["n"]
        for row in await conn.fetch(
            "SELECT (data ->> 'n')::int AS n FROM notices JOIN submissions s ON s.id = submission_id"
        )
    )
    mails = [orjson.loads(row["envelope"])["data"] for row in await conn.fetch(TOLD)]
    stamped = await conn.fetchval("SELECT count(*) FROM notices WHERE mailing_id IS NOT NULL")
    await conn.close()
    assert sum(mail.get("count", 1) for mail in mails) == stamped > 0, "mails and the note of them are one transaction"
    stored = Counter(row["n"] for row in rows)
    assert len(answered) > 4800
    assert answered.items() <= {row["n"]: row["id"] for row in rows}.items()
    assert set(stored.values()) == {1}
    assert noted == stored
    assert counted == ledger == len(rows)


async def test_r81_a_kill_while_files_arrive_leaves_each_tied_or_loose(
    process: Process, session: aiohttp.ClientSession, auth: FakeAuth, database_url: str, tmp_path: Path
) -> None:
    """R81: of what was answered every file is there; what was not stored left loose rows, and no bytes without one."""
    await asyncio.to_thread(process.start)
    key = auth.key()
    site = await a_site(session, process, key)
    settings_url, headers = f"{process.url}/deploy/{site['id']}/settings", {"Authorization": f"Bearer {key}"}
    async with session.patch(settings_url, headers=headers, json={"files": True}) as changed:
        assert changed.status == 200
    waiting, answered = list(range(150)), dict[str, bytes]()

    async def visitor() -> None:
        while waiting:
            number = waiting.pop()
            content = b"%d " % number * 60_000
            sent = body(part("n", b"%d" % number), part("f", content, "a.bin"))
            with suppress(aiohttp.ClientError):
                url = f"{process.url}/submit/{site['id']}"
                async with session.post(url, data=sent, headers=MULTIPART) as answer:
                    if answer.status == 200:
                        answered[(await answer.json())["id"]] = content
                    continue
            await asyncio.sleep(0.05)

    async def all_visitors() -> None:
        await asyncio.gather(*(visitor() for _ in range(4)))

    await killing(process, 3, asyncio.create_task(all_visitors()))
    conn = await asyncpg.connect(database_url, server_settings={"search_path": "deploy"})
    submissions = {row["id"] for row in await conn.fetch("SELECT id FROM submissions")}
    rows = await conn.fetch("SELECT submission_id, blob FROM uploads")
    await conn.close()
    tied = {row["submission_id"]: row["blob"] for row in rows if row["submission_id"]}
    assert len(answered) > 30
    assert answered.keys() <= tied.keys() == submissions
    folder = tmp_path / "blobs"
    files = {path.name: path for path in folder.rglob("*") if path.is_file() and len(path.name) == 40}
    assert files.keys() <= {row["blob"] for row in rows}
    for submission, content in answered.items():
        assert files[tied[submission]].read_bytes() == content


async def test_a_kill_in_a_deploy_leaves_the_old_version_or_the_new(
    process: Process, session: aiohttp.ClientSession, auth: FakeAuth
) -> None:
    await asyncio.to_thread(process.start)
    key = auth.key()
    site = await a_site(session, process, key, "0")
    deadline, number, answered = asyncio.get_running_loop().time() + 4, 0, 0
    headers, host = {"Authorization": f"Bearer {key}"}, {"Host": f"{site['slug']}.sites.localhost"}

    async def owner() -> None:
        nonlocal number, answered
        while asyncio.get_running_loop().time() < deadline:
            number += 1
            files = [{"path": path, "content": f"{number}"} for path in ("index.html", "a.txt", "b.txt")]
            try:
                url = f"{process.url}/deploy/{site['id']}"
                async with session.put(url, headers=headers, json={"files": files}) as answer:
                    answered = number if answer.status == 200 else answered
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)

    await killing(process, 3, asyncio.create_task(owner()))
    shown = set()
    for path in ("/", "/a.txt", "/b.txt"):
        async with session.get(process.url + path, headers=host) as page:
            assert page.status == 200
            shown.add((await page.text(), page.headers["X-Invoker-Version"]))
    assert len(shown) == 1
    assert answered <= int(shown.pop()[0]) <= number


async def test_r69_a_kill_in_a_first_deploy_leaves_a_whole_site_or_none(
    process: Process, session: aiohttp.ClientSession, auth: FakeAuth
) -> None:
    """R69: no orphan is public; what was answered is there."""
    await asyncio.to_thread(process.start)
    deadline, answered, asked = asyncio.get_running_loop().time() + 4, set[str](), list[str]()
    paths = ("/", "/a.txt", "/b.txt")

    async def owner() -> None:
        # on a busy machine a start takes longer than that
        while asyncio.get_running_loop().time() < deadline or len(answered) < 4:
            asked.append(slug := a_slug())
            files = [{"path": path, "content": slug} for path in ("index.html", "a.txt", "b.txt")]
            headers = {"Authorization": f"Bearer {auth.key()}"}
            try:
                body = {"slug": slug, "files": files}
                async with session.post(f"{process.url}/deploy", headers=headers, json=body) as answer:
                    answered.update({slug} if answer.status == 200 else ())
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)

    await killing(process, 3, asyncio.create_task(owner()))
    for slug in asked:
        shown = set()
        for path in paths:
            async with session.get(process.url + path, headers={"Host": f"{slug}.sites.localhost"}) as page:
                shown.add((page.status, await page.text() if page.status == 200 else ""))
        assert shown == {(200, slug)} or (shown == {(404, "")} and slug not in answered)
    assert len(answered) >= 4


def over(process: Process, session: aiohttp.ClientSession, auth: FakeAuth, database_url: str, home: Path) -> Deploy:
    """Return the process as tests of the service know it."""
    return Deploy(
        url=process.url, internal_url=process.internal_url, auth=auth, bus=FakeBus(), database_url=database_url,
        blobs=home / "blobs", config=settings(database_url, home / "blobs", auth.url), session=session,
    )  # fmt: skip


async def test_r69_a_kill_while_files_arrive_leaves_nothing_half_public_and_costs_no_file(
    process: Process, session: aiohttp.ClientSession, auth: FakeAuth, database_url: str, tmp_path: Path
) -> None:
    """R69: uploads, publishes and the sweep meet `kill -9`; whoever goes on afterwards gets there."""
    await asyncio.to_thread(process.start)
    deploy, key = over(process, session, auth, database_url, tmp_path), auth.key()
    site = await deploy.publish(key, html="<title>0</title>")
    shown, uploaded = [0], 0

    async def patiently(work: Callable[[], Awaitable[Answer]]) -> Answer:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                if (answer := await work()).status < 500:
                    return answer
            await asyncio.sleep(0.05)

    async def owner() -> None:
        nonlocal uploaded
        for number in range(1, 6):
            files = {f"{n}.txt": b"%d of %d " % (n, number) * 90 for n in range(12)}
            files["index.html"] = b"<title>%d</title>" % number
            by_digest = {digest(data): data for data in files.values()}
            made = (await patiently(partial(replace, deploy, key, site["id"], files=named(files)))).json
            for name in made["missing"]:
                sent = await patiently(partial(put, deploy, key, site["id"], by_digest[name]))
                uploaded += sent.status == 200
            page = await patiently(lambda: deploy.site(site["slug"]))
            assert page.text == f"<title>{shown[-1]}</title>"
            answer = await patiently(partial(go_live, deploy, key, site["id"], made["version"]))
            assert answer.status == 200, answer.text
            shown.append(number)

    await killing(process, 3, asyncio.create_task(owner()))
    assert uploaded >= 5 * 13
    assert (await deploy.site(site["slug"])).text == "<title>5</title>"
    await judge(deploy)
    await swept(deploy)
    await judge_swept(deploy)
    assert (await deploy.site(site["slug"], "/11.txt")).text == "11 of 5 " * 90
