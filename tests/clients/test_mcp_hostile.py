"""An API that lies: its answers do no harm to the conversation or the machine, and do not bring a key into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp_types import ElicitRequestURLParams, ElicitResult

from invoker_mcp.credentials import Credential, save
from invoker_mcp.server.app import App
from invoker_mcp.server.memory import Memory
from invoker_mcp.settings import Settings
from tests.support.assistant import REVISIONS, Assistant
from tests.support.false_api import FalseApi, false_api

KEY = "inv_" + "a1B2" * 9
SITE = "dep_" + "a1B2" * 4
CALLS: dict[str, dict[str, Any]] = {
    "whoami": {},
    "deploy": {"html": "<p>"},
    "publish": {"site": SITE, "version": 1},
    "edit_site": {"site": SITE, "edits": [{"path": "a", "find": "b", "replace": "c"}]},
    "list_sites": {},
    "get_site": {"site": SITE, "detail": "detailed"},
    "delete_site": {"site": SITE},
    "get_submissions": {"site": SITE},
    "test_form": {"site": SITE},
    "add_webhook": {"site": SITE, "url": "https://example.com"},
    "list_webhooks": {"site": SITE},
    "remove_webhook": {"site": SITE, "webhook": "wh_1"},
    "undo": {"site": SITE},
}
DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]
ROW = {
    "id": SITE, "slug": KEY, "url": f"javascript:{KEY}", "version": "one", "warnings": 7, "title": "x" * 200_000,
    "email": {"a": KEY}, "usage": [KEY], "next_cursor": 5, "columns": "none", "trace": [1, {"hop": KEY}],
    "total": 10**30, "secret": KEY, "restore_until": [], "complete": "yes",
}  # fmt: skip
LISTS = ("deployments", "versions", "submissions", "webhooks")
LIES: dict[str, Any] = {
    "a row of lies": {**ROW, **{name: [ROW, 1, None, []] for name in LISTS}},
    "lists that are none": {name: {"a": KEY} for name in (*LISTS, "columns")},
    "a list": [KEY],
    "nothing": b"",
    "no JSON": b"<html>" + KEY.encode(),
    "depth": {"deployments": [{"a": DEEP}], "submissions": [{"data": DEEP}], "id": DEEP},
    "many": {
        "submissions": [{"data": {"a": "語" * 3_000}}] * 300,
        "deployments": [{"id": SITE, "title": "y" * 3_000}] * 300,
        "webhooks": [{"id": "wh_1", "url": "z" * 3_000}] * 300,
        "versions": [{"version": 1, "title": "y" * 3_000}] * 300,
        "trace": [{"hop": "x" * 3_000}] * 300,
    },
}


def list_of(folder: Path) -> list[Path]:
    return list(folder.glob("**/*"))


@asynccontextmanager
async def talking(
    api: FalseApi, home: Path, revision: str, key: str | None = KEY, **more: Any
) -> AsyncIterator[Assistant]:
    settings = Settings(api_url=api.url, home=home, api_key=key, keyring=False, no_browser=True, timeout=10)
    async with Client(App(settings, Memory()).server(), mode=REVISIONS[revision], **more) as client:
        yield Assistant(client)


@pytest.mark.parametrize("lie", LIES)
async def test_no_answer_brings_a_key_or_too_much_into_the_conversation(tmp_path: Path, lie: str) -> None:
    async with false_api(otherwise=LIES[lie]) as api, talking(api, tmp_path, "2025-11-25") as assistant:
        answers = await asyncio.gather(*(assistant.call(name, **given) for name, given in CALLS.items()))
        assert max(len(answer.model_dump_json().encode()) for answer in answers) < 60_000
        assert assistant.keys == []
    assert list_of(tmp_path) == []


@pytest.mark.parametrize("status", [302, 400, 403, 404, 409, 429, 500])
async def test_no_refusal_brings_a_key_and_each_says_something(tmp_path: Path, status: int) -> None:
    refused = {"error": f"You sent {KEY}", "hint": f"{KEY} is yours", "code": "slug_taken", "request_id": KEY}
    elsewhere = {"Location": "http://127.0.0.1:1/elsewhere", "Retry-After": "1"}
    async with (
        false_api(otherwise=refused, status=status, headers=elsewhere) as api,
        talking(api, tmp_path, "2025-11-25") as assistant,
    ):
        said = await asyncio.gather(*(assistant.mistake(name, **given) for name, given in CALLS.items()))
        assert min(map(len, said)) > 10
        assert assistant.keys == []


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "https://user@evil.example", "http://a b", "ms-settings:", 7, None],
)
async def test_no_login_address_but_a_web_page_is_shown_or_opened(tmp_path: Path, url: Any) -> None:
    started = {"session_id": "ls_1", "user_code": "ABCD-EFGH", "login_url": url, "poll_interval": 1}
    async with (
        false_api(answers={"POST /auth/session": started}) as api,
        talking(api, tmp_path, "2026-07-28", key=None, elicitation_callback=refuse) as assistant,
    ):
        assert "INVOKER_API_URL" in await assistant.mistake("login")


async def refuse(_context: Any, _params: Any) -> ElicitResult:
    raise AssertionError("the client was asked to open an address")


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_a_client_that_can_is_asked_to_show_the_address(tmp_path: Path, revision: str, action: Any) -> None:
    shown: list[str] = []
    started = {
        "session_id": "ls_1",
        "user_code": "BCDF-GHJK",
        "login_url": "http://localhost/login/ls_1",
        "poll_interval": 1,
    }
    token = {"api_key": KEY, "email": "ada@example.com"}

    async def show(_context: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams)
        assert "BCDF-GHJK" in params.message
        shown.append(params.url)
        return ElicitResult(action=action)

    async with (
        false_api(answers={"POST /auth/session": started, "POST /auth/token": token}) as api,
        talking(api, tmp_path, revision, key=None, elicitation_callback=show) as assistant,
    ):
        done = await assistant.ask("login")
        assert shown == [started["login_url"]]
        assert done["status"] == ("logged_in" if action == "accept" else "pending")
        assert assistant.keys == []


async def test_the_key_of_the_environment_is_used_and_no_login_begins(tmp_path: Path) -> None:
    me = {"email": "ada@example.com", "plan": "free"}
    async with false_api(answers={"GET /auth/me": me}) as api, talking(api, tmp_path, "2026-07-28") as assistant:
        assert (await assistant.ask("login"))["source"] == "environment"
        assert "INVOKER_API_KEY" in await assistant.mistake("logout")
        assert api.requests == [("GET /auth/me", f"Bearer {KEY}")]
        assert assistant.keys == []


async def test_a_saved_key_that_was_revoked_begins_a_new_login(tmp_path: Path) -> None:
    started = {
        "session_id": "ls_1",
        "user_code": "BCDF-GHJK",
        "login_url": "http://localhost/login/ls_1",
        "poll_interval": 1,
    }
    gone = (401, {"error": "Unauthorized", "code": "unauthorized", "request_id": "req_1"})
    pending = (202, {"status": "pending"})
    answers = {"GET /auth/me": gone, "POST /auth/session": started, "POST /auth/token": pending}
    async with false_api(answers=answers) as api, talking(api, tmp_path, "2026-07-28", key=None) as assistant:
        saved = Settings(api_url=api.url, home=tmp_path, keyring=False)
        save(saved, Credential(key=KEY, source="file", email="ada@example.com", key_id="key_1"))
        assert "Call login first" in await assistant.mistake("whoami")
        assert (await assistant.ask("login"))["user_code"] == "BCDF-GHJK"
        assert (await assistant.ask("logout"))["status"] == "logged_out"
        assert not (await assistant.ask("whoami"))["logged_in"]
        assert assistant.keys == []
