"""Submissions as a file: three formats, the list's filters, sent while it is made, never too much at a time."""

import asyncio
import csv
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.deploy.service import downloads
from services.deploy.store import inbox
from shared import http
from shared.errors import Unavailable
from tests.support.deploying import Deploy
from tests.support.fake_auth import TOKEN
from tests.support.inbox import add, add_many, names, url
from tests.support.publishing import fetch

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key, slug="bakery")


async def export(deploy: Deploy, key: str, site: Site, query: str) -> Any:
    answer = await deploy.call("GET", f"{url(site, 'export')}?{query}", key=key)
    assert answer.status == 200, answer.text
    return answer


async def test_json_and_ndjson_have_the_rows_of_the_list(deploy: Deploy, key: str, site: Site) -> None:
    await add(
        deploy, site, {"b": "ü", "a": {"deep": [1]}}, {"x": 1}, form="f", problems=[{"field": "x", "problem": "y"}]
    )
    await fetch(deploy, """UPDATE submissions SET data = '{"lines":\n\r "\\n"}' WHERE data ->> 'x' = '1'""")
    listed = (await deploy.submissions(key, site))["submissions"]
    assert (await export(deploy, key, site, "format=json")).json == listed
    lines = (await export(deploy, key, site, "format=ndjson")).raw.splitlines()
    assert [json.loads(line) for line in lines] == listed


async def test_a_file_says_what_it_is(deploy: Deploy, key: str, site: Site) -> None:
    for kind, content_type, empty in (
        ("csv", "text/csv; charset=utf-8", b"id,created_at,form,status,email\r\n"), ("json", "application/json", b"[]"),
        ("ndjson", "application/x-ndjson", b""),
    ):  # fmt: skip
        answer = await export(deploy, key, site, f"format={kind}")
        assert answer.headers["Content-Type"] == content_type
        day = datetime.now(UTC).date().isoformat()
        assert answer.headers["Content-Disposition"] == f'attachment; filename="bakery-{day}.{kind}"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.raw in {empty, empty.replace(b",email", b"")}
    assert (await deploy.call("GET", url(site, "export") + "?format=xlsx", key=key)).status == 422


async def test_r87_a_csv_of_what_was_sent_is_safe_and_whole(deploy: Deploy, key: str, site: Site) -> None:
    """R87: over the whole way, from a post to the file."""
    await deploy.submit(site, json={"=cmd|' /C calc'!A0": "@SUM(1)", "text": 'a "b"\r\nc', "id": "mine"})
    header, row = csv.reader(io.StringIO((await export(deploy, key, site, "")).raw.decode(), newline=""), strict=True)
    cells = dict(zip(header, row, strict=True))
    assert cells["'=cmd|' /C calc'!A0"] == "'@SUM(1)"
    assert (cells["text"], cells["data.id"], cells["status"]) == ('a "b"\r\nc', "mine", "accepted")
    assert cells["id"].startswith("sub_")


async def test_the_lists_filters_hold(deploy: Deploy, key: str, site: Site) -> None:
    await add_many(deploy, site, 30, form="f")
    await add_many(deploy, site, 3, status="spam")
    for query, count in (("", 30), ("status=spam", 3), ("q=n7", 1), ("form=f&q=hello", 30), ("form=g", 0)):
        rows = (await export(deploy, key, site, f"format=json&{query}")).json
        assert len(rows) == count, query
        assert [row["id"] for row in rows] == list(names(await deploy.submissions(key, site, f"?{query}")))


