"""A site as one archive: published like any other."""

import io
import tarfile
import zipfile
from typing import Any

import pytest

from shared import credentials
from tests.support.client import Answer
from tests.support.deploying import FORM, Deploy, a_slug
from tests.support.hostile_archives import ZIPS

FILES = {"site/index.html": FORM.encode(), "site/a/style.css": b"a { color: red }", "site/404.html": b"<p>none</p>"}


def packed(files: dict[str, bytes], kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "application/zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, data in files.items():
                archive.writestr(path, data)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz" if kind == "application/gzip" else "w") as archive:
        for path, data in files.items():
            facts = tarfile.TarInfo(path)
            facts.size = len(data)
            archive.addfile(facts, io.BytesIO(data))
    return out.getvalue()


async def send(
    deploy: Deploy, key: str | None, path: str, data: bytes, kind: str = "application/zip", **headers: str
) -> Answer:
    method = "POST" if path.startswith("/deploy?") else "PUT"
    return await deploy.call(method, path, key=key, data=io.BytesIO(data), headers={"Content-Type": kind, **headers})


@pytest.mark.parametrize("kind", ["application/zip", "application/gzip", "application/x-tar"])
async def test_an_archive_becomes_a_site(deploy: Deploy, key: str, kind: str) -> None:
    slug = a_slug()
    answer = await send(deploy, key, f"/deploy?slug={slug}&title=A%20%26%20B&is_spa=false", packed(FILES, kind), kind)
    assert answer.status == 200, answer.text
    assert (answer.json["slug"], answer.json["version"]) == (slug, 1)
    page = (await deploy.site(slug)).text
    assert f"/submit/{answer.json['id']}" in page
    assert (await deploy.site(slug, "/a/style.css")).headers["Content-Type"] == "text/css; charset=utf-8"
    assert (await deploy.site(slug, "/missing")).text == "<p>none</p>"
    assert (await deploy.call("GET", f"/deploy/{answer.json['id']}", key=key)).json["settings"]["title"] == "A & B"


async def test_an_archive_replaces_a_site_as_a_preview(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key)
    data = packed({"index.html": b"<p>new"}, "application/zip")
    answer = await send(deploy, key, f"/deploy/{made['id']}?preview=true&if_version=1", data)
    assert (answer.status, answer.json["version"], answer.json["live"]) == (200, 2, False)
    assert (await deploy.site(f"{made['slug']}--v2")).text == "<p>new"
    conflict = await send(deploy, key, f"/deploy/{made['id']}?if_version=7", data)
    assert (conflict.status, conflict.json["code"]) == (409, "version_conflict")


async def test_an_archive_with_the_same_idempotency_key_is_published_once(deploy: Deploy, key: str) -> None:
    data, once = packed(FILES, "application/zip"), {"Idempotency-Key": a_slug()}
    first = await send(deploy, key, "/deploy?title=a", data, **once)
    again = await send(deploy, key, "/deploy?title=a", data, **once)
    assert first.json["id"] == again.json["id"]
    assert (await send(deploy, key, "/deploy?title=b", data, **once)).status == 422


@pytest.mark.parametrize("name", ["parent", "symlink", "42.zip class", "overlap bomb", "nothing but two letters"])
async def test_a_malicious_archive_is_refused(deploy: Deploy, key: str, name: str) -> None:
    answer = await send(deploy, key, "/deploy?", ZIPS[name]())
    assert answer.status in {400, 413}
    assert answer.json["code"] in {"bad_archive", "bad_path", "too_large"}
    assert (await deploy.call("GET", "/deploy", key=key)).json["deployments"] == []


@pytest.mark.parametrize(
    "query, status, text",
    [
        ("slug=api", 400, "slug"),
        ("is_spa=perhaps", 422, "is_spa: "),
        ("title=%00", 422, "title: "),
        ("favicon=" + "x" * 33, 422, "favicon: "),
        ("if_version=x", 422, "if_version: "),
    ],
)
async def test_a_query_that_does_not_fit_is_told(deploy: Deploy, key: str, query: str, status: int, text: str) -> None:
    made = await deploy.publish(key) if query.startswith("if_version") else None
    path = f"/deploy/{made['id']}?{query}" if made else f"/deploy?{query}"
    answer = await send(deploy, key, path, packed(FILES, "application/zip"))
    assert answer.status == status
    assert text in answer.json["error"].lower()


async def test_a_key_in_an_archive_is_refused(deploy: Deploy, key: str) -> None:
    files: dict[str, Any] = {"index.html": b"<p>", "a/b.js": f"\n'{credentials.mint()}'".encode()}
    answer = await send(deploy, key, "/deploy?", packed(files, "application/zip"))
    assert (answer.status, answer.json["code"], answer.json["path"], answer.json["line"]) == (
        422,
        "key_in_file",
        "a/b.js",
        2,
    )


async def test_what_was_sent_as_an_archive_comes_back_as_one(deploy: Deploy, key: str) -> None:
    made = (await send(deploy, key, "/deploy?", packed(FILES, "application/gzip"), "application/gzip")).json
    answer = await deploy.call("GET", f"/deploy/{made['id']}/archive", key=key)
    with zipfile.ZipFile(io.BytesIO(answer.raw)) as archive:
        assert sorted(archive.namelist()) == sorted(path.removeprefix("site/") for path in FILES)
        assert archive.read("a/style.css") == FILES["site/a/style.css"]
