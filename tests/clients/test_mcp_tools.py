"""Every tool, driven by the SDK's own client over both transports in both revisions, against a running system."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.assistant import (
    KEY,
    PAGE,
    REVISIONS,
    Assistant,
    approve,
    environment,
    over_http,
    over_stdio,
    serving_http,
    text,
)
from tests.support.client import Client, Target, an_address

pytestmark = pytest.mark.server
HOOK = "http://127.0.0.1:1024/hook"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_conversation_over_stdio(target: Target, person: Client, home: Path, log: Path, revision: str) -> None:
    async with over_stdio(environment(target.api, home), REVISIONS[revision], log=log) as assistant:
        assert assistant.client.protocol_version == revision
        await log_in(assistant, person, home)
        await whole_life(assistant, person)
        made = await assistant.ask("deploy", path=str(a_folder(home.parent / "site")))
        assert (await assistant.ask("publish", site=made["slug"]))["version"] == made["version"]
        assert (await person.site(made["slug"], "/site.css")).text == "body { margin: 0 }"
        assert (await assistant.ask("logout"))["status"] == "logged_out"
        assert not (await assistant.ask("whoami"))["logged_in"]
    assert assistant.keys == []
    assert not KEY.search(said(log))


def a_folder(folder: Path) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "site.css").write_text("body { margin: 0 }")
    return folder


def said(log: Path) -> str:
    return log.read_text()


def saved(home: Path) -> list[Path]:
    return list(home.glob("*"))


def saved_key(home: Path) -> str:
    kept = home / "credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    found = KEY.search(kept.read_text())
    assert found is not None
    return found[0]


async def log_in(assistant: Assistant, person: Client, home: Path) -> None:
    """Log in through the mailbox; the key is in a file of mode 0600 and nowhere else."""
    started = await assistant.ask("login")
    assert started["status"] == "pending"
    assert "account is needed" not in text(await assistant.call("whoami"))
    email = an_address()
    await approve(person, started, email)
    waited: list[str | None] = []

    async def progress(_done: float, _total: float | None, message: str | None) -> None:
        waited.append(message)

    done = await assistant.call("login", progress=progress)
    assert done.structured_content is not None
    assert done.structured_content["status"] == "logged_in"
    assert done.structured_content["email"] == email
    assert all(started["user_code"] in str(message) for message in waited)
    assert saved_key(home)[-4:] == done.structured_content["key_hint"][-4:]
    me = await assistant.ask("whoami")
    assert (me["email"], me["source"]) == (email, "file")


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_conversation_over_http(target: Target, person: Client, home: Path, log: Path, revision: str) -> None:
    account = await person.login(an_address())
    with serving_http(environment(target.api, home), log) as url:
        async with over_http(url, REVISIONS[revision], key=account["api_key"]) as assistant:
            assert assistant.client.protocol_version == revision
            assert "Authorization: Bearer" in await assistant.mistake("login")
            assert "invoker keys" in await assistant.mistake("logout")
            assert "no local files" in await assistant.mistake("deploy", path="/etc")
            me = await assistant.ask("whoami")
            assert (me["email"], me["source"]) == (account["email"], "request")
            await whole_life(assistant, person)
    assert assistant.keys == []
    assert not KEY.search(said(log))
    assert saved(home) == []


async def whole_life(assistant: Assistant, person: Client) -> None:
    """From a page to what visitors sent, and everything taken back once."""
    site = await put_live(assistant, person)
    await correct(assistant, person, site)
    await collect(assistant, person, site)
    await send_on(assistant, site)
    gone = await assistant.ask("delete_site", site=site)
    assert (await person.site(site)).status == 404
    assert (await assistant.ask("undo", **gone["undo"]))["done"] == "site_restored"
    assert "Tea" in (await person.site(site)).text


async def put_live(assistant: Assistant, person: Client) -> str:
    made = await assistant.ask("deploy", html=PAGE)
    site = str(made["slug"])
    assert (await person.site(site)).status == 404
    assert "Tee" in (await person.site(f"{site}--v1")).text
    assert repr(site) in made["next_step"]
    taken = await assistant.mistake("deploy", html=PAGE, slug=site)
    assert f"Try {site}-2, or omit slug" in taken
    assert "publish a version first" in await assistant.mistake(
        "edit_site", site=site, edits=[{"path": "index.html", "find": "Tee", "replace": "Tea"}]
    )
    assert (await assistant.ask("publish", site=site, version=1))["url"] == made["url"]
    assert "Tee" in (await person.site(site)).text
    rows = (await assistant.ask("list_sites"))["sites"]
    assert site in {row["slug"] for row in rows}
    return site


async def correct(assistant: Assistant, person: Client, site: str) -> None:
    edit = {"path": "index.html", "find": "<h1>Tee</h1>", "replace": "<h1>Tea</h1>"}
    shown = await assistant.ask("get_site", site=site, path="index.html")
    assert edit["find"] in shown["content"]
    edited = await assistant.ask("edit_site", site=site, edits=[edit])
    assert edited["version"] == 2
    assert "<h1>Tea</h1>" in (await person.site(site)).text
    assert "get_site with `path`" in await assistant.mistake("edit_site", site=site, edits=[edit])
    assert (await assistant.ask("undo", **edited["undo"]))["version"] == 1
    assert "<h1>Tee</h1>" in (await person.site(site)).text
    files = [{"path": "index.html", "content": PAGE.replace("Tee", "Tea")}, {"path": "a.txt", "content": "a"}]
    third = await assistant.ask("deploy", files=files, site=site)
    assert third["version"] == 3
    assert "<h1>Tee</h1>" in (await person.site(site)).text
    assert (await assistant.ask("publish", site=site))["undo"]["version"] == 1
    seen = await assistant.ask("get_site", site=site, detail="detailed")
    assert [(row["version"], row["live"]) for row in seen["versions"]] == [(3, True), (2, False), (1, False)]


async def collect(assistant: Assistant, person: Client, site: str) -> None:
    known = (await assistant.ask("get_site", site=site))["site"]["id"]
    for number in range(3):
        sent = await person.api("POST", f"/submit/{known}", json={"email": f"{number}@example.com"})
        assert sent.status == 200
    found = await assistant.ask("get_submissions", site=site)
    assert found["total"] == 3
    assert [row["data"]["email"][0] for row in found["submissions"]] == ["2", "1", "0"]
    assert ("email", "email") in {(column["name"], column["type"]) for column in found["columns"]}
    tried = await assistant.ask("test_form", site=site)
    assert [hop["hop"] for hop in tried["trace"]] == ["stored", "mail"]
    assert (await assistant.ask("get_submissions", site=known))["total"] == 3
    uri = f"invoker://site/{site}/submissions"
    read = await assistant.client.read_resource(uri)
    assert "2@example.com" in read.model_dump_json()


async def send_on(assistant: Assistant, site: str) -> None:
    added = await assistant.ask("add_webhook", site=site, url=HOOK)
    assert [row["id"] for row in (await assistant.ask("list_webhooks", site=site))["webhooks"]] == [added["id"]]
    removed = await assistant.ask("remove_webhook", site=site, webhook=added["id"])
    assert (await assistant.ask("list_webhooks", site=site))["webhooks"] == []
    back = await assistant.ask("undo", **removed["undo"])
    assert (back["done"], back["webhook"] != added["id"]) == ("webhook_added", True)
    assert "list_webhooks" in await assistant.mistake("remove_webhook", site=site, webhook=added["id"])


@asynccontextmanager
async def nobody(target: Target, home: Path) -> AsyncIterator[Assistant]:
    async with over_stdio(environment(target.api, home), REVISIONS["2026-07-28"]) as assistant:
        yield assistant


async def test_without_a_key_a_site_is_made_published_and_claimable(target: Target, person: Client, home: Path) -> None:
    async with nobody(target, home) as assistant:
        made = await assistant.ask("deploy", html=PAGE)
        assert made["claim_url"].startswith(target.app)
        await assistant.ask("publish", site=made["slug"])
        assert "Tee" in (await person.site(made["slug"])).text
        assert "Call login first" in await assistant.mistake("list_sites")


async def test_undo_alone_takes_back_the_last_change_first(target: Target, person: Client, home: Path) -> None:
    async with nobody(target, home) as assistant:
        made = await assistant.ask("deploy", html=PAGE)
        await assistant.ask("publish", site=made["slug"])
        for word in ("one", "two"):
            body = PAGE.replace("Tee", word)
            await assistant.ask("deploy", html=body, site=made["slug"])
            await assistant.ask("publish", site=made["slug"])
        assert [(await assistant.ask("undo"))["version"] for _ in range(2)] == [2, 1]
        assert "Tee" in (await person.site(made["slug"])).text
        assert "Nothing is remembered" in await assistant.mistake("undo")


async def test_over_http_each_request_is_its_own(target: Target, person: Client, home: Path, log: Path) -> None:
    one, other = await person.login(an_address()), await person.login(an_address())
    with serving_http(environment(target.api, home), log) as url:
        mode = REVISIONS["2026-07-28"]
        async with (
            over_http(url, mode, key=one["api_key"]) as first,
            over_http(url, mode, key=other["api_key"]) as second,
        ):
            made = await first.ask("deploy", html=PAGE)
            assert (await second.ask("list_sites"))["sites"] == []
            assert "You have no site" in await second.mistake("publish", site=made["slug"])
        async with over_http(url, mode) as third:
            assert "Authorization: Bearer" in await third.mistake("list_sites")
            anonymous = await third.ask("deploy", html=PAGE)
            assert "claim_url" in anonymous["next_step"]
            assert "Authorization: Bearer" in await third.mistake("publish", site=anonymous["slug"])
        async with over_http(url, mode, key="inv_" + "0" * 36) as wrong:
            assert "Authorization: Bearer" in await wrong.mistake("list_sites")