async def test_pages_are_small_whatever_a_submission_has(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small ones, then large ones: never more than a page and one submission at a time, each of them once."""
    monkeypatch.setattr(downloads, "PAGE", 20_000)
    await add_many(deploy, site, 30, text="x" * 15_000)
    await fetch(deploy, "UPDATE submissions SET created_at = created_at - interval '1 day'")
    await add_many(deploy, site, 400)
    sizes: list[tuple[int, int]] = []
    read_page = inbox.read_page

    async def watched(*args: Any, **given: Any) -> Any:
        rows = await read_page(*args, **given)
        sizes.append((len(rows), sum(len(row.data) for row in rows)))
        return rows

    monkeypatch.setattr(inbox, "read_page", watched)
    rows = (await export(deploy, key, site, "format=json")).json
    assert len({row["id"] for row in rows}) == len(rows) == 430
    assert max(size for _, size in sizes) <= 20_000 + 16_000
    assert max(count for count, _ in sizes) > 100, "small ones come many at a time"


async def test_an_export_that_breaks_off_has_no_end(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_many(deploy, site, 400, text="x" * 1000)
    read_page = inbox.read_page

    async def breaks(*args: Any, **given: Any) -> Any:
        if given["before"] is not None and given["limit"] > 100:
            raise Unavailable
        return await read_page(*args, **given)

    monkeypatch.setattr(inbox, "read_page", breaks)
    with pytest.raises(aiohttp.ClientError):
        await export(deploy, key, site, "format=ndjson")


async def test_no_connection_is_held_while_a_reader_is_slow(deploy: Deploy, key: str, site: Site) -> None:
    await add_many(deploy, site, 3000, text="x" * 4000)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(read_bufsize=1024, headers=headers) as session:
        slow = [await session.get(f"{deploy.url}{url(site, 'export')}?format=json") for _ in range(10)]
        for each in slow:
            await each.content.readexactly(10)
        async with asyncio.timeout(5):
            assert (await deploy.submissions(key, site))["total"] == 3000
        for each in slow:
            each.close()


async def test_a_stranger_and_a_wrong_filter_get_no_file(deploy: Deploy, key: str, site: Site) -> None:
    stranger = await deploy.call("GET", url(site, "export"), key=deploy.key())
    assert (stranger.status, stranger.json["error"]) == (404, "Deployment not found")
    assert (await deploy.call("GET", f"{url(site, 'export')}?since=x", key=key)).status == 422


async def test_an_accounts_export_has_what_is_known_of_submissions_and_no_secret(
    deploy: Deploy, key: str, site: Site
) -> None:
    file = {"id": "fil_0000000000000000", "field": "cv", "name": "a.pdf", "type": "application/pdf", "size": 1}
    await add(deploy, site, {"a": 1}, status="spam", spam_reason="links", files=[file])
    await fetch(
        deploy, "INSERT INTO recipients (id, deployment_id, email) VALUES ('rcp_1', $1, 'a@b.example')", site["id"]
    )
    await fetch(
        deploy,
        "INSERT INTO webhooks (id, deployment_id, url, type, events, secret, previous_secret) VALUES"
        " ('wh_1', $1, 'https://a.example.com/', 'generic', ARRAY['submission'], 'whsec_first', 'whsec_second')",
        site["id"],
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{deploy.internal_url}/internal/export/{deploy.auth.account(key)}"
    async with deploy.session.get(url, headers=headers) as answer:
        text = await answer.text()
    (found,) = json.loads(text)
    (row,) = found["submissions"]
    assert (row["spam_reason"], row["read_at"], row["files"]) == ("links", None, [file])
    assert [each["email"] for each in found["recipients"]] == ["a@b.example"]
    assert [(each["id"], each["events"]) for each in found["webhooks"]] == [("wh_1", ["submission"])]
    assert len(found["versions"]) == 1
    assert "whsec_" not in text


def resident() -> int:
    """Return this process's memory in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.alone
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("kind", ["csv", "json", "ndjson"])
async def test_an_export_streams_fast_and_takes_little_memory(deploy: Deploy, key: str, site: Site, kind: str) -> None:
    """At least 20,000 rows a second of small submissions, with 30 MiB more memory at most."""
    await add_many(deploy, site, 50_000)
    await export(deploy, key, site, f"format={kind}&q=n1")
    before = resident()
    rates: list[float] = []
    peaks: list[int] = []
    headers = {"Authorization": f"Bearer {key}"}
    while len(rates) < 3 and max(rates, default=0) < 20_000:
        started, lines = time.perf_counter(), 0
        async with deploy.session.get(f"{deploy.url}{url(site, 'export')}?format={kind}", headers=headers) as answer:
            async for piece in answer.content.iter_any():
                lines += piece.count(b"sub_")
                peaks.append(resident())
        assert lines >= 49_900, "some ids fall on the edge of a piece"
        rates.append(50_000 / (time.perf_counter() - started))
    assert max(rates) >= 20_000
    assert max(peaks) - before <= 30 * http.MIB
