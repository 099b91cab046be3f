"""The ways in which keys end: by their account, by whoever holds one, all at once; and who is told."""

import asyncio
from typing import Any

import pytest

from shared import credentials
from shared.events import CredentialsChanged, KeyRevoked, KeysRevokedMail
from tests.support.auth import Auth, an_address, gathered
from tests.support.eventually import eventually
from tests.support.keys import a_key, cookie, trail, works


@pytest.fixture
async def key(auth: Auth) -> str:
    return await auth.log_in(an_address())


async def show(auth: Auth, text: Any) -> Any:
    return await auth.call("POST", "/keys/revoke", json={"key": text})


async def test_r53_whoever_holds_a_key_may_end_it(auth: Auth, key: str) -> None:
    """R53: without a credential; effective at once, audited, and its owner is told."""
    email = (await auth.call("GET", "/auth/me", key=key)).json["email"]
    leaked = await a_key(auth, key, name="ci")
    assert (await show(auth, leaked["key"])).status == 200
    assert (await works(auth, leaked["key"]), await works(auth, key)) == (False, True)
    assert await auth.check(leaked["key"]) == {"valid": False}
    (mail,) = await eventually(lambda: auth.bus.events(KeysRevokedMail))
    assert (mail.to, mail.keys, mail.count) == (email, (("ci", leaked["hint"]),), 1)
    assert (mail.how, mail.ip) == ("by somebody who holds it", "127.0.0.1")
    assert [event.digest for event in auth.bus.events(KeyRevoked)] == [credentials.digest(leaked["key"])]
    assert await trail(auth, "key.revoked") == [("holder", leaked["id"], "127.0.0.1", {"name": "ci"})]


async def test_r53_the_answer_says_nothing_about_the_key(auth: Auth, key: str) -> None:
    """R53: working, revoked, expired, unknown, malformed: the same bytes, and only the first does anything."""
    expired = await a_key(auth, key, expires_in=60)
    await auth.db.execute("UPDATE keys SET expires_at = now() WHERE id = $1", expired["id"])
    working = (await a_key(auth, key))["key"]
    shown = [working, working, expired["key"], credentials.mint(), "", "x", "inv_" + "ä" * 36, "nul\0", "x" * 65_000]
    answers = [await show(auth, text) for text in shown]
    seen = {
        (answer.status, answer.raw, str(sorted((k, v) for k, v in answer.headers.items() if k not in VARYING)))
        for answer in answers
    }
    assert [status for status, *_ in seen] == [200]
    assert len(await trail(auth, "key.revoked")) == 1
    await eventually(lambda: auth.bus.events(KeysRevokedMail))
    assert len(auth.bus.events(KeysRevokedMail)) == 1


VARYING = {"X-Request-ID", "Date"}


NO_QUESTION = {b"{": 400, b"": 400, b"{}": 422, b'{"key": 1}': 422, b'{"key": null}': 422, b"[]": 422}


async def test_what_is_no_question_about_a_key_is_an_error(auth: Auth) -> None:
    for body, status in NO_QUESTION.items():
        assert (await auth.call("POST", "/keys/revoke", data=body)).status == status, body
    assert (await auth.call("POST", "/keys/revoke", data=body)).status == status
    assert (await auth.call("POST", "/keys/revoke", data=b'{"key":"' + b"x" * 65_536 + b'"}')).status == 413


async def test_of_many_revocations_at_once_one_is_told(auth: Auth, key: str) -> None:
    leaked = await a_key(auth, key)
    calls = [show(auth, leaked["key"]) for _ in range(5)]
    calls += [auth.call("DELETE", f"/keys/{leaked['id']}", key=key) for _ in range(5)]
    assert {answer.status for answer in await gathered(calls)} == {200}
    assert len(await trail(auth, "key.revoked")) == 1
    await eventually(lambda: auth.bus.events(KeyRevoked))
    assert len(auth.bus.events(KeyRevoked)) == 1


async def test_an_account_is_told_of_a_revoke_by_another_key_alone(auth: Auth) -> None:
    """Who ends a key by itself, or in a browser, knows."""
    email, browser = an_address(), auth.browser()
    key = await auth.log_in(email)
    await browser.log_in(email)
    made = [await a_key(auth, key, name=f"k{number}") for number in range(4)]
    assert (await auth.call("POST", "/auth/logout", key=made[0]["key"])).status == 200
    assert (await auth.call("DELETE", f"/keys/{made[1]['id']}", key=made[1]["key"])).status == 200
    assert (await auth.call("DELETE", f"/keys/{made[2]['id']}", headers=cookie(browser))).status == 200
    assert (await auth.call("DELETE", f"/keys/{made[3]['id']}", key=key)).status == 200
    (mail,) = await eventually(lambda: auth.bus.events(KeysRevokedMail))
    assert (mail.keys, mail.how) == ((("k3", made[3]["hint"]),), "with another key")
    assert [key_id for _, key_id, _, _ in await trail(auth, "key.revoked")] == [row["id"] for row in made]


