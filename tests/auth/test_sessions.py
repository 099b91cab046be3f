"""Browser sessions: listed, ended, outlived, and replaced at each login."""

import hashlib
from typing import Any

import pytest

from shared.events import CredentialsChanged
from tests.support.auth import Auth, Browser, an_address
from tests.support.eventually import eventually

COOKIE = "invoker_session"


async def logged_in(auth: Auth, email: str) -> Browser:
    """Give a browser of this person."""
    browser = auth.browser()
    before = sum(getattr(mail.event(), "to", None) == email for mail in auth.bus.published)
    sent = await browser.post("/login", {"email": email})
    code = (await auth.mail(email, before + 1)).code
    assert (await browser.post(sent.headers["Location"] + "/code", {"code": code})).status == 303
    return browser


def digest(browser: Browser) -> str:
    return hashlib.sha256(browser.cookies[COOKIE].encode()).hexdigest()


async def sessions(browser: Browser) -> list[dict[str, Any]]:
    answer = await browser.api("GET", "/auth/sessions")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["sessions"]
    return found


async def dropped(auth: Auth, digests: set[str]) -> None:
    """Wait until every cache was told to drop these."""

    def told() -> bool:
        return digests <= {digest for event in auth.bus.events(CredentialsChanged) for digest in event.digests}

    assert await eventually(told)


async def test_browsers_are_listed_newest_first_and_the_own_one_is_marked(auth: Auth) -> None:
    email = an_address()
    first, second = await logged_in(auth, email), await logged_in(auth, email)
    await logged_in(auth, an_address("other"))
    rows = await sessions(second)
    assert [row["current"] for row in rows] == [True, False]
    assert [row["current"] for row in await sessions(first)] == [False, True]
    assert {row["ip"] for row in rows} == {"127.0.0.1"}
    assert "digest" not in rows[0]


async def test_ending_another_browser_logs_that_one_out_alone(auth: Auth) -> None:
    email = an_address()
    kept, lost = await logged_in(auth, email), await logged_in(auth, email)
    which = (await sessions(lost))[0]["id"]
    ended = await kept.api("DELETE", f"/auth/sessions/{which}")
    assert (ended.status, ended.json["id"], ended.json["revoked_at"][-1]) == (200, which, "Z")
    assert "Set-Cookie" not in ended.headers
    assert (await lost.api("GET", "/auth/me")).status == 401
    assert [row["current"] for row in await sessions(kept)] == [True]
    await dropped(auth, {digest(lost)})
    row = await auth.db.fetchrow("SELECT actor, detail FROM audit WHERE action = 'session.revoked'")
    assert row is not None
    assert row["actor"] == (await sessions(kept))[0]["id"]
    assert which in row["detail"]


async def test_ending_ones_own_session_clears_the_cookie(auth: Auth) -> None:
    browser = await logged_in(auth, an_address())
    own, was = (await sessions(browser))[0]["id"], browser.cookies[COOKIE]
    assert (await browser.api("DELETE", f"/auth/sessions/{own}")).status == 200
    assert COOKIE not in browser.cookies
    assert (await auth.call("GET", "/auth/me", headers={"Cookie": f"{COOKIE}={was}"})).status == 401


@pytest.mark.parametrize(
    "which", ["ses_0000000000000000", "key_0000000000000000", "ses_", "x", "ses_%00aaaaaaaaaaaaaaaa"]
)
async def test_a_session_that_is_not_there_is_404(auth: Auth, which: str) -> None:
    browser = await logged_in(auth, an_address())
    answer = await browser.api("DELETE", f"/auth/sessions/{which}")
    assert (answer.status, answer.json["code"]) == (404, "session_not_found")


async def test_a_strangers_or_ended_session_is_404(auth: Auth) -> None:
    browser, stranger = await logged_in(auth, an_address()), await logged_in(auth, an_address("other"))
    theirs = (await sessions(stranger))[0]["id"]
    assert (await browser.api("DELETE", f"/auth/sessions/{theirs}")).status == 404
    assert (await stranger.api("DELETE", f"/auth/sessions/{theirs}")).status == 200
    again = await logged_in(auth, an_address("other"))
    assert (await again.api("DELETE", f"/auth/sessions/{theirs}")).status == 404


