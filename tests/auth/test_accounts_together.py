"""Accounts over both services: what ends in auth ends in deploy, and what deploy has is exported by auth."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.auth.store import audit
from services.deploy import exports
from services.deploy.service import upkeep
from shared import auth_client, db, outbox
from shared.errors import Unavailable
from tests.support.auth import OWN_PAGE, TOKEN, Browser, an_address, running_auth
from tests.support.client import Answer
from tests.support.eventually import eventually
from tests.support.together import Together
from tests.support.together import together as running


@pytest.fixture
async def together(database_url: str, tmp_path: Path) -> AsyncIterator[Together]:
    """Give auth and deploy, knowing each other."""
    async with running(database_url, tmp_path / "blobs") as both:
        yield both


async def person(together: Together, email: str) -> tuple[str, Browser]:
    """Give a key and a browser of one account."""
    auth = together.auth
    key, browser = await auth.log_in(email), auth.browser()
    sent = await browser.post("/login", {"email": email})
    await browser.post(f"{sent.headers['Location']}/code", {"code": (await auth.mail(email, 2)).code})
    return key, browser


async def asks(together: Together, browser: Browser, method: str = "GET", path: str = "/deploy") -> int:
    """Ask deploy with the browser's cookie, as the dashboard does."""
    headers = {"Cookie": f"invoker_session={browser.cookies['invoker_session']}", **OWN_PAGE}
    return (await together.deploy.call(method, path, headers=headers)).status


async def test_r62_an_ended_session_is_refused_by_deploy_at_once(together: Together) -> None:
    """R62: the event drops it from the cache."""
    _, browser = await person(together, an_address())
    held = Browser(together.auth, dict(browser.cookies))
    assert await asks(together, held) == 200
    assert (await browser.api("POST", "/auth/logout")).status == 200

    async def refused() -> bool:
        return await asks(together, held) == 401

    assert await eventually(refused, within=10)


async def test_r62_an_old_cookie_is_dead_in_both_services_after_a_login(together: Together) -> None:
    """R62: rotated at login."""
    auth, email = together.auth, an_address()
    _, browser = await person(together, email)
    held = Browser(auth, dict(browser.cookies))
    assert await asks(together, held) == 200
    sent = await browser.post("/login", {"email": email})
    await browser.post(f"{sent.headers['Location']}/code", {"code": (await auth.mail(email, 3)).code})

    async def refused() -> bool:
        return await asks(together, held) == 401

    assert await eventually(refused, within=10)
    assert (await held.api("GET", "/auth/me")).status == 401
    assert await asks(together, browser) == 200


