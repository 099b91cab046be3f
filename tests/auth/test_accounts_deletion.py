"""An account is deleted whole or not at all, comes back within a week, and is gone after it."""

import asyncio
import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from services.auth.service import accounts as service
from services.auth.store import accounts as store
from services.auth.store import audit
from shared import outbox
from shared.events import AccountChanged, AccountDeleted, AccountDeletedMail, CredentialsChanged, EmailCodeMail
from tests.support.auth import Auth, Browser, an_address, gathered
from tests.support.eventually import eventually

WEEK = "interval '7 days'"


async def person(auth: Auth, email: str) -> tuple[str, Browser]:
    """Give a key and a browser of one account."""
    key, browser = await auth.log_in(email), auth.browser()
    sent = await browser.post("/login", {"email": email})
    await browser.post(f"{sent.headers['Location']}/code", {"code": (await auth.mail(email, 2)).code})
    return key, browser


async def delete(browser: Browser, confirm: Any) -> Any:
    return await browser.api("DELETE", "/auth/account", {"confirm": confirm})


async def state(auth: Auth) -> dict[str, Any]:
    """Return what a deletion changes."""
    return dict(
        await auth.db.fetchrow(
            "SELECT (SELECT count(*) FROM accounts WHERE deleted_at IS NOT NULL OR revision > 1) AS deleted,"
            " (SELECT count(*) FROM keys WHERE revoked_at IS NOT NULL) AS keys,"
            " (SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL) AS sessions,"
            " (SELECT count(*) FROM logins WHERE state = 'denied') AS logins,"
            " (SELECT count(*) FROM audit WHERE action = 'account.deleted') AS audit"
        )
        or {}
    )


async def test_a_deletion_ends_everything_at_once_and_tells_everybody(auth: Auth) -> None:
    email = an_address()
    key, browser = await person(auth, email)
    cookie = browser.cookies["invoker_session"]
    approved, coded = await auth.start(), await auth.start()
    await auth.send_code(approved, email)
    await auth.verify(approved, (await auth.mail(email, 3)).code)
    await auth.send_code(coded, email)
    answer = await delete(browser, f" {email.upper()} ")
    assert answer.status == 200, answer.text
    assert browser.cookies == {}
    assert await auth.check(key) == await auth.check_session(cookie) == {"valid": False}
    assert (await auth.poll(approved)).status == 410
    assert (await auth.verify(coded, (await auth.mail(email, 4)).code)).status == 400
    deleted = (await eventually(lambda: auth.bus.events(AccountDeleted)))[0]
    assert (deleted.account_id, deleted.revision) == (answer.json["account_id"], 2)
    assert deleted.ends_at.isoformat(timespec="milliseconds").replace("+00:00", "Z") == answer.json["restore_until"]
    assert len((await eventually(lambda: auth.bus.events(CredentialsChanged)))[-1].digests) == 2
    mail = (await eventually(lambda: auth.bus.events(AccountDeletedMail)))[0]
    assert (mail.to, mail.login_url) == (email, f"{auth.config.app_url}/login")
    row = await auth.db.fetchrow("SELECT actor, ip, detail FROM audit WHERE action = 'account.deleted'")
    assert row is not None
    assert row["actor"].startswith("ses_")
    assert (row["ip"], "@" in row["detail"]) == ("127.0.0.1", False)


async def test_without_the_accounts_address_nothing_happens(auth: Auth) -> None:
    email = an_address()
    key, browser = await person(auth, email)
    for confirm, code in (
        (an_address(), "not_confirmed"),
        ("yes", "not_confirmed"),
        ("", "not_confirmed"),
        (True, "invalid"),
    ):
        answer = await delete(browser, confirm)
        assert (answer.status, answer.json["code"]) == (422, code)
    assert (await browser.api("DELETE", "/auth/account")).status in {400, 422}
    refused = await auth.call("DELETE", "/auth/account", key=key, json={"confirm": email})
    assert (refused.status, refused.json["code"]) == (403, "session_required")
    assert set((await state(auth)).values()) == {0}


