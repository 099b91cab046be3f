"""The command line: what it prints for people and for programs, and how it ends."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from invoker_mcp import credentials
from invoker_mcp.cli import codes
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn, Unreachable
from invoker_mcp.settings import Settings
from tests.support.client import Client, an_address
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.terminal import Terminal, interrupt

Lying = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[Settings]]
FORM = '<!doctype html><title>t</title><form action="{{SUBMIT_URL}}" method="post"><input name="email"></form>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give a folder with a form."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(FORM)
    (folder / "a.txt").write_text("one")
    return folder


async def test_login_prints_its_address_and_code_and_keeps_the_key(terminal: Terminal, person: Client) -> None:
    terminal.environment.pop("INVOKER_API_KEY")
    process = await terminal.start("login", "--no-browser")
    assert process.stderr is not None
    shown = (await process.stderr.readline()).decode() + (await process.stderr.readline()).decode()
    found = re.search(rf"Open {person.target.app}/login/(ls_\w+)\s+Code: [A-Z]{{4}}-[A-Z]{{4}}", shown)
    assert found, shown
    email = an_address()
    await person.api("POST", "/auth/otp", json={"session_id": found[1], "email": email})
    code = await person.code(email)
    await person.api("POST", "/auth/verify", json={"session_id": found[1], "code": code})
    out, err = await process.communicate()
    assert process.returncode == 0, err
    kept = json.loads((terminal.folder / "home" / "credentials.json").read_text())
    assert email in out.decode()
    assert kept["api_key"] not in (out + err).decode() + shown
    who = (await terminal.ok("whoami", "--json")).json
    assert (who["email"], who["key"]["source"]) == (email, "file")
    assert (await terminal.ok("logout")).out == "Logged out.\n"
    assert (await terminal.run("whoami")).code == codes.NOT_LOGGED_IN


async def test_whoami_says_where_the_key_came_from_and_never_the_key(
    terminal: Terminal, account: dict[str, str]
) -> None:
    shown = await terminal.ok("whoami")
    assert "from INVOKER_API_KEY" in shown.out
    assert account["email"] in shown.out
    flagged = await terminal.ok("whoami", "--json", "--api-key", account["api_key"], INVOKER_API_KEY="inv_other000")
    assert flagged.json["key"]["source"] == "flag"
    assert flagged.json["key"]["id"] == account["key_id"]
    assert account["api_key"] not in shown.out + shown.err + flagged.out + flagged.err


async def test_deploy_publish_and_rollback(terminal: Terminal, person: Client, site: Path) -> None:
    made = (await terminal.ok("deploy", "site", "--json")).json
    assert (made["version"], made["live"], made["sent"]) == (1, True, 2)
    (site / "a.txt").write_text("two")
    preview = await terminal.ok("deploy", "site", "--preview")
    assert preview.out.strip().endswith("--v2.sites.localhost:" + person.target.app.rpartition(":")[2])
    assert f"invoker publish {made['slug']} --version 2" in preview.err
    assert (await terminal.ok("publish", made["slug"])).out.strip() == made["url"]
    assert (await person.site(made["slug"], "/a.txt")).text == "two"
    assert (await terminal.ok("rollback", made["slug"], "--json")).json["version"] == 1
    assert (await person.site(made["slug"], "/a.txt")).text == "one"
    assert (await terminal.ok("open", made["id"])).out.strip() == made["url"]


async def test_sites_are_lines_for_programs_and_rm_asks(terminal: Terminal) -> None:
    assert "no sites" in (await terminal.ok("sites")).err
    (terminal.folder / "page.html").write_text(FORM)
    made = (await terminal.ok("deploy", "page.html", "--json")).json
    row = (await terminal.ok("sites")).out.splitlines()[0].split("\t")
    assert (row[0], row[1], row[-1]) == (made["slug"], "active", made["url"])
    assert (await terminal.run("rm", made["slug"])).code == codes.USAGE
    assert "restored until" in (await terminal.ok("rm", made["slug"], "--yes")).out
    assert (await terminal.ok("sites", "--json")).json == {"deployments": []}
    listed = (await terminal.ok("sites", "--deleted", "--json")).json["deployments"]
    assert [each["id"] for each in listed] == [made["id"]]


async def test_anonymous_deploys_need_no_login(terminal: Terminal, site: Path) -> None:
    terminal.environment.pop("INVOKER_API_KEY")
    assert (await terminal.run("deploy", str(site))).code == codes.NOT_LOGGED_IN
    made = await terminal.ok("deploy", str(site), "--anonymous")
    assert "/claim/" in made.err


async def submit(person: Client, site: str, **data: str) -> None:
    answer = await person.api("POST", f"/submit/{site}", json=data)
    assert answer.status == 200, answer.text


async def test_submissions_as_a_list_and_as_csv(terminal: Terminal, person: Client, site: Path) -> None:
    made = (await terminal.ok("deploy", str(site), "--json")).json
    await submit(person, made["id"], email="a@example.com", note="\x1b]0;owned\x07")
    listed = await terminal.ok("submissions", made["slug"])
    assert "email: a@example.com" in listed.out
    assert "\x1b" not in listed.out
    page = (await terminal.ok("submissions", made["slug"], "--json")).json
    assert page["submissions"][0]["data"]["email"] == "a@example.com"
    head, row, *_ = (await terminal.ok("submissions", made["slug"], "--csv")).out.splitlines()
    assert head.startswith("id,created_at,form,status")
    assert "a@example.com" in row
    assert (await terminal.run("submissions", made["slug"], "--csv", "--follow")).code == codes.USAGE


async def test_submissions_are_followed_until_interrupted(terminal: Terminal, person: Client, site: Path) -> None:
    made = (await terminal.ok("deploy", str(site), "--json")).json
    await submit(person, made["id"], email="before@example.com")
    process = await terminal.start("submissions", made["slug"], "--follow", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stderr.readline()
    for name in ("one", "two"):
        await asyncio.sleep(0.3)
        await submit(person, made["id"], email=f"{name}@example.com")
        async with asyncio.timeout(10):
            row = json.loads(await process.stdout.readline())
        assert row["data"] == {"email": f"{name}@example.com"}
    assert (await interrupt(process)).code == codes.INTERRUPTED


async def test_a_watched_folder_is_deployed_again(terminal: Terminal, person: Client, site: Path) -> None:
    process = await terminal.start("deploy", str(site), "--watch", "--json")
    made = None
    assert process.stderr is not None
    await process.stderr.readline()
    made = json.loads((site / ".invoker.json").read_text())[person.target.api]["."]
    (site / "a.txt").write_text("changed")

    async def live() -> bool:
        return (await person.site(made["slug"], "/a.txt")).text == "changed"

    await eventually(live)
    assert (await interrupt(process)).code == codes.INTERRUPTED


async def test_keys_are_made_rotated_and_revoked(terminal: Terminal, account: dict[str, str]) -> None:
    made = (
        await terminal.ok("keys", "create", "--name", "ci", "--scope", "read", "--expires-in", "90d", "--json")
    ).json
    assert (await terminal.ok("sites", INVOKER_API_KEY=made["key"])).code == 0
    new = (await terminal.ok("keys", "rotate", made["id"], "--json")).json
    assert (await terminal.run("sites", INVOKER_API_KEY=made["key"])).code == codes.NOT_LOGGED_IN
    await terminal.ok("keys", "revoke", new["id"])
    listed = (await terminal.ok("keys", "list")).out.splitlines()
    assert [line.split("\t")[0] for line in listed] == [account["key_id"]]
    assert (await terminal.run("keys", "create", "--expires-in", "soon")).code == codes.USAGE


async def test_the_key_of_the_login_is_rotated_in_its_place(
    terminal: Terminal, settings: Settings, account: dict[str, str]
) -> None:
    key = terminal.environment.pop("INVOKER_API_KEY")
    credentials.save(settings, Credential(key=key, source="file", key_id=account["key_id"]))
    rotated = await terminal.ok("keys", "rotate", account["key_id"])
    kept = credentials.find(settings)
    assert kept is not None
    assert kept.key != key
    assert kept.key not in rotated.out + rotated.err
    assert "logged out" in (await terminal.ok("keys", "revoke", str(kept.key_id))).out
    assert credentials.find(settings) is None


async def test_webhooks_are_added_tested_and_removed(terminal: Terminal, site: Path, lying: Lying) -> None:
    async def receive(_: web.Request) -> web.Response:
        return web.Response(text="thanks")

    receiver = (await lying(receive)).api_url
    made = (await terminal.ok("deploy", str(site), "--json")).json
    hook = (await terminal.ok("webhooks", "add", made["slug"], receiver, "--json")).json
    assert hook["secret"].startswith("whsec_")
    assert (await terminal.ok("webhooks", "test", made["slug"], hook["id"])).out.startswith("200")
    assert "\t200" in (await terminal.ok("webhooks", "deliveries", made["slug"], hook["id"])).out
    assert (await terminal.ok("webhooks", "list", made["slug"])).out.split("\t")[0] == hook["id"]
    await terminal.ok("webhooks", "rm", made["slug"], hook["id"])
    assert (await terminal.ok("webhooks", "list", made["slug"], "--json")).json == {"webhooks": []}


async def test_logs_are_the_accounts_trail(terminal: Terminal) -> None:
    assert "key.created" in (await terminal.ok("logs")).out
    assert (await terminal.ok("logs", "--json", "--limit", "1")).json["events"][0]["at"]


async def test_a_conflict_has_its_code_hint_and_request_id(terminal: Terminal, site: Path) -> None:
    slug = f"taken-{os.urandom(4).hex()}"
    await terminal.ok("deploy", str(site), "--anonymous", "--slug", slug)
    refused = await terminal.run("deploy", str(site), "--slug", slug)
    assert refused.code == codes.CONFLICT
    assert re.search(r"Error: .+\n(.+\n)?Request: req_\w+\n", refused.err), refused.err
    said = json.loads((await terminal.run("deploy", str(site), "--slug", slug, "--json")).err)
    assert (said["status"], bool(said["request_id"])) == (409, True)


async def test_a_plans_limit_is_a_limit(
    terminal: Terminal, site: Path, person: Client, account: dict[str, str]
) -> None:
    for _ in range(5):
        await person.api("POST", "/deploy", key=account["api_key"], json={"html": FORM})
    refused = await terminal.run("deploy", str(site))
    assert refused.code == codes.CONFLICT
    assert "Deployment limit reached" in refused.err


async def test_ends_that_a_script_can_tell_apart(terminal: Terminal, site: Path) -> None:
    assert (await terminal.spawn("deploy", "nowhere")).code == codes.USAGE
    assert (await terminal.spawn("open", "no-such-site")).code == codes.REFUSED
    assert (await terminal.run("publish")).code == codes.USAGE
    assert (await terminal.run("sites", INVOKER_API_KEY="inv_" + "0" * 36)).code == codes.NOT_LOGGED_IN
    assert (await terminal.run("sites", INVOKER_API_URL=f"http://127.0.0.1:{free_port()}")).code == codes.UNREACHABLE
    assert (await terminal.run("sites", INVOKER_API_URL="ftp://x")).code == codes.REFUSED
    assert (await terminal.run("deploy", str(site), "--slug", "Not A Slug")).code == codes.REFUSED


@pytest.mark.parametrize(
    "error, code",
    [
        (ApiError("no", status=400), 1),
        (ClientError("no"), 1),
        (codes.Usage("what"), 2),
        (NotLoggedIn("who"), 3),
        (Unreachable("where"), 4),
        (ApiError("away", status=503), 4),
        (ApiError("taken", status=409), 5),
        (ApiError("slower", status=429), 5),
        (ApiError("full", status=403, code="limit_reached"), 5),
    ],
)
def test_exit_codes_are_as_documented(error: ClientError, code: int) -> None:
    assert codes.of(error) == code


async def test_output_has_no_colours_where_there_is_no_terminal(terminal: Terminal) -> None:
    shown = [await terminal.spawn("--help"), await terminal.spawn("sites"), await terminal.spawn("open", "x")]
    assert not any("\x1b" in ran.out + ran.err for ran in shown)
    forced = await terminal.run("open", "x", FORCE_COLOR="1", NO_COLOR="1")
    assert "31m" not in forced.err
    assert "31m" in (await terminal.run("open", "x", FORCE_COLOR="1")).err
    assert "130 interrupted" in " ".join(shown[0].out.split())


async def test_a_shell_completes_commands_and_flags(terminal: Terminal) -> None:
    asked = {"_INVOKER_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert (await terminal.spawn(COMP_WORDS="invoker pub", **asked)).out.split() == ["publish"]
    flags = await terminal.spawn(COMP_WORDS="invoker deploy --pre", **{**asked, "COMP_CWORD": "2"})
    assert flags.out.split() == ["--preview"]


async def test_what_a_lying_api_says_does_not_steer_the_terminal(lying: Lying, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\u202e[red]x[/red]\n"

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/deploy"):
            row = {"id": "dep_" + "a" * 16, "slug": evil, "status": evil, "url": f"javascript:{evil}", "size": evil}
            return web.json_response({"deployments": [row, 5, None], "next_cursor": None})
        if "/deploy/" in request.path:
            return web.json_response({"id": "dep_" + "a" * 16, "url": "javascript:alert(1)"})
        return web.json_response({"error": evil, "hint": evil, "request_id": evil}, status=400)

    terminal = Terminal(tmp_path, (await lying(answer)).api_url, INVOKER_API_KEY="inv_" + "a1" * 18)
    for command in (["sites"], ["sites", "--json"], ["whoami"], ["whoami", "--json"], ["open", "dep_" + "a" * 16]):
        ran = await terminal.run(*command)
        assert "Traceback" not in ran.err
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", ran.out + ran.err), ran
        assert "a1a1a1a1" not in ran.out + ran.err
    assert (await terminal.run("open", "dep_" + "a" * 16)).code == codes.REFUSED
