"""The audit trail: in the transaction of what it tells, read in pages, fed by other services, never changed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from yarl import URL

from shared import db, ids
from shared.bus import Delivery
from shared.errors import AppError, Unavailable
from shared.events import Audited, Envelope
from tests.support.auth import Auth, an_address
from tests.support.keys import a_key, cookie, rotate, trail


@pytest.fixture
async def key(auth: Auth) -> str:
    return await auth.log_in(an_address())


async def listed(auth: Auth, key: str, query: str = "") -> Any:
    answer = await auth.call("GET", f"/audit{query}", key=key)
    assert answer.status == 200, answer.text
    return answer.json


async def test_the_life_of_a_key_is_in_the_trail_newest_first(auth: Auth, key: str) -> None:
    """R51: created, renamed, rotated, revoked: each with who, from where and which key."""
    me = (await auth.call("GET", "/auth/me", key=key)).json["credential"]["id"]
    made = await a_key(auth, key, name="ci", scopes=["read"])
    await auth.call("PATCH", f"/keys/{made['id']}", key=key, json={"name": "CI"})
    new = (await rotate(auth, key, made["id"])).json
    await auth.call("DELETE", f"/keys/{new['id']}", key=key)
    events = (await listed(auth, key))["events"][:4]
    assert [event["action"] for event in events] == ["key.revoked", "key.rotated", "key.renamed", "key.created"]
    assert [event["key_id"] for event in events] == [new["id"], made["id"], made["id"], made["id"]]
    assert {(event["actor"], event["ip"]) for event in events} == {(me, "127.0.0.1")}
    assert events[3]["detail"] == {"name": "ci", "scopes": ["read"], "via": "api"}
    assert all(event["at"].endswith("Z") for event in events)
    assert not any(secret in str(events) for secret in (key, made["key"], new["key"]))


async def test_what_is_done_to_a_browser_with_a_key_names_the_key(auth: Auth) -> None:
    """The key it was done to, else the key it was done with: one by one and all at once."""
    email = an_address()
    key = await auth.log_in(email)
    me = (await auth.call("GET", "/auth/me", key=key)).json["credential"]["id"]
    for _ in range(2):
        await auth.browser().log_in(email)
    sessions = (await auth.call("GET", "/auth/sessions", key=key)).json["sessions"]
    assert (await auth.call("DELETE", f"/auth/sessions/{sessions[0]['id']}", key=key)).status == 200
    assert (await auth.call("POST", "/keys/revoke-all", key=key, json={"keep_current": True})).json["sessions"] == 1
    assert [row[:2] for row in await trail(auth, "session.revoked")] == [(me, me)] * 2


async def test_the_trail_comes_in_pages_and_each_account_sees_its_own(auth: Auth, key: str) -> None:
    stranger = await auth.log_in(an_address())
    for number in range(4):
        await a_key(auth, key, name=f"k{number}")
    whole = (await listed(auth, key))["events"]
    seen: list[Any] = []
    cursor = ""
    while True:
        page = await listed(auth, key, f"?limit=2{cursor}")
        seen += page["events"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole
    theirs = (await listed(auth, stranger))["events"]
    assert not {event["key_id"] for event in whole} & {event["key_id"] for event in theirs} - {None}


WRONG = ["limit=0", "limit=201", "cursor=x", "cursor=WzEsMl0", "cursor=%00", "cursor=" + "a" * 300]


async def test_a_query_of_another_form_is_422(auth: Auth, key: str) -> None:
    for query in WRONG:
        assert (await auth.call("GET", f"/audit?{query}", key=key)).status == 422, query


async def test_the_trail_is_for_keys_with_the_scope_and_for_browsers(auth: Auth, key: str) -> None:
    email, browser = an_address(), auth.browser()
    await browser.log_in(email)
    assert (await auth.call("GET", "/audit", headers=cookie(browser))).status == 200
    for body, code in (({"scopes": ["deploy"]}, "missing_scope"), ({"site": "my-site"}, "bound_to_site")):
        refused = await auth.call("GET", "/audit", key=(await a_key(auth, key, **body))["key"])
        assert (refused.status, refused.json["code"]) == (403, code)


async def test_r51_a_refused_scope_is_noted_once_a_minute_for_each_credential_and_scope(auth: Auth, key: str) -> None:
    """R51: with what was asked for; a program that keeps trying does not fill the trail."""
    weak = await a_key(auth, key, scopes=["read"])
    other = await a_key(auth, key, scopes=["read"])
    for _ in range(3):
        assert (await auth.call("GET", "/keys", key=weak["key"])).status == 403
    assert (await auth.call("DELETE", f"/keys/{weak['id']}", key=other["key"])).status == 403
    assert await trail(auth, "scope.denied") == [
        (weak["id"], weak["id"], "127.0.0.1", {"scope": "keys", "operation": "GET /keys"}),
        (other["id"], other["id"], "127.0.0.1", {"scope": "keys", "operation": "DELETE /keys/{id}"}),
    ]


async def test_a_refusal_stands_when_it_cannot_be_noted(auth: Auth, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = await a_key(auth, key, scopes=["read"])

    async def fail(*_: object, **__: object) -> None:
        raise AppError

    with monkeypatch.context() as patched:
        patched.setattr("services.auth.store.audit.add", fail)
        assert (await auth.call("GET", "/keys", key=weak["key"])).status == 403
    assert await trail(auth, "scope.denied") == []
    assert (await auth.call("GET", "/keys", key=weak["key"])).status == 403
    assert len(await trail(auth, "scope.denied")) == 1, "noted by the next one"


@pytest.mark.parametrize("what", ["create", "rename", "rotate", "revoke", "revoke-all"])
async def test_r51_a_change_that_is_rolled_back_leaves_no_row_and_no_row_no_change(
    auth: Auth, key: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """R51: whichever of the two fails, both are gone."""
    made = await a_key(auth, key)
    calls = {
        "create": ("POST", "/keys", {}),
        "rename": ("PATCH", f"/keys/{made['id']}", {"name": "x"}),
        "rotate": ("POST", f"/keys/{made['id']}/rotate", {}),
        "revoke": ("DELETE", f"/keys/{made['id']}", None),
        "revoke-all": ("POST", "/keys/revoke-all", {}),
    }
    method, path, body = calls[what]
    before = await state(auth)
    # the last step of each: the message, or where there is none the row itself
    for broken in ("services.auth.store.audit.add", "shared.outbox.add")[: 1 if what == "rename" else 2]:
        with monkeypatch.context() as patched:
            patched.setattr(broken, fail)
            patched.setattr("services.auth.store.audit.add_all", fail)
            assert (await auth.call(method, path, key=key, json=body)).status == 503
        assert await state(auth) == before
    assert (await auth.call(method, path, key=key, json=body)).status in {200, 201}
    assert await state(auth) != before


async def fail(*_: object, **__: object) -> None:
    raise Unavailable


async def state(auth: Auth) -> Any:
    return [await auth.db.fetch(f"SELECT t::text FROM {table} t ORDER BY 1") for table in ("keys", "audit")]


def told(account_id: str) -> Audited:
    return Audited(
        account_id=account_id,
        at=datetime.now(UTC) - timedelta(minutes=1),
        action="site.published",
        actor="key_1",
        key_id="key_1",
        ip="192.0.2.1",
        detail={"version": 2},
    )


async def test_what_another_service_tells_is_in_the_trail_once(auth: Auth, key: str) -> None:
    """The message comes at least once; the row is there once, at the time at which it happened."""
    account = (await auth.call("GET", "/auth/me", key=key)).json["account_id"]
    event = told(account)
    delivery = Delivery(envelope=Envelope.of(event), attempt=1, last=False)
    hear = auth.bus.consumed["auth"][Audited]
    await asyncio.gather(*(hear(event, delivery) for _ in range(5)))
    assert await trail(auth, "site.published") == [("key_1", "key_1", "192.0.2.1", {"version": 2})]
    rows = (await listed(auth, key))["events"]
    assert rows[-1]["action"] == "site.published", "it is older than the login"


CHANGES = ("UPDATE auth.audit SET actor = 'x'", "DELETE FROM auth.audit", "TRUNCATE auth.audit")


async def test_r51_nobody_changes_the_trail(auth: Auth, key: str) -> None:
    """R51: a trigger refuses it to everyone, a superuser included."""
    before = await auth.db.fetchval("SELECT count(*) FROM audit")
    for change in CHANGES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await auth.db.execute(change)
    assert await auth.db.fetchval("SELECT count(*) FROM audit") == before > 0


async def test_r51_the_services_own_role_has_no_right_to_change_the_trail(database: Callable[..., str]) -> None:
    """R51: a role as compose makes them, which owns the table; refused before any trigger is asked."""
    url, role = database(), f"auth_{ids.random_base62(8).lower()}"
    owner = await asyncpg.connect(url)
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; CREATE SCHEMA auth AUTHORIZATION {role}")
    own = as_role(url, role)
    await db.migrate(own, "auth")
    conn = await asyncpg.connect(own)
    try:
        await conn.execute("INSERT INTO auth.audit (action, actor) VALUES ('key.created', 'x')")
        for change in CHANGES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await conn.execute(change)
        assert await conn.fetchval("SELECT count(*) FROM auth.audit WHERE actor = 'x'") == 1
    finally:
        await conn.close()
        await owner.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
        await owner.close()


def as_role(url: str, role: str) -> str:
    """Return the DSN of the same database for another role."""
    return str(URL(url).with_user(role).with_password("x"))