async def test_a_key_with_the_scope_may_and_one_for_a_site_may_not(auth: Auth) -> None:
    email = an_address()
    browser, key = await logged_in(auth, email), ""
    for body, status in (({"scopes": ["keys"]}, 200), ({"scopes": ["read"]}, 403), ({"site": "bakery"}, 403)):
        key = (await browser.api("POST", "/keys", body)).json["key"]
        assert (await auth.call("GET", "/auth/sessions", key=key)).status == status
    which = (await sessions(browser))[0]["id"]
    assert (await auth.call("DELETE", f"/auth/sessions/{which}", key=key)).status == 403
    assert (await browser.api("GET", "/auth/me")).status == 200


@pytest.mark.parametrize(
    "moved",
    [
        "created_at = created_at - interval '30 days', expires_at = expires_at - interval '30 days'",
        "last_seen_at = last_seen_at - interval '7 days'",
    ],
    ids=["30 days old", "7 days unused"],
)
async def test_r62_a_session_ends_after_30_days_and_after_7_without_use(auth: Auth, moved: str) -> None:
    """R62: absolute and idle; the other browser of the account goes on."""
    email = an_address()
    old, other = await logged_in(auth, email), await logged_in(auth, email)
    own = (await sessions(old))[1]["id"]
    await auth.db.execute(f"UPDATE sessions SET {moved} WHERE id = $1", own)
    assert (await old.api("GET", "/auth/me")).status == 401
    assert (await old.get("/dashboard")).headers["Location"] == "/login"
    assert (await auth.check_session(old.cookies[COOKIE])) == {"valid": False}
    assert [row["current"] for row in await sessions(other)] == [True]


async def test_r62_sessions_just_inside_their_limits_are_valid(auth: Auth) -> None:
    """R62: a second before either end."""
    browser = await logged_in(auth, an_address())
    await auth.db.execute(
        "UPDATE sessions SET expires_at = expires_at - interval '30 days' + interval '10 seconds',"
        " last_seen_at = last_seen_at - interval '7 days' + interval '10 seconds'"
    )
    me = (await browser.api("GET", "/auth/me")).json
    assert me["credential"]["kind"] == "session"
    assert me["credential"]["id"].startswith("ses_")
    assert me["credential"]["scopes"] == ["full"]
    assert me["usage"] == {"deployments": None, "limit": 5}


async def test_r62_each_login_makes_a_new_cookie_and_ends_the_one_that_came_along(auth: Auth) -> None:
    """R62: at least 128 random bits; the old one is dead here, and every cache is told."""
    email, browser = an_address(), await logged_in(auth, an_address())
    first = browser.cookies[COOKIE]
    sent = await browser.post("/login", {"email": email})
    entered = await browser.post(f"{sent.headers['Location']}/code", {"code": (await auth.mail(email)).code})
    assert entered.status == 303
    second = browser.cookies[COOKIE]
    assert first != second
    assert {len(first), len(second)} == {len("ses_") + 43}
    assert (await auth.check_session(first)) == {"valid": False}
    assert (await auth.check_session(second))["valid"]
    await dropped(auth, {hashlib.sha256(first.encode()).hexdigest()})
    ended = await auth.db.fetch("SELECT actor FROM audit WHERE action = 'session.revoked'")
    assert [row["actor"] for row in ended] == [
        await auth.db.fetchval("SELECT id FROM sessions WHERE revoked_at IS NOT NULL")
    ]


async def test_a_planted_cookie_is_not_the_session_that_a_login_gets(auth: Auth) -> None:
    """R62: no fixation: what a browser brings is never taken over, however well it is formed."""
    browser, email = auth.browser(), an_address()
    planted = "ses_" + "a" * 43
    browser.cookies[COOKIE] = planted
    sent = await browser.post("/login", {"email": email})
    await browser.post(f"{sent.headers['Location']}/code", {"code": (await auth.mail(email)).code})
    assert browser.cookies[COOKIE] != planted
    assert (await auth.check_session(planted)) == {"valid": False}


async def test_a_wrong_header_is_not_mended_by_a_cookie(auth: Auth) -> None:
    """The Authorization header decides: whoever sends one is not judged by what the browser adds."""
    browser = await logged_in(auth, an_address())
    for header in ("Bearer inv_wrong", "Bearer", "Basic YTpi", f"Bearer {browser.cookies[COOKIE]}"):
        assert (await browser.api("GET", "/auth/me", Authorization=header)).status == 401