async def test_all_keys_and_sessions_end_at_once(auth: Auth, key: str) -> None:
    email = (await auth.call("GET", "/auth/me", key=key)).json["email"]
    browsers, stranger = [auth.browser(), auth.browser()], await auth.log_in(an_address())
    for browser in browsers:
        await browser.log_in(email)
    made = [await a_key(auth, key) for _ in range(2)]
    answer = await auth.call("POST", "/keys/revoke-all", key=key, json={})
    assert (answer.status, answer.json) == (200, {"keys": 3, "sessions": 2})
    assert [await works(auth, each) for each in (key, made[0]["key"], made[1]["key"], stranger)] == [False] * 3 + [True]
    for browser in browsers:
        assert (await auth.call("GET", "/auth/me", headers=cookie(browser))).status == 401
    changed = await eventually(lambda: auth.bus.events(CredentialsChanged))
    secrets = [key, made[0]["key"], made[1]["key"], *(browser.cookies["invoker_session"] for browser in browsers)]
    assert [set(event.digests) for event in changed] == [set(map(credentials.digest, secrets))]
    (mail,) = await eventually(lambda: auth.bus.events(KeysRevokedMail))
    assert (mail.to, mail.count, len(mail.keys), mail.how) == (email, 3, 3, "all at once, with a key")
    assert len(await trail(auth, "key.revoked")) == 3
    assert len(await trail(auth, "session.revoked")) == 2


async def test_the_current_credential_can_be_spared(auth: Auth, key: str) -> None:
    other = await a_key(auth, key)
    answer = await auth.call("POST", "/keys/revoke-all", key=key, json={"keep_current": True})
    assert answer.json == {"keys": 1, "sessions": 0}
    assert (await works(auth, key), await works(auth, other["key"])) == (True, False)
    again = await auth.call("POST", "/keys/revoke-all", key=key, json={"keep_current": True})
    assert again.json == {"keys": 0, "sessions": 0}


@pytest.mark.parametrize("keep", [True, False])
async def test_a_browser_that_ends_everything_loses_its_cookie_too(auth: Auth, *, keep: bool) -> None:
    email, browser = an_address(), auth.browser()
    await auth.log_in(email)
    await browser.log_in(email)
    answer = await auth.call("POST", "/keys/revoke-all", json={"keep_current": keep}, headers=cookie(browser))
    assert answer.json == {"keys": 1, "sessions": 0 if keep else 1}
    assert ("Max-Age=0" in answer.headers.get("Set-Cookie", "")) is not keep
    status = (await auth.call("GET", "/auth/me", headers=cookie(browser))).status
    assert status == (200 if keep else 401)


async def test_many_keys_end_in_messages_of_a_thousand_and_one_mail(auth: Auth, key: str) -> None:
    await auth.db.execute(
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via) SELECT 'key_' || n,"
        " (SELECT id FROM accounts), md5(n::text), 'n', 'h', '{full}', 'api' FROM generate_series(1, 1500) n"
    )
    assert (await auth.call("POST", "/keys/revoke-all", key=key)).json == {"keys": 1501, "sessions": 0}
    await eventually(lambda: len(auth.bus.events(CredentialsChanged)) == 2)
    assert sorted(len(event.digests) for event in auth.bus.events(CredentialsChanged)) == [501, 1000]
    (mail,) = await eventually(lambda: auth.bus.events(KeysRevokedMail))
    assert (mail.count, len(mail.keys)) == (1501, 10)
    assert len(await trail(auth, "key.revoked")) == 1501


async def test_a_bound_key_does_not_end_everything(auth: Auth, key: str) -> None:
    bound = await a_key(auth, key, site="my-site")
    answer = await auth.call("POST", "/keys/revoke-all", key=bound["key"], json={})
    assert (answer.status, answer.json["code"]) == (403, "bound_to_site")
    wrong: list[Any] = [{"keep_current": "yes"}, {"keep_current": 1}, []]
    for body in wrong:
        assert (await auth.call("POST", "/keys/revoke-all", key=key, json=body)).status == 422
    assert await works(auth, key)


async def test_a_login_that_was_approved_brings_no_key_after_everything_ended(auth: Auth) -> None:
    """Whoever got it approved may be why everything is revoked."""
    email = an_address()
    key, login = await auth.log_in(email), await auth.start()
    await auth.send_code(login, email)
    assert (await auth.verify(login, (await auth.mail(email, 2)).code)).status == 200
    assert (await auth.call("POST", "/keys/revoke-all", key=key, json={"keep_current": True})).status == 200
    assert (await auth.poll(login)).status == 410
    assert await works(auth, key)


@pytest.mark.parametrize("what", ["create", "rotate"])
async def test_what_a_key_asked_for_does_not_outlive_the_end_of_everything(auth: Auth, key: str, what: str) -> None:
    """A request that was let in before, and waits behind it for the account's row."""
    stolen = await a_key(auth, key)
    kept = (await auth.call("GET", "/auth/me", key=key)).json["credential"]["id"]
    path = "/keys" if what == "create" else f"/keys/{kept}/rotate"
    async with auth.db.acquire() as conn, conn.transaction():
        await conn.execute("SELECT FROM accounts FOR UPDATE")
        asked = asyncio.create_task(auth.call("POST", path, key=stolen["key"], json={}))
        await eventually(lambda: blocked(auth))
        # what ending everything does, committed while the other waits
        await conn.execute("UPDATE keys SET revoked_at = now() WHERE id = $1", stolen["id"])
    assert (await asked).status == 401
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 2
    assert await works(auth, key)


async def blocked(auth: Auth) -> bool:
    """Tell whether somebody waits for a row."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await auth.db.fetchval(waiting))
