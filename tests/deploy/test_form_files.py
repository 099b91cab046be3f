"""R83: files that forms send: taken where the owner allows it, stored under random names, and nowhere served."""

import asyncio
import gzip
import io
import json
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.deploy import forms
from services.deploy.blobs import Blobs
from services.deploy.fields import MAX_TEXT
from shared import http
from shared.errors import Unavailable
from tests.support.deploying import BROWSER, Deploy
from tests.support.forms import BOUNDARY, MULTIPART, body, judged, part, stored
from tests.support.publishing import change, fetch, store_of, value

Site = dict[str, Any]
MIB = 1024 * 1024
CV = part("cv", b"%PDF-1.7", "../Ada's \u202ecv.pdf", "application/pdf; x=y")


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site whose forms take files."""
    made = await deploy.publish(key)
    assert (await change(deploy, key, made["id"], files=True)).status == 200
    return made


async def test_r83_a_file_is_stored_with_its_submission_under_a_random_name(deploy: Deploy, site: Site) -> None:
    sent = await deploy.submit(site, data=body(part("name", b"Ada"), CV), headers=MULTIPART)
    assert sent.status == 200, sent.text
    (row,) = await stored(deploy, site)
    (file,) = json.loads(row["files"])
    assert json.loads(row["data"]) == {"name": "Ada"}
    assert file.pop("id").startswith("fil_")
    assert file == {"field": "cv", "name": "Ada's cv.pdf", "type": "application/pdf", "size": 8}
    (upload,) = await fetch(deploy, "SELECT submission_id, blob, name, type, size FROM uploads")
    assert (upload["submission_id"], upload["name"], upload["size"]) == (sent.json["id"], "Ada's cv.pdf", 8)
    assert len(upload["blob"]) == 40
    assert set(upload["blob"]) <= set("0123456789abcdef")
    assert b"".join([piece async for piece in store_of(deploy).stream(upload["blob"])]) == b"%PDF-1.7"


async def test_r83_the_bytes_are_not_on_the_sites_domain(deploy: Deploy, site: Site) -> None:
    await deploy.submit(site, data=body(CV), headers=MULTIPART)
    (upload,) = await fetch(deploy, "SELECT id, blob FROM uploads")
    for path in (
        upload["blob"],
        upload["id"],
        "cv.pdf",
        f"uploads/{upload['id']}",
        f"{upload['blob'][:2]}/{upload['blob']}",
    ):
        assert (await deploy.site(site["slug"], f"/{path}")).status == 404


async def test_r83_limits_of_files_are_413_and_leave_nothing(deploy: Deploy, site: Site) -> None:
    five = [part("f", b"x" * 10, "a") for _ in range(5)]
    for refused in ([*five, five[0]], [part("f", b"x" * (5 * MIB + 1), "a")], [*five, part("t", b"x" * 262_144)]):
        answer = await deploy.submit(site, data=io.BytesIO(body(*refused)), headers=MULTIPART)
        assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert await value(deploy, "SELECT count(*) FROM uploads") == 0
    assert (await deploy.submit(site, data=body(*five), headers=MULTIPART)).status == 200
    assert (
        await deploy.submit(site, data=io.BytesIO(body(part("f", b"x" * 5 * MIB, "a"))), headers=MULTIPART)
    ).status == 200
    assert await value(deploy, "SELECT sum(size)::int FROM uploads WHERE submission_id IS NOT NULL") == 50 + 5 * MIB


async def test_r83_a_file_is_415_while_files_are_off_however_large(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    for size in (1, 2 * MIB):
        answer = await deploy.submit(site, data=io.BytesIO(body(part("f", b"x" * size, "a.txt"))), headers=MULTIPART)
        assert (answer.status, answer.json["code"]) == (415, "files_not_taken")
    assert await judged(deploy, site) == []


async def test_a_file_alone_or_empty_is_taken_and_one_left_out_is_none(deploy: Deploy, site: Site) -> None:
    for parts in ([part("f", b"", "a.txt")], [part("f", b"x", "")], [part("f", b"", "")]):
        assert (await deploy.submit(site, data=body(*parts), headers=MULTIPART)).status == 200
    files = [json.loads(row["files"]) if row["files"] else [] for row in await stored(deploy, site)]
    assert [[(each["name"], each["size"]) for each in found] for found in files] == [[("a.txt", 0)], [("file", 1)], []]


async def test_a_key_stores_files_once_whatever_boundary_is_drawn(deploy: Deploy, site: Site) -> None:
    once = {"Idempotency-Key": "k-1"}
    first = await deploy.submit(site, data=body(CV), headers=MULTIPART | once)
    other = {"Content-Type": "multipart/form-data; boundary=other"}
    again = body(CV).replace(BOUNDARY.encode(), b"other")
    assert (await deploy.submit(site, data=again, headers=other | once)).json["id"] == first.json["id"]
    changed = body(CV.replace(b"%PDF-1.7", b"%PDF-1.8"))
    assert (await deploy.submit(site, data=changed, headers=MULTIPART | once)).status == 422
    assert len(await stored(deploy, site)) == 1
    assert await value(deploy, "SELECT count(*) FROM uploads WHERE submission_id IS NOT NULL") == 1


async def test_without_the_store_a_file_is_503_and_its_row_is_loose(
    deploy: Deploy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object) -> None:
        raise Unavailable

    monkeypatch.setattr(Blobs, "put_all", away)
    assert (await deploy.submit(site, data=body(CV), headers=MULTIPART)).status == 503
    assert [row["submission_id"] for row in await fetch(deploy, "SELECT submission_id FROM uploads")] == [None]
    assert await stored(deploy, site) == []


async def test_spam_keeps_its_files_too(deploy: Deploy, site: Site) -> None:
    await deploy.submit(site, data=body(part("_hp", b"x"), CV), headers=MULTIPART)
    assert await judged(deploy, site) == [("spam", "honeypot")]
    assert await value(deploy, "SELECT count(*) FROM uploads WHERE submission_id IS NOT NULL") == 1


async def test_a_files_name_is_found_by_search(deploy: Deploy, site: Site) -> None:
    await deploy.submit(site, data=body(CV), headers=MULTIPART)
    assert await value(deploy, "SELECT words @@ 'ada & pdf'::tsquery FROM submissions")


async def test_a_compressed_body_is_read_and_a_bomb_is_not(deploy: Deploy, site: Site) -> None:
    """R18: what counts is what comes out."""
    coded = MULTIPART | {"Content-Encoding": "gzip"}
    assert (await deploy.submit(site, data=gzip.compress(body(CV)), headers=coded)).status == 200
    bomb = gzip.compress(body(part("f", bytes(6 * MIB), "a")))
    assert (await deploy.submit(site, data=bomb, headers=coded)).status == 413
    unknown = await deploy.submit(site, data=body(CV), headers=MULTIPART | {"Content-Encoding": "br"})
    assert unknown.status == 415


async def test_r18_files_cost_the_process_little_memory(
    deploy: Deploy, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R18: three times 25 MiB at once, while the process, and with it this test's client, grows by less than 2 x 25."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    data = body(*(part("f", os.urandom(5 * MIB), "a") for _ in range(5)))
    before = peak(reset=True)
    answers = await asyncio.gather(*(deploy.submit(site, data=stream(data), headers=MULTIPART) for _ in range(3)))
    assert [answer.status for answer in answers] == [200] * 3
    assert peak() - before < 50 * MIB
    assert os.listdir(directory) == []  # noqa: PTH208 - a path's own would be a blocking call to the linter


async def test_r17_files_have_time_to_arrive_and_text_has_not(
    deploy: Deploy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R17: the route's own deadline stands for what is small, and a body with files has one by its size."""
    monkeypatch.setitem(http._rules, forms.submit, http.Rules(body=MAX_TEXT, cors=True, deadline=0.5))

    async def slowly(data: bytes) -> AsyncIterator[bytes]:
        for piece in (data[:20], data[20:]):
            yield piece
            await asyncio.sleep(0.6)

    assert (await deploy.submit(site, data=slowly(body(CV)), headers=MULTIPART)).status == 200
    plain = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await deploy.submit(site, data=slowly(b"a=" + b"b" * 40), headers=plain)).status == 504


async def stream(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 65_536):
        yield data[at : at + 65_536]


def peak(*, reset: bool = False) -> int:
    """Return the most memory that was resident since the last reset, in bytes."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


async def test_a_browser_with_a_file_is_led_on(deploy: Deploy, site: Site) -> None:
    sent = await deploy.submit(site, data=body(CV, part("_next", b"/danke")), headers=MULTIPART | BROWSER)
    assert (sent.status, sent.headers["Location"]) == (303, f"{site['url']}/danke")
