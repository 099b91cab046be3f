"""Deploys: what of a folder is sent, what is sent again, and what a lying API cannot make of it."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from invoker_mcp import api as api_module
from invoker_mcp import contents, ignore
from invoker_mcp.api import Api
from invoker_mcp.credentials import Credential
from invoker_mcp.deploys import Progress, deploy_files, deploy_path
from invoker_mcp.errors import ApiError, ClientError, Unreachable
from invoker_mcp.settings import Settings
from tests.support.client import Client
from tests.support.timing import seconds

Lying = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[Settings]]
CREDENTIAL = Credential(key="inv_" + "a1" * 18, source="environment")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give a folder with a page, a style and a large picture."""
    folder = tmp_path / "site"
    (folder / "css").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>t</title><h1>Hello</h1>")
    (folder / "css" / "style.css").write_text("h1 { color: teal }")
    (folder / "picture.bin").write_bytes(os.urandom(600_000))
    return folder


async def text(person: Client, made: dict[str, Any], path: str) -> str:
    answer = await person.site(made["slug"], path)
    assert answer.status == 200, answer.text
    return answer.text


async def test_a_folder_goes_live_with_its_bytes_told(api: Api, person: Client, site: Path) -> None:
    told: list[Progress] = []
    made = await deploy_path(api, site, progress=told.append)
    assert (made["live"], made["version"], made["sent"]) == (True, 1, 3)
    assert "Hello" in await text(person, made, "/")
    assert (await person.site(made["slug"], "/picture.bin")).raw == (site / "picture.bin").read_bytes()
    assert told[-1] == Progress(files=3, of_files=3, bytes=told[0].of_bytes, of_bytes=made["sent_bytes"])
    assert len(told) > 10


async def test_the_second_time_it_is_the_same_site_and_what_changed_is_sent(
    api: Api, person: Client, site: Path
) -> None:
    first = await deploy_path(api, site)
    (site / "css" / "style.css").write_text("h1 { color: navy }")
    second = await deploy_path(api, site)
    assert (second["id"], second["version"], second["sent"]) == (first["id"], 2, 1)
    assert "navy" in await text(person, second, "/css/style.css")
    assert (await deploy_path(api, site))["sent"] == 0
    assert (await person.site(first["slug"], "/.invoker.json")).status == 404


async def test_a_preview_leaves_the_live_site(api: Api, person: Client, site: Path) -> None:
    made = await deploy_path(api, site)
    (site / "index.html").write_text("<!doctype html><title>t</title><h1>Next</h1>")
    preview = await deploy_path(api, site, preview=True)
    assert not preview["live"]
    assert "Hello" in await text(person, made, "/")
    assert "Next" in await text(person, {"slug": f"{made['slug']}--v2"}, "/")


async def test_one_page_goes_with_the_request(api: Api, person: Client, site: Path) -> None:
    made = await deploy_path(api, site / "index.html", slug=f"page-{os.urandom(4).hex()}")
    assert made["sent"] == 0
    assert "Hello" in await text(person, made, "/")
    assert (await deploy_path(api, site / "index.html"))["version"] == 2


async def test_a_slug_of_ones_own_is_deployed_to_again(api: Api, site: Path) -> None:
    slug = f"mine-{os.urandom(4).hex()}"
    first = await deploy_path(api, site, slug=slug)
    (site / ".invoker.json").unlink()
    assert (await deploy_path(api, site, slug=slug))["id"] == first["id"]
    assert (await deploy_path(api, site, site=slug))["version"] == 3


async def test_a_slug_of_another_is_a_conflict(nobody: Api, api: Api, site: Path) -> None:
    taken = await deploy_path(nobody, site)
    with pytest.raises(ApiError) as refused:
        await deploy_path(api, site, slug=taken["slug"])
    assert refused.value.status == 409