async def test_r21_a_deletion_that_breaks_off_changes_nothing(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """R21: whichever statement fails, as at a crash there, nothing was done and nothing is told."""
    email = an_address()
    key, browser = await person(auth, email)
    await eventually(partial(nothing_waits, auth))
    told = len(auth.bus.published)
    parts: list[tuple[Any, str, int]] = [(store, "end_logins", 0), (store, "delete", 0), (store, "end_credentials", 0)]
    for module, name, before in [*parts, (audit, "add", 0), *((outbox, "add", number) for number in range(3))]:
        with monkeypatch.context() as patched:
            patched.setattr(module, name, breaking(getattr(module, name), before))
            assert (await delete(browser, email)).status == 503
        assert set((await state(auth)).values()) == {0}, (name, before)
        assert (await auth.check(key))["valid"]
    assert len(auth.bus.published) == told
    assert (await delete(browser, email)).status == 200


def breaking(whole: Callable[..., Any], before: int) -> Callable[..., Any]:
    """Return the function with a power cut behind its call number `before`."""
    calls = itertools.count()

    async def breaks(*args: Any, **given: Any) -> Any:
        done = await whole(*args, **given)
        if next(calls) == before:
            raise OSError("the power went out")
        return done

    return breaks


async def test_r21_a_browser_that_goes_away_leaves_all_or_nothing(auth: Auth) -> None:
    """R21: 12 connections closed at random moments of a deletion."""
    for number in range(12):
        email = an_address()
        _, browser = await person(auth, email)
        account = (await browser.api("GET", "/auth/me")).json["account_id"]
        deleting = asyncio.create_task(delete(browser, email))
        await asyncio.sleep(random.Random(number).uniform(0, 0.02))
        deleting.cancel()
        await asyncio.wait([deleting])
        await eventually(partial(whole, auth, account))


async def whole(auth: Auth, account: str) -> bool:
    row = await auth.db.fetchrow(
        "SELECT a.deleted_at IS NOT NULL AS account, k.revoked_at IS NOT NULL AS key,"
        " s.revoked_at IS NOT NULL AS session"
        " FROM accounts a JOIN keys k ON k.account_id = a.id JOIN sessions s ON s.account_id = a.id WHERE a.id = $1",
        account,
    )
    assert row is not None
    return len(set(row.values())) == 1


async def test_deletion_twice_at_once_is_one(auth: Auth) -> None:
    email = an_address()
    _, browser = await person(auth, email)
    answers = await gathered([delete(browser, email) for _ in range(5)])
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401]
    assert (await state(auth))["audit"] == 1


async def test_a_login_within_a_week_brings_the_account_back_without_its_keys(auth: Auth) -> None:
    email = an_address()
    key, browser = await person(auth, email)
    account = (await delete(browser, email)).json["account_id"]
    await auth.db.execute(f"UPDATE accounts SET deleted_at = deleted_at - {WEEK} + interval '1 minute'")
    assert await service.purge(auth.db) == 0
    fresh = await auth.log_in(email)
    assert (await auth.call("GET", "/auth/me", key=fresh)).json["account_id"] == account
    assert await auth.check(key) == {"valid": False}
    back = (await eventually(lambda: auth.bus.events(AccountChanged)))[0]
    assert (back.account_id, back.email, back.revision) == (account, email, 3)
    actions = await auth.db.fetch("SELECT action FROM audit WHERE account_id = $1 ORDER BY id", account)
    names = [row["action"] for row in actions if row["action"].startswith("account.")]
    assert names == ["account.created", "account.deleted", "account.restored"]
    assert (await auth.call("GET", "/auth/me", key=await auth.log_in(email))).json["account_id"] == account
    assert len(auth.bus.events(AccountChanged)) == 1, "back once"