async def test_r45_without_the_event_an_ended_session_is_refused_within_30_seconds(
    together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R45: the cache asks again after that long, of which a tenth of a second is left here."""
    _, browser = await person(together, an_address())
    held = Browser(together.auth, dict(browser.cookies))
    monkeypatch.setattr(together.deploy.bus, "_listeners", [])
    assert await asks(together, held) == 200
    await browser.api("POST", "/auth/logout")
    assert auth_client.POSITIVE == 30.0
    assert await asks(together, held) == 200, "still remembered"
    monkeypatch.setattr(auth_client, "POSITIVE", 0.0)
    assert await asks(together, held) == 401
    monkeypatch.undo()


async def test_a_deleted_accounts_credentials_end_everywhere_and_its_sites_a_week_later(together: Together) -> None:
    auth, deploy, email = together.auth, together.deploy, an_address()
    key, browser = await person(together, email)
    site = await deploy.publish(key)
    held = Browser(auth, dict(browser.cookies))
    assert await asks(together, held) == 200
    assert (await browser.api("DELETE", "/auth/account", {"confirm": email})).status == 200

    async def refused() -> bool:
        answers = [await asks(together, held), (await deploy.call("GET", "/deploy", key=key)).status]
        return answers == [401, 401]

    assert await eventually(refused, within=10)
    assert (await deploy.site(site["slug"])).status == 200
    async with db.pool(deploy.database_url, "deploy", size=2) as pool, outbox.open_outbox(pool, deploy.bus) as box:
        ends = "UPDATE accounts SET ends_at = ends_at - interval '7 days 2 hours' RETURNING true"
        assert await eventually(lambda: pool.fetchval(ends))
        await upkeep.end_accounts(box)
        assert (await deploy.site(site["slug"])).status == 404


async def test_who_comes_back_within_the_week_has_the_sites_again(together: Together) -> None:
    auth, deploy, email = together.auth, together.deploy, an_address()
    key, browser = await person(together, email)
    site = await deploy.publish(key)
    await browser.api("DELETE", "/auth/account", {"confirm": email})
    fresh = await auth.log_in(email)

    async def stays() -> bool:
        async with db.pool(deploy.database_url, "deploy", size=1) as pool:
            row = await pool.fetchrow("SELECT revision, ends_at FROM accounts")
        return row is not None and tuple(row) == (3, None)

    assert await eventually(stays)
    listed = (await deploy.call("GET", "/deploy", key=fresh)).json["deployments"]
    assert [each["id"] for each in listed] == [site["id"]]


async def test_a_changed_address_is_the_one_that_notices_go_to(together: Together) -> None:
    auth, deploy, email, new = together.auth, together.deploy, an_address(), an_address("new")
    key, browser = await person(together, email)
    site = await deploy.publish(key)
    assert (await browser.api("POST", "/auth/email", {"email": new})).status == 202
    mails = await eventually(lambda: [each for each in events(auth.bus.published, "mail.email_code") if each.new])
    old = next(each for each in events(auth.bus.published, "mail.email_code") if not each.new)
    codes = {"current_code": old.code, "new_code": mails[0].code}
    assert (await browser.api("POST", "/auth/email/confirm", codes)).status == 200
    deploy.bus.gap()

    async def told() -> bool:
        await deploy.submit(site, json={"name": "Ada"})
        deploy.bus.gap()
        return new in {notice.to for notice in deploy.bus.notices}

    assert await eventually(told, every=0.1)


def events(published: list[Any], kind: str) -> list[Any]:
    return [each.event() for each in published if each.type == kind]


# Export


async def export(together: Together, key: str) -> Answer:
    return await together.auth.call("GET", "/auth/export", key=key)


async def test_an_export_is_everything_and_no_secret(together: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS", 2)
    auth, deploy, email = together.auth, together.deploy, an_address()
    key, browser = await person(together, email)
    made = (await browser.api("POST", "/keys", {"name": "Ä key"})).json["key"]
    sites = [await deploy.publish(key, title="Ada’s") for _ in range(3)]
    for number in range(5):
        await deploy.submit(sites[1], json={"name": f"Visitor {number}", "_hp": "x" if number == 4 else ""})
    await deploy.call("PUT", f"/deploy/{sites[1]['id']}", key=key, json={"html": "2"})
    await deploy.call("DELETE", f"/deploy/{sites[0]['id']}", key=key)
    stranger = await auth.log_in(an_address("other"))
    await deploy.publish(stranger)
    answer = await export(together, key)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="invoker-export-')
    for name, value in (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")):
        assert answer.headers[name] == value
    whole = answer.json
    assert list(whole) == ["account", "keys", "sessions", "audit", "sites"]
    assert whole["account"]["email"] == email
    assert {each["name"] for each in whole["keys"]} >= {"Ä key"}
    assert len(whole["sessions"]) == 1
    assert {"login.succeeded", "key.created", "session.created"} & {each["action"] for each in whole["audit"]}
    assert [each["id"] for each in whole["sites"]] == [site["id"] for site in reversed(sites)]
    second = whole["sites"][1]
    assert [each["number"] for each in second["versions"]] == [2, 1]
    assert [each["status"] for each in second["submissions"]] == ["accepted"] * 4 + ["spam"]
    assert second["submissions"][0]["data"] == {"name": "Visitor 3"}
    assert (second["settings"]["title"], second["url"]) == ("Ada’s", f"http://{second['slug']}.sites.localhost:8080")
    assert whole["sites"][2]["deleted_at"] is not None
    for secret in (key, made, browser.cookies["invoker_session"], stranger):
        assert secret not in answer.text
    assert "digest" not in answer.text


async def test_an_export_needs_full_and_no_bound_key(together: Together) -> None:
    key, browser = await person(together, an_address())
    for body in ({"scopes": ["keys", "read"]}, {"site": "bakery"}):
        limited = (await browser.api("POST", "/keys", body)).json["key"]
        assert (await export(together, limited)).status == 403
    assert (await together.auth.call("GET", "/auth/export")).status == 401
    whole = await browser.api("GET", "/auth/export")
    assert (whole.status, whole.json["sites"]) == (200, [])
    head = await together.auth.call("HEAD", "/auth/export", key=key)
    assert (head.status, head.raw) == (200, b"")


async def test_an_export_of_many_rows_pages_through_all_of_them(together: Together) -> None:
    """More than any page has: every event of the trail, each once and in order."""
    key = await together.auth.log_in(an_address())
    account = (await together.auth.call("GET", "/auth/me", key=key)).json["account_id"]
    await together.auth.db.execute(
        "INSERT INTO audit (account_id, action, actor, detail) SELECT $1, 'key.renamed', 'system',"
        " jsonb_build_object('n', n) FROM generate_series(1, 1500) n",
        account,
    )
    trail = (await export(together, key)).json["audit"]
    numbers = [each["detail"]["n"] for each in trail if "n" in each["detail"]]
    assert numbers == list(range(1500, 0, -1))


async def test_an_account_is_exported_once_at_a_time(together: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who takes long keeps only the own account waiting, until it goes away."""
    auth, key = together.auth, await together.auth.log_in(an_address())
    other, gate = await auth.log_in(an_address("other")), asyncio.Event()
    listed, reached = audit.page, asyncio.Event()

    async def slowly(*given: Any, **named: Any) -> Any:
        reached.set()
        await gate.wait()
        return await listed(*given, **named)

    monkeypatch.setattr(audit, "page", slowly)
    first = asyncio.create_task(export(together, key))
    await reached.wait()
    second = await export(together, key)
    assert (second.status, second.json["error"]) == (503, "Another export is under way")
    first.cancel()
    gate.set()
    assert (await export(together, other)).status == 200

    async def again() -> bool:
        return (await export(together, key)).status == 200

    assert await eventually(again)


async def test_deploys_part_is_for_auth_alone(together: Together) -> None:
    account = "acc_0000000000000000"
    url = f"{together.deploy.internal_url}/internal/export/{account}"
    assert (await together.auth.call("GET", url)).status == 401
    whole = await together.auth.call("GET", url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (whole.status, whole.json) == (200, [])
    assert (await together.deploy.call("GET", f"/internal/export/{account}")).status == 404


async def test_without_deploy_an_export_does_not_begin(database_url: str) -> None:
    async with running_auth(database_url) as alone:
        answer = await export(Together(alone, None), await alone.log_in(an_address()))  # type: ignore[arg-type]
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1


async def test_an_export_that_breaks_in_the_middle_is_no_whole_document(
    together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever side breaks: the connection ends without the last chunk."""
    key = await together.auth.log_in(an_address())
    site = await together.deploy.publish(key)
    await together.deploy.submit(site, json={"name": "Ada"})

    async def breaks(*_given: Any, **_named: Any) -> Any:
        raise Unavailable

    for where in ("services.deploy.holdings.submissions", "services.auth.store.audit.page"):
        with monkeypatch.context() as patched:
            patched.setattr(where, breaks)
            with pytest.raises(aiohttp.ClientError):
                await export(together, key)
    assert (await export(together, key)).json["sites"][0]["id"] == site["id"]