async def test_without_a_key_it_is_nobodys_and_is_replaced_by_its_token(
    nobody: Api, person: Client, site: Path
) -> None:
    made = await deploy_path(nobody, site)
    assert made["claim_url"].startswith(person.target.app)
    (site / "index.html").write_text("<!doctype html><title>t</title><h1>Again</h1>")
    again = await deploy_path(nobody, site)
    assert (again["id"], again["claim_url"]) == (made["id"], made["claim_url"])
    assert "Again" in await text(person, made, "/")
    assert made["claim_token"] not in (site / ".invoker.json").read_text()


async def test_a_site_that_is_gone_is_made_anew(api: Api, site: Path) -> None:
    made = await deploy_path(api, site)
    await api.call("DELETE", f"/deploy/{made['id']}")
    assert (await deploy_path(api, site))["id"] != made["id"]


async def test_files_in_memory_are_a_site_too(api: Api, person: Client) -> None:
    files = [contents.given("index.html", b"<!doctype html><title>t</title>mem"), contents.given("a/b.txt", b"deep")]
    assert await text(person, await deploy_files(api, files), "/a/b.txt") == "deep"


async def test_what_broke_off_goes_on_where_it_was(api: Api, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, one_is_sent, begun = api.call, asyncio.Event(), []

    async def breaking(method: str, path: str, **given: Any) -> Any:
        if "/blobs/" not in path:
            return await real(method, path, **given)
        begun.append(path)
        if len(begun) > 1:
            await one_is_sent.wait()
            raise Unreachable("the cable was pulled")
        answer = await real(method, path, **given)
        one_is_sent.set()
        return answer

    monkeypatch.setattr(api, "call", breaking)
    with pytest.raises(Unreachable):
        await deploy_path(api, site)
    monkeypatch.undo()
    made = await deploy_path(api, site)
    assert (made["live"], made["sent"]) == (True, 2)
    assert len((await api.get("/deploy"))["deployments"]) == 1


async def test_uploads_are_tried_again(site: Path, lying: Lying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "LONGEST_WAIT", 0.1)
    got: dict[str, bytes] = {}
    failed: set[str] = set()

    async def flaky(request: web.Request) -> web.Response:
        body = await request.read()
        if "/blobs/" in request.path:
            if request.path not in failed:
                failed.add(request.path)
                return web.json_response({"error": "Busy"}, status=503, headers={"Retry-After": "0"})
            got[request.path.rpartition("/")[2]] = body
            return web.json_response({"missing": 0})
        if request.path.endswith("/publish"):
            return web.json_response({"live": True})
        missing = [row["sha256"] for row in json.loads(body)["files"]]
        return web.json_response({"id": "dep_" + "a" * 16, "version": 1, "live": False, "missing": missing})

    told: list[Progress] = []
    async with Api(await lying(flaky), CREDENTIAL) as api:
        made = await deploy_path(api, site, progress=told.append)
    assert made["live"]
    assert sorted(map(len, got.values())) == sorted(file.size for file in contents.collect(site))
    assert told[-1].bytes == told[-1].of_bytes


def named(folder: Path) -> list[str]:
    return list(ignore.files_of(folder))


def test_what_is_no_part_of_a_site_is_left_out(site: Path) -> None:
    for path in (".git/config", "node_modules/x/index.js", ".env", ".hg/a", "drafts/one.html", "a.log", "keep.log"):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text("x")
    (site / ".well-known").mkdir()
    (site / ".well-known" / "security.txt").write_text("x")
    (site / ".invokerignore").write_text("drafts/\n*.log\n!keep.log\n")
    assert named(site) == [".well-known/security.txt", "css/style.css", "index.html", "keep.log", "picture.bin"]
    (site / ".invokerignore").write_text("!node_modules/\n")
    assert "node_modules/x/index.js" in named(site)


def test_a_link_that_leaves_the_folder_is_not_followed(site: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "site-other").mkdir()
    (tmp_path / "site-other" / "x").write_text("x")
    (site / "out").symlink_to(secret)
    (site / "up").symlink_to(tmp_path)
    (site / "beside").symlink_to(tmp_path / "site-other" / "x")
    (site / "circle").symlink_to(site)
    (site / "nowhere").symlink_to(tmp_path / "nothing")
    (site / "inside.html").symlink_to(site / "index.html")
    os.mkfifo(site / "pipe")
    assert named(site) == ["css/style.css", "index.html", "inside.html", "picture.bin"]


def test_too_much_is_said_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClientError, match="nothing to deploy"):
        contents.collect(tmp_path)
    with pytest.raises(ClientError, match="no file or folder"):
        contents.collect(tmp_path / "gone")
    for name in "abc":
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(ignore, "MOST_FILES", 2)
    with pytest.raises(ClientError, match="more than 2 files"):
        contents.collect(tmp_path)
    monkeypatch.setattr(ignore, "MOST_BYTES", 0)
    with pytest.raises(ClientError, match="larger than"):
        contents.collect(tmp_path / "a")


