"""Contract, sections 2 and 3: the login from a terminal, and keys."""

import re
import secrets

from tests.support.client import Client, until_refused
from tests.support.timing import once_within


async def test_a_login_ends_in_one_key_that_works(client: Client, account: dict[str, str]) -> None:
    assert re.fullmatch(r"inv_[0-9A-Za-z]{36}", account["api_key"])
    me = (await client.api("GET", "/auth/me", key=account["api_key"])).json
    assert me["email"] == account["email"]
    assert me["plan"] == "free"
    assert me["usage"]["limit"] == 5
    assert me["credential"]


async def test_a_session_is_pending_then_slows_down_a_hurry(client: Client) -> None:
    session, verifier = await client.session()
    assert set(session) >= {"session_id", "user_code", "login_url", "expires_at", "poll_interval"}
    body = {"session_id": session["session_id"], "verifier": verifier}
    first = await client.api("POST", "/auth/token", json=body)
    assert (first.status, first.json) == (202, {"status": "pending"})
    second = await client.api("POST", "/auth/token", json=body)
    assert (second.status, second.json["code"]) == (429, "slow_down")
    assert int(second.headers["Retry-After"]) >= 1
    wrong = await client.api("POST", "/auth/token", json={**body, "verifier": secrets.token_urlsafe(32)})
    unknown = await client.api("POST", "/auth/token", json={**body, "session_id": "ls_" + "0" * 16})
    assert (wrong.status, wrong.json["error"]) == (unknown.status, unknown.json["error"])
    assert wrong.status == 404


async def test_a_wrong_code_says_nothing_about_why(client: Client) -> None:
    session, _ = await client.session()
    body = {"session_id": session["session_id"], "code": "000000"}
    answer = await client.api("POST", "/auth/verify", json=body)
    assert (answer.status, answer.json["error"]) == (400, "Invalid or expired code")


async def test_the_login_page_shows_the_user_code(client: Client) -> None:
    session, _ = await client.session()
    page = await client.call("GET", str(session["login_url"]))
    assert page.status == 200
    assert str(session["user_code"]) in page.text
    assert (
        "script-src" in page.headers["Content-Security-Policy"]
        or "default-src" in page.headers["Content-Security-Policy"]
    )


async def test_a_key_is_created_shown_once_listed_and_revoked(client: Client, key: str) -> None:
    made = await client.api("POST", "/keys", key=key, json={"name": "ci"})
    assert made.status == 201
    assert made.headers["Cache-Control"] == "no-store"
    second = made.json["key"]
    rows = (await client.api("GET", "/keys", key=second)).json["keys"]
    row = next(row for row in rows if row["id"] == made.json["id"])
    assert row["name"] == "ci"
    assert row["hint"] == f"{second[:8]}…{second[-4:]}"
    assert second not in str(rows)
    assert row["created_at"].endswith("Z")

    ended = await client.api("DELETE", f"/keys/{row['id']}", key=key)
    assert (ended.status, set(ended.json)) == (200, {"id", "revoked_at"})
    refused = await client.api("GET", "/keys", key=second)
    assert (refused.status, refused.json["error"]) == (401, "Unauthorized")
    assert (await client.api("GET", "/keys", key=key)).status == 200, "revoking one does not affect the others"


async def test_a_revoked_key_is_refused_by_deploy_within_a_second(client: Client, key: str) -> None:
    await once_within(1, lambda: until_refused(client, key))


async def test_somebody_elses_key_id_is_404(client: Client, key: str) -> None:
    assert (await client.api("DELETE", "/keys/key_0000000000000000", key=key)).status == 404


async def test_a_key_cannot_make_more_than_it_has(client: Client, key: str) -> None:
    small = (await client.api("POST", "/keys", key=key, json={"scopes": ["keys"]})).json["key"]
    answer = await client.api("POST", "/keys", key=small, json={"scopes": ["full"]})
    assert answer.status == 403
    assert (await client.api("GET", "/deploy", key=small)).status == 403
