"""Login: from the session to the kept key, its renewal, and APIs that lie about it."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from invoker_mcp import credentials, login, renewal
from invoker_mcp.api import Api
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn, Unreachable
from invoker_mcp.settings import Settings
from tests.support.client import Client, an_address

Lying = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[Settings]]


async def approve(person: Client, session_id: str) -> str:
    """Do what the person does in the browser, and return their address."""
    email = an_address()
    await person.api("POST", "/auth/otp", json={"session_id": session_id, "email": email})
    code = await person.code(email)
    answer = await person.api("POST", "/auth/verify", json={"session_id": session_id, "code": code})
    assert answer.json == {"status": "approved"}
    return email


async def logged_in(person: Client, api: Api) -> tuple[str, Credential]:
    started = await login.start(api, client="tests")
    return await approve(person, started.session_id), await login.wait(api, started)


async def test_a_login_keeps_a_key_that_ends_after_90_days(person: Client, nobody: Api) -> None:
    email, credential = await logged_in(person, nobody)
    assert credential.email == email
    assert (await nobody.get("/auth/me"))["email"] == email
    kept = json.loads(nobody.settings.credentials_file.read_text())
    assert kept["api_key"] == credential.key
    assert stat.S_IMODE(nobody.settings.credentials_file.stat().st_mode) == 0o600
    ends = datetime.fromisoformat(kept["expires_at"])
    assert timedelta(days=89) < ends - datetime.now(UTC) < timedelta(days=91)
    assert credential.expires_at is not None
    assert len((await nobody.get("/keys"))["keys"]) == 1


async def test_waiting_tells_how_far_it_is_and_ends_when_approved(person: Client, nobody: Api) -> None:
    started = replace(await login.start(nobody, client="tests"), poll_interval=1.0)
    told: list[float] = []
    waiting = asyncio.create_task(login.wait(nobody, started, lambda elapsed, _: told.append(elapsed)))
    await asyncio.sleep(0.2)
    await approve(person, started.session_id)
    assert (await waiting).source == "file"
    assert told == sorted(told)
    assert len(told) >= 2


async def test_an_old_key_is_replaced_and_the_old_one_has_its_grace(person: Client, nobody: Api) -> None:
    _, old = await logged_in(person, nobody)
    aged = replace(old, expires_at=datetime.now(UTC) + timedelta(days=29))
    nobody.credential = credentials.save(nobody.settings, aged)
    task = renewal.start(nobody)
    assert task is not None
    await task
    new = credentials.find(nobody.settings)
    assert new is not None
    assert new.key != old.key
    assert nobody.credential is not None
    assert new.key == nobody.credential.key
    assert new.expires_at is not None
    assert new.expires_at - datetime.now(UTC) > timedelta(days=89)
    async with Api(nobody.settings, old) as late:
        assert await late.get("/auth/me")
    assert renewal.start(nobody) is None


async def test_many_processes_replace_a_key_once(person: Client, nobody: Api) -> None:
    _, old = await logged_in(person, nobody)
    aged = credentials.save(nobody.settings, replace(old, expires_at=datetime.now(UTC) + timedelta(days=1)))
    async with Api(nobody.settings, aged) as one, Api(nobody.settings, aged) as two:
        await asyncio.gather(*(task for api in (one, two) if (task := renewal.start(api))))
        listed = (await one.get("/keys", params={"state": "all"}))["keys"]
    assert len(listed) == 2  # the login's, and the renewal


@pytest.mark.parametrize(
    "credential, is_due",
    [
        (Credential(key="k", source="environment", key_id="key_1", expires_at=datetime.now(UTC)), False),
        (Credential(key="k", source="file", key_id="key_1", created_at=datetime.now(UTC) - timedelta(days=59)), False),
        (Credential(key="k", source="file", key_id="key_1", created_at=datetime.now(UTC) - timedelta(days=61)), True),
        (Credential(key="k", source="keyring", key_id="key_1", expires_at=datetime.now(UTC) + timedelta(31)), False),
        (Credential(key="k", source="keyring", key_id="key_1", expires_at=datetime.now(UTC) + timedelta(29)), True),
        (Credential(key="k", source="file", key_id="key_1", expires_at=datetime.now(UTC) - timedelta(1)), False),
        (None, False),
    ],
)
def test_only_a_logins_key_of_a_certain_age_is_due(credential: Credential | None, is_due: bool) -> None:  # noqa: FBT001
    assert renewal.due(credential) is is_due


async def test_logging_out_revokes_the_key_and_forgets_it(person: Client, nobody: Api) -> None:
    _, credential = await logged_in(person, nobody)
    assert await login.log_out(nobody)
    assert not nobody.settings.credentials_file.exists()
    async with Api(nobody.settings, credential) as late:
        with pytest.raises(NotLoggedIn):
            await late.get("/auth/me")
    assert not await login.log_out(nobody)


async def test_logging_out_without_a_network_forgets_and_says_that_the_key_works_on(
    person: Client, nobody: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, credential = await logged_in(person, nobody)

    async def away(*_: object, **__: object) -> None:
        raise Unreachable("no network")

    monkeypatch.setattr(nobody, "call", away)
    with pytest.raises(Unreachable, match="not revoked"):
        await login.log_out(nobody)
    assert credentials.saved(nobody.settings) is None
    async with Api(nobody.settings, credential) as late:
        assert await late.get("/auth/me")


async def test_a_key_that_was_renewed_for_nobody_is_revoked(person: Client, nobody: Api) -> None:
    _, credential = await logged_in(person, nobody)
    credentials.forget(nobody.settings)
    await renewal.rotate(nobody, grace=timedelta(minutes=1))
    assert nobody.credential is None
    async with Api(nobody.settings, credential) as late:
        rows = (await late.get("/keys", params={"state": "all"}))["keys"]
    assert rows[0]["revoked_at"] is not None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "https://a@evil.example", None])
async def test_a_login_page_that_is_none_is_not_opened(lying: Lying, url: str | None) -> None:
    async def answer(_: web.Request) -> web.Response:
        said = {"session_id": "ls_1", "user_code": "BCDF-GHJK", "login_url": url, "expires_at": None}
        return web.json_response(said, status=201)

    async with Api(await lying(answer)) as api:
        with pytest.raises(Unreachable):
            await login.start(api, client="tests")


async def test_a_login_that_is_over_is_said_to_be(lying: Lying) -> None:
    async def gone(request: web.Request) -> web.Response:
        if request.path.endswith("/session"):
            said = {"session_id": "ls_1", "user_code": "BCDF-GHJK", "login_url": "https://a.example/login/ls_1"}
            return web.json_response({**said, "poll_interval": -5}, status=201)
        return web.json_response({"error": "This login is over"}, status=410)

    async with Api(await lying(gone)) as api:
        started = await login.start(api, client="tests")
        assert started.poll_interval >= 1
        with pytest.raises(ApiError, match="over"):
            await login.wait(api, started)
        with pytest.raises(ClientError, match="in time"):
            await login.wait(api, replace(started, expires_at=datetime.now(UTC)))
    assert started.verifier not in repr(started)


def test_the_browser_of_the_environment_is_opened(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(note)!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr("webbrowser._tryorder", None)
    assert login.open_browser("http://localhost/login/ls_1", settings)
    assert note.read_text() == "http://localhost/login/ls_1"
    note.unlink()
    assert not login.open_browser("file:///etc/passwd", settings)
    assert not login.open_browser("http://localhost/", replace(settings, no_browser=True))
    assert not note.exists()


def test_without_a_screen_there_is_no_browser(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not login.open_browser("http://localhost/", settings)
    assert os.environ.get("BROWSER") is None
