"""Keys over the API: one answer with the secret, scopes, pages, revocation, the internal look-up."""

import asyncio
import hashlib
from typing import Any

import pytest

from shared import credentials
from shared.events import KeyCreatedMail, KeyRevoked
from tests.support.auth import Auth, an_address, gathered
from tests.support.eventually import eventually


@pytest.fixture
async def key(auth: Auth) -> str:
    return await auth.log_in(an_address())


async def create(auth: Auth, key: str, **body: Any) -> Any:
    answer = await auth.call("POST", "/keys", key=key, json=body)
    assert answer.status == 201, answer.text
    return answer.json


async def test_r42_a_malformed_key_costs_no_query(auth: Auth, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R42: a typo, an invention and a forged checksum are refused before the database."""

    async def never(*_: object) -> None:
        raise AssertionError("asked the database")

    monkeypatch.setattr("services.auth.store.keys.caller", never)
    typo = key[:10] + ("A" if key[10] != "A" else "B") + key[11:]
    for wrong in [typo, "inv_" + "a" * 36, "inv_", "nonsense", key + "A", key.upper()]:
        answer = await auth.call("GET", "/keys", key=wrong)
        assert (answer.status, answer.json["error"]) == (401, "Unauthorized")


async def test_r44_a_key_is_in_exactly_one_answer(auth: Auth, key: str) -> None:
    """R44: and that one may not be stored on its way."""
    answer = await auth.call("POST", "/keys", key=key, json={"name": "ci", "expires_in": 3600})
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json
    assert credentials.well_formed(made["key"])
    new = (await auth.call("POST", f"/keys/{made['id']}/rotate", key=key, json={"grace_seconds": 60})).json
    later = [
        await auth.call("GET", "/keys?state=all", key=key),
        await auth.call("GET", f"/keys/{made['id']}", key=key),
        await auth.call("GET", "/auth/me", key=made["key"]),
        await auth.call("DELETE", f"/keys/{made['id']}", key=key),
        await auth.call("GET", "/keys?state=all", key=key),
        await auth.call("GET", "/audit", key=key),
        await auth.call("POST", "/keys/revoke", json={"key": new["key"]}),
    ]
    assert {answer.status for answer in later} == {200}
    assert not any(secret in answer.text for answer in later for secret in (made["key"], new["key"]))
    await eventually(lambda: len(auth.bus.events(KeyCreatedMail)) == 2)
    assert made["key"] not in str([mail.model_dump() for mail in auth.bus.events(KeyCreatedMail)])


async def test_a_new_key_shows_its_row(auth: Auth, key: str) -> None:
    made = await create(auth, key, name=" ci ", scopes=["read", "deploy"], site="my-site", expires_in=60)
    secret = made.pop("key")
    assert made["name"] == "ci"
    assert made["hint"] == f"{secret[:8]}…{secret[-4:]}"
    assert (made["scopes"], made["site"], made["created_via"]) == (["deploy", "read"], "my-site", "api")
    assert made["expires_at"] > made["created_at"]
    assert (await auth.call("GET", f"/keys/{made['id']}", key=key)).json == made
    caller = (await auth.check(secret))["caller"]
    assert (sorted(caller["scopes"]), caller["site"]) == (["deploy", "read"], "my-site")


SEEN = {"\u202eic\u200b": "ic", "a\u2028b\u0085c": "a b c", "\u200b": "API key", "ключ 🔑": "ключ 🔑"}


async def test_a_name_is_what_a_person_sees_of_it(auth: Auth, key: str) -> None:
    """It is typed to revoke the key, and read in mails: nothing in it is hidden or turns the text round."""
    for given, shown in SEEN.items():
        made = await create(auth, key, name=given)
        assert made["name"] == shown
        renamed = await auth.call("PATCH", f"/keys/{made['id']}", key=key, json={"name": given})
        assert (renamed.status, renamed.json["name"]) == (200, shown)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": "a\0b"},
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "full"},
        {"site": "../x"},
        {"expires_in": 0},
        {"expires_in": 31_536_001},
        {"expires_in": True},
        {"expires_in": 1.5},
    ],
)
async def test_a_key_that_cannot_be_is_422(auth: Auth, key: str, body: dict[str, Any]) -> None:
    answer = await auth.call("POST", "/keys", key=key, json=body)
    assert answer.status == 422, answer.text
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 1


async def test_a_key_never_makes_more_than_it_is(auth: Auth, key: str) -> None:
    small = (await create(auth, key, scopes=["keys", "read"]))["key"]
    assert (await create(auth, small))["scopes"] == ["keys", "read"]
    for beyond in (["full"], ["read", "deploy"]):
        answer = await auth.call("POST", "/keys", key=small, json={"scopes": beyond})
        assert (answer.status, answer.json["code"]) == (403, "missing_scope")
    reader = (await create(auth, key, scopes=["read"]))["key"]
    for method, path in [("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/key_" + "0" * 16)]:
        assert (await auth.call(method, path, key=reader)).status == 403
    assert (await auth.call("GET", "/auth/me", key=reader)).status == 200


async def test_a_key_for_one_site_has_no_business_with_keys(auth: Auth, key: str) -> None:
    bound = (await create(auth, key, site="my-site"))["key"]
    for method, path in [("GET", "/keys"), ("POST", "/keys")]:
        assert (await auth.call(method, path, key=bound)).status == 403
    assert (await auth.call("POST", "/auth/logout", key=bound)).status == 200, "it may end itself"


async def test_an_expired_key_is_refused_everywhere(auth: Auth, key: str) -> None:
    made = await create(auth, key, expires_in=60)
    await auth.db.execute("UPDATE keys SET expires_at = now() WHERE id = $1", made["id"])
    assert (await auth.call("GET", "/auth/me", key=made["key"])).status == 401
    assert await auth.check(made["key"]) == {"valid": False}
    assert made["id"] not in str((await auth.call("GET", "/keys", key=key)).json)
    assert made["id"] in str((await auth.call("GET", "/keys?state=all", key=key)).json)


async def test_revoking_one_key_leaves_the_others(auth: Auth, key: str) -> None:
    made = await create(auth, key)
    first = await auth.call("DELETE", f"/keys/{made['id']}", key=key)
    assert set(first.json) == {"id", "revoked_at"}
    assert (await auth.call("DELETE", f"/keys/{made['id']}", key=key)).json == first.json, "a repeat changes nothing"
    assert (await auth.call("GET", "/auth/me", key=made["key"])).status == 401
    assert (await auth.call("GET", "/auth/me", key=key)).status == 200
    digest = hashlib.sha256(made["key"].encode()).hexdigest()
    await eventually(lambda: [event.digest for event in auth.bus.events(KeyRevoked)] == [digest])


async def test_a_foreign_key_is_404(auth: Auth, key: str) -> None:
    stranger = await auth.log_in(an_address())
    foreign = (await auth.call("GET", "/keys", key=key)).json["keys"][0]["id"]
    for key_id in (foreign, "key_" + "0" * 16, "nonsense", "key_%00"):
        for method in ("GET", "DELETE"):
            answer = await auth.call(method, f"/keys/{key_id}", key=stranger)
            assert (answer.status, answer.json["code"]) == (404, "key_not_found")
    assert (await auth.call("GET", "/auth/me", key=key)).status == 200


async def test_r44_a_repeated_creation_shows_its_row_and_no_key(auth: Auth, key: str) -> None:
    """R44: under one Idempotency-Key there is one key, and one answer that has it."""
    headers = {"Idempotency-Key": "k-1"}
    answers = [await auth.call("POST", "/keys", key=key, json={"name": "ci"}, headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    first, again = (answer.json for answer in answers)
    secret = first.pop("key")
    assert again.pop("replayed") is True
    assert "only once" in again.pop("message")
    assert again == first
    assert secret not in answers[1].text
    other = await auth.call("POST", "/keys", key=key, json={"name": "another"}, headers=headers)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 2


async def test_of_many_creations_at_once_under_one_idempotency_key_one_is_made(auth: Auth, key: str) -> None:
    calls = [auth.call("POST", "/keys", key=key, json={}, headers={"Idempotency-Key": "k-1"}) for _ in range(8)]
    answers = await asyncio.gather(*calls)
    assert sum("key" in answer.json for answer in answers) == 1
    assert {answer.status for answer in answers} <= {201, 409}
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 2


async def test_a_list_comes_in_pages_newest_first(auth: Auth, key: str) -> None:
    for number in range(5):
        await create(auth, key, name=f"k{number}")
    names: list[str] = []
    cursor = ""
    while True:
        page = (await auth.call("GET", f"/keys?limit=2{cursor}", key=key)).json
        names += [row["name"] for row in page["keys"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert names == ["k4", "k3", "k2", "k1", "k0", "invoker on laptop"]
    for query in ("limit=0", "limit=201", "limit=x", "state=old", "cursor=x"):
        assert (await auth.call("GET", f"/keys?{query}", key=key)).status == 422


async def test_an_account_has_at_most_1000_active_keys_also_when_asked_at_once(auth: Auth, key: str) -> None:
    await auth.db.execute(
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via)"
        " SELECT 'key_' || n, (SELECT id FROM accounts), n::text, '', '', '{full}', 'api'"
        " FROM generate_series(1, 995) n"
    )
    answers = await gathered([auth.call("POST", "/keys", key=key, json={}) for _ in range(12)])
    assert sorted(answer.status for answer in answers) == [201] * 4 + [409] * 8
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 1000


async def test_the_internal_port_wants_the_service_token(auth: Auth) -> None:
    url = f"{auth.internal_url}/internal/verify"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer ä"}):
        assert (await auth.call("POST", url, json={"digest": "0" * 64}, headers=headers)).status == 401
    outside = await auth.call("POST", "/internal/verify", json={"digest": "0" * 64})
    assert outside.status == 404, "not on the public port"
    assert (await auth.call("GET", f"{auth.internal_url}/readyz")).json == {"status": "ready"}


async def test_the_internal_port_tells_whose_a_key_is(auth: Auth, key: str) -> None:
    caller = (await auth.check(key))["caller"]
    assert caller["kind"] == "key"
    assert caller["plan"] == "free"
    assert caller["scopes"] == ["full"]
    assert set(caller) == {
        "account_id", "email", "plan", "kind", "credential_id", "scopes", "site", "expires_at", "revision",
        "account_created_at",
    }  # fmt: skip
    assert await auth.check_digest("0" * 64) == {"valid": False}