async def gone(auth: Auth, email: str) -> str:
    """Delete an account more than a week ago, and return its id."""
    _, browser = await person(auth, email)
    assert (await browser.api("POST", "/auth/email", {"email": an_address("new")})).status == 202
    await auth.send_code(await auth.start(), email)
    account: str = (await delete(browser, email)).json["account_id"]
    await auth.db.execute(f"UPDATE accounts SET deleted_at = deleted_at - {WEEK} WHERE id = $1", account)
    await auth.db.execute("UPDATE logins SET expires_at = now() - interval '1 hour'")
    return account


async def test_after_a_week_everything_is_purged_but_the_trail_which_names_nobody(auth: Auth) -> None:
    email, other = an_address(), an_address("other")
    await auth.log_in(other)
    account = await gone(auth, email)
    assert sum(await asyncio.gather(*(service.purge(auth.db) for _ in range(4)))) == 1, "by any number of workers"
    await eventually(lambda: nothing_waits(auth))
    for table in ("accounts", "keys", "sessions", "logins", "login_codes", "email_changes", "outbox"):
        dump = str([row["t"] for row in await auth.db.fetch(f"SELECT t::text AS t FROM {table} t")])
        assert account not in dump, table
        assert email not in dump, table
    trail = [row["t"] for row in await auth.db.fetch("SELECT a::text AS t FROM audit a WHERE account_id = $1", account)]
    assert len(trail) >= 4
    assert email not in str(trail)
    assert await auth.db.fetchval("SELECT count(*) FROM accounts") == 1, "the other one is still there"
    assert (await auth.call("GET", "/auth/me", key=await auth.log_in(other))).status == 200


async def nothing_waits(auth: Auth) -> bool:
    return await auth.db.fetchval("SELECT count(*) = 0 FROM outbox") is True


async def test_a_login_after_a_week_makes_a_new_account_purged_or_not(auth: Auth) -> None:
    for purged in (True, False):
        email = an_address()
        account = await gone(auth, email)
        if purged:
            assert await service.purge(auth.db) == 1
        fresh = (await auth.call("GET", "/auth/me", key=await auth.log_in(email))).json["account_id"]
        assert fresh != account
        assert await auth.db.fetchval("SELECT count(*) FROM accounts WHERE id = $1", account) == 0
    assert auth.bus.events(AccountChanged) == []


async def test_a_deleted_accounts_address_is_taken_for_a_week(auth: Auth) -> None:
    email = an_address()
    await gone(auth, email)
    for over, status in ((False, 409), (True, 200)):
        moved = "now()" if not over else f"now() - {WEEK}"
        await auth.db.execute(f"UPDATE accounts SET deleted_at = {moved} WHERE deleted_at IS NOT NULL")
        _, browser = await person(auth, an_address())
        await eventually(partial(nothing_waits, auth))
        await browser.api("POST", "/auth/email", {"email": email})
        await eventually(partial(nothing_waits, auth))
        current, new = sorted(auth.bus.events(EmailCodeMail)[-2:], key=lambda mail: mail.new)
        body = {"current_code": current.code, "new_code": new.code}
        assert (await browser.api("POST", "/auth/email/confirm", body)).status == status


async def test_no_credential_of_a_deleted_account_is_valid_whatever_raced_with_the_deletion(auth: Auth) -> None:
    """Logins approved while the account goes: what they deliver afterwards is worth nothing, or brings it back."""
    for _ in range(6):
        email = an_address()
        _, browser = await person(auth, email)
        login = await auth.start()
        await auth.send_code(login, email)
        code = (await auth.mail(email, 3)).code
        answers = await gathered([auth.verify(login, code), delete(browser, email)])
        assert [answer.status for answer in answers] in ([200, 200], [400, 200])
        polled = await auth.poll(login)
        alive = await auth.db.fetchval("SELECT deleted_at IS NULL FROM accounts WHERE email = $1", email)
        valid = polled.status == 200 and (await auth.check(polled.json["api_key"]))["valid"]
        assert valid == alive
