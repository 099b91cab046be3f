"""R70: conditions, parts and codings of real answers, against a model of RFC 9110 written down once more here."""

import asyncio
import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import brotli
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.deploying import Deploy
from tests.support.visitor import Seen, Visitor

TEXT = "".join(f"line {number} of a text that is worth compressing\n" for number in range(400))
LARGE = "".join(f"{number:07d}\n" for number in range(40_000))
FILES = {
    "small.txt": TEXT.encode(),
    "large.txt": LARGE.encode(),
    "small.zip": bytes(range(256)) * 4,
    "large.zip": LARGE.encode()[::-1],
    "empty.zip": b"",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the RFC says of an answer; None stands for a header that is not there."""

    status: int
    body: bytes
    etag: str | None
    coding: str | None = None
    content_range: str | None = None


def whole(name: str, coding: str | None) -> Wanted:
    etag = hashlib.sha256(FILES[name]).hexdigest() + {None: "", "br": "-br", "gzip": "-gz"}[coding]
    return Wanted(200, FILES[name], f'"{etag}"', coding)


def model(name: str, method: str, headers: Mapping[str, str]) -> Wanted:
    """Say how a request is answered."""
    plain = whole(name, None)
    part = headers.get("Range") if method == "GET" else None
    if part is not None and headers.get("If-Range", plain.etag) != plain.etag:
        part = None
    cut = None if part is None else ranged(name, part)
    coding = None
    if cut is None and name.endswith(".txt"):
        offered = headers.get("Accept-Encoding", "")
        coding = next((one for one in ("br", "gzip") if one in offered), None)
    chosen = whole(name, coding)
    tags = [tag.strip().removeprefix("W/") for tag in headers.get("If-None-Match", "").split(",")]
    if "If-Match" in headers and not {chosen.etag, "*"} & {tag.strip() for tag in headers["If-Match"].split(",")}:
        return Wanted(412, b"", chosen.etag)
    if chosen.etag in tags or tags == ["*"]:
        return Wanted(304, b"", chosen.etag)
    return cut or chosen


def ranged(name: str, part: str) -> Wanted | None:
    """Return the answer to a part, None when the whole file is sent."""
    content, etag = FILES[name], whole(name, None).etag
    first, _, last = part.removeprefix("bytes=").partition("-")
    if "," in part or not (first or last) or (first and last and int(last) < int(first)):
        return None
    if not first:
        if int(last) and not content:
            return None
        start, end = max(0, len(content) - int(last)), len(content)
    else:
        start, end = int(first), min(int(last) + 1, len(content)) if last else len(content)
    if start >= end:
        return Wanted(416, b"", None, None, f"bytes */{len(content)}")
    return Wanted(206, content[start:end], etag, None, f"bytes {start}-{end - 1}/{len(content)}")


def shown(seen: Seen) -> Wanted:
    coding = seen["Content-Encoding"]
    body = {None: bytes, "br": brotli.decompress, "gzip": gzip.decompress}[coding](seen.raw) if seen.raw else b""
    return Wanted(seen.status, body, seen["ETag"], coding, seen["Content-Range"])


NUMBERS = st.one_of(
    st.just(""), st.sampled_from(["0", "1", "7", "1023", "1024", "262143", "262144", "319999", "320000", "999999"])
)
NAMES = st.sampled_from(sorted(FILES))
RANGES = st.tuples(NUMBERS, NUMBERS).map(lambda ends: f"bytes={ends[0]}-{ends[1]}") | st.just("bytes=0-1,3-4")


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str]]:
    """Draw a request: file, method, headers."""
    name = draw(NAMES)
    tags = [f'"{hashlib.sha256(FILES[name]).hexdigest()}{ending}"' for ending in ("", "-br", "-gz")] + ['"other"']
    some = st.lists(st.sampled_from(tags + [f"W/{tag}" for tag in tags]), min_size=1, max_size=3).map(", ".join)
    headers = {
        "Range": draw(st.none() | RANGES),
        "If-Range": draw(st.none() | st.sampled_from([*tags, f"W/{tags[0]}", "Tue, 15 Nov 1994 12:45:26 GMT"])),
        "If-None-Match": draw(st.none() | some | st.just("*")),
        "If-Match": draw(st.none() | st.none() | some | st.just("*")),
        "Accept-Encoding": draw(st.sampled_from([None, "gzip", "br", "gzip, deflate, br", "identity"])),
    }
    return name, draw(st.sampled_from(["GET", "HEAD"])), {n: v for n, v in headers.items() if v is not None}


@pytest.fixture
async def host(deploy: Deploy, key: str) -> str:
    """Give the host of a site with all the files."""
    files = [
        {"path": name, "content": base64.b64encode(content).decode(), "encoding": "base64"}
        for name, content in FILES.items()
    ]
    return f"{(await deploy.publish(key, files=files))['slug']}.sites.localhost"


async def test_r70_every_request_is_answered_as_the_rfc_says(deploy: Deploy, host: str) -> None:
    """R70: If-Match, If-None-Match, Range, If-Range, HEAD and codings in all their combinations."""
    with Visitor(deploy, host) as visitor:

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(requests())
        def compare(request: tuple[str, str, dict[str, str]]) -> None:
            name, method, headers = request
            wanted = model(name, method, headers)
            seen = visitor.ask(method, f"/{name}", headers)
            if method == "HEAD":
                assert (seen.status, seen.raw, seen["ETag"]) == (wanted.status, b"", wanted.etag)
            else:
                assert shown(seen) == wanted

        await asyncio.to_thread(compare)


async def test_r70_head_has_the_headers_of_get(deploy: Deploy, host: str) -> None:
    def compare() -> None:
        with Visitor(deploy, host) as visitor:
            for name in [*FILES, "nothing"]:
                for coding in ("identity", "br", "gzip"):
                    got, head = (visitor.ask(one, f"/{name}", {"Accept-Encoding": coding}) for one in ("GET", "HEAD"))
                    different = {"Date", "X-Request-ID"}
                    assert {n: v for n, v in got.headers.items() if n not in different} == {
                        n: v for n, v in head.headers.items() if n not in different
                    }
                    assert int(head["Content-Length"] or -1) == len(got.raw)

    await asyncio.to_thread(compare)


async def test_r70_what_has_variants_varies_and_the_rest_does_not(deploy: Deploy, host: str) -> None:
    def compare() -> None:
        with Visitor(deploy, host) as visitor:
            for name in FILES:
                for headers in ({}, {"Accept-Encoding": "br"}, {"If-None-Match": "*"}):
                    varies = "Accept-Encoding" if name.endswith(".txt") else None
                    assert visitor.ask("GET", f"/{name}", headers)["Vary"] == varies

    await asyncio.to_thread(compare)


async def test_r70_a_redeploy_of_the_same_size_is_news(deploy: Deploy, key: str) -> None:
    """R70: tags come from the content, not from sizes and times."""
    site = await deploy.publish(key, html="<p>one</p>")
    etag = (await deploy.site(site["slug"])).headers["ETag"]
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<p>two</p>"})
    page = await deploy.site(site["slug"], headers={"If-None-Match": etag})
    assert (page.status, page.text) == (200, "<p>two</p>")


async def test_r70_a_refusal_is_kept_by_no_cache(deploy: Deploy, key: str) -> None:
    """R70: a cache that keeps a 416 or a 412 of a file for ever would have lost the file."""
    site = await deploy.publish(key, files=[{"path": "app.3f2a9c1b.js", "content": "1"}])
    for status, headers in ((416, {"Range": "bytes=9-"}), (412, {"If-Match": '"other"'})):
        answer = await deploy.site(site["slug"], "/app.3f2a9c1b.js", headers=headers)
        assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")