def test_names_are_sent_as_addresses_have_them(tmp_path: Path) -> None:
    (tmp_path / "cafe\u0301.html").write_text("x")
    assert named(tmp_path) == ["caf\u00e9.html"]


def outside_home(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "home" not in path.parts}


async def test_an_api_cannot_ask_for_other_files_or_name_other_places(site: Path, lying: Lying, tmp_path: Path) -> None:
    asked: list[str] = []
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")

    async def greedy(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path.endswith("/publish"):
            return web.json_response({"live": True, "slug": "../../x", "claim_url": "file:///etc/passwd"})
        digest = contents.given("x", b"secret").sha256
        said = {"id": "dep_" + "a" * 16, "slug": "../../../x", "version": "../1", "live": False}
        return web.json_response({**said, "missing": [digest, "../../etc/passwd", 5, None], "claim_token": "../x"})

    before = outside_home(tmp_path)
    async with Api(await lying(greedy), CREDENTIAL) as api:
        await deploy_path(api, site)
    assert asked == ["/api/deploy", f"/api/deploy/dep_{'a' * 16}/publish"]
    assert outside_home(tmp_path) - before == {site / ".invoker.json"}
    async with Api(await lying(greedy)) as api:
        made = await deploy_path(api, site)
    assert not (tmp_path / "home" / "claims.json").exists()
    assert made["id"].startswith("dep_")


@pytest.mark.parametrize("site_id", ["../../x", "dep_../x", None, 5, {"a": 1}, "dep_aaaaaaaaaaaaaaaa/../../keys"])
async def test_an_id_that_is_none_ends_the_deploy(site: Path, lying: Lying, site_id: object) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"id": site_id, "version": 1, "live": True, "missing": []})

    async with Api(await lying(answer), CREDENTIAL) as api:
        with pytest.raises(Unreachable):
            await deploy_path(api, site)
    assert asked == ["/api/deploy"]
    assert not (site / ".invoker.json").exists()


async def test_a_project_file_from_elsewhere_names_ids_alone(site: Path, api: Api) -> None:
    (site / ".invoker.json").write_text(json.dumps({api.settings.api_url: {".": {"id": "../keys"}}}))
    assert (await deploy_path(api, site))["version"] == 1
    (site / ".invoker.json").write_text('{"x": ' * 5000)
    assert (await deploy_path(api, site))["version"] == 1


async def test_a_file_that_changes_meanwhile_is_not_sent(site: Path) -> None:
    file = next(file for file in contents.collect(site) if file.path == "index.html")
    (site / "index.html").write_text("other")
    with pytest.raises(ClientError, match="was changed"):
        file.whole()


@pytest.mark.alone
async def test_500_files_are_live_in_four_seconds_and_three_changed_ones_in_one(api: Api, tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number}.txt").write_bytes(os.urandom(20 * 1024))
    assert await seconds(lambda: deploy_path(api, tmp_path)) <= 4
    for number in range(3):
        (tmp_path / f"{number}.txt").write_bytes(os.urandom(20 * 1024))
    assert await seconds(lambda: deploy_path(api, tmp_path)) <= 1
