"""Rotation: a successor with the same settings, and an old key that ends in time; and new names for keys."""

from datetime import datetime
from typing import Any

import pytest

from services.auth import keys
from shared import credentials
from shared.events import CredentialsChanged, KeyRevoked, KeyRotatedMail
from tests.support.auth import Auth, an_address, gathered
from tests.support.eventually import eventually
from tests.support.keys import a_key, rotate, trail, works


@pytest.fixture
async def key(auth: Auth) -> str:
    return await auth.log_in(an_address())


async def row(auth: Auth, key: str, key_id: str) -> Any:
    return (await auth.call("GET", f"/keys/{key_id}", key=key)).json


async def test_a_rotated_key_has_a_successor_with_the_same_settings(auth: Auth, key: str) -> None:
    old = await a_key(auth, key, name="ci", scopes=["deploy"], site="my-site", expires_in=3600)
    answer = await rotate(auth, key, old["id"])
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    new = answer.json
    assert credentials.well_formed(new["key"])
    for same in ("name", "scopes", "site", "expires_at"):
        assert new[same] == old[same]
    assert (new["created_via"], new["replaced_by"], new["id"] != old["id"]) == ("rotation", None, True)
    assert (await works(auth, old["key"]), await works(auth, new["key"])) == (False, True)
    ended = await row(auth, key, old["id"])
    assert ended["replaced_by"] == new["id"]
    assert ended["revoked_at"]


async def test_within_the_grace_both_keys_work_and_then_only_the_new_one(auth: Auth, key: str) -> None:
    old = await a_key(auth, key)
    new = (await rotate(auth, key, old["id"], grace_seconds=3600)).json
    assert new["expires_at"] is None, "the old one's end is not the new one's"
    ended = await row(auth, key, old["id"])
    assert ended["revoked_at"] is None
    assert seconds(ended["expires_at"], new["created_at"]) == 3600
    assert (await works(auth, old["key"]), await works(auth, new["key"])) == (True, True)
    caller = (await auth.check(old["key"]))["caller"]
    assert caller["expires_at"], "deploy's caches hear of the new end"
    await auth.db.execute("UPDATE keys SET expires_at = now() WHERE id = $1", old["id"])
    assert (await works(auth, old["key"]), await works(auth, new["key"])) == (False, True)


def seconds(later: str, earlier: str) -> int:
    return round((datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds())


async def test_a_grace_never_prolongs_a_key(auth: Auth, key: str) -> None:
    old = await a_key(auth, key, expires_in=60)
    new = (await rotate(auth, key, old["id"], grace_seconds=86_400)).json
    assert (await row(auth, key, old["id"]))["expires_at"] == old["expires_at"] == new["expires_at"]


async def test_a_successor_may_get_a_life_of_its_own(auth: Auth, key: str) -> None:
    old = await a_key(auth, key, expires_in=60)
    new = (await rotate(auth, key, old["id"], expires_in=7200)).json
    assert seconds(new["expires_at"], new["created_at"]) == 7200


async def test_a_key_may_rotate_itself(auth: Auth, key: str) -> None:
    me = (await auth.call("GET", "/auth/me", key=key)).json["credential"]["id"]
    new = (await rotate(auth, key, me)).json
    assert (await works(auth, key), await works(auth, new["key"])) == (False, True)


async def test_without_grace_caches_hear_of_an_end_and_with_grace_of_a_change(auth: Auth, key: str) -> None:
    first, second = await a_key(auth, key), await a_key(auth, key)
    await rotate(auth, key, first["id"])
    await rotate(auth, key, second["id"], grace_seconds=1)
    (changed,) = await eventually(lambda: auth.bus.events(CredentialsChanged))
    assert [event.key_id for event in auth.bus.events(KeyRevoked)] == [first["id"]]
    assert changed.digests == (credentials.digest(second["key"]),)


async def test_the_account_is_told_of_a_rotation_and_its_trail_too(auth: Auth, key: str) -> None:
    me = (await auth.call("GET", "/auth/me", key=key)).json
    old = await a_key(auth, key, name="ci")
    new = (await rotate(auth, key, old["id"], grace_seconds=60)).json
    (mail,) = await eventually(lambda: auth.bus.events(KeyRotatedMail))
    assert (mail.to, mail.name, mail.old_hint, mail.hint) == (me["email"], "ci", old["hint"], new["hint"])
    assert mail.ip == "127.0.0.1"
    assert mail.dashboard_url == f"{auth.config.app_url}/dashboard"
    assert (mail.ends_at - mail.rotated_at).total_seconds() == 60
    assert not any(secret in str(mail.model_dump()) for secret in (old["key"], new["key"]))
    detail = {"new_key_id": new["id"], "grace_seconds": 60}
    assert await trail(auth, "key.rotated") == [(me["credential"]["id"], old["id"], "127.0.0.1", detail)]


async def test_of_many_rotations_at_once_exactly_one_wins(auth: Auth, key: str) -> None:
    old = await a_key(auth, key)
    answers = await gathered([rotate(auth, key, old["id"], grace_seconds=60) for _ in range(6)])
    assert sorted(answer.status for answer in answers) == [201] + [409] * 5
    successor = next(answer.json["id"] for answer in answers if answer.status == 201)
    for answer in answers:
        if answer.status == 409:
            assert answer.json["code"] == "key_rotated"
            assert successor in answer.json["hint"]
    assert await auth.db.fetchval("SELECT count(*) FROM keys WHERE created_via = 'rotation'") == 1


async def test_a_key_that_has_ended_is_not_rotated_or_renamed(auth: Auth, key: str) -> None:
    revoked, expired = await a_key(auth, key), await a_key(auth, key, expires_in=60)
    await auth.call("DELETE", f"/keys/{revoked['id']}", key=key)
    await auth.db.execute("UPDATE keys SET expires_at = now() WHERE id = $1", expired["id"])
    for ended in (revoked, expired):
        for answer in (await rotate(auth, key, ended["id"]), await rename(auth, key, ended["id"], "x")):
            assert (answer.status, answer.json["code"]) == (409, "key_ended")


async def test_rotation_is_no_way_to_a_stronger_key(auth: Auth, key: str) -> None:
    strong, weak = await a_key(auth, key), await a_key(auth, key, scopes=["keys"])
    answer = await rotate(auth, weak["key"], strong["id"])
    assert (answer.status, answer.json["code"]) == (403, "missing_scope")
    assert await works(auth, strong["key"])
    assert (await rotate(auth, weak["key"], weak["id"])).status == 201


NO_ROTATION: list[Any] = [
    *({"grace_seconds": wrong} for wrong in (-1, 86_401, "1", 1.5, True, None)),
    *({"expires_in": wrong} for wrong in (0, 31_536_001, "1")),
    [],
]


async def test_a_rotation_of_another_form_is_422(auth: Auth, key: str) -> None:
    old = await a_key(auth, key)
    for body in NO_ROTATION:
        answer = await auth.call("POST", f"/keys/{old['id']}/rotate", key=key, json=body)
        assert answer.status == 422, body
    assert (await auth.call("POST", f"/keys/{old['id']}/rotate", key=key)).status == 201, "no body is fine"


async def test_a_full_account_can_still_rotate(auth: Auth, key: str) -> None:
    old = await a_key(auth, key)
    await auth.db.execute(
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via)"
        " SELECT 'key_' || n, (SELECT id FROM accounts), n::text, '', '', '{full}', 'api'"
        " FROM generate_series(1, 998) n"
    )
    assert (await auth.call("POST", "/keys", key=key, json={})).status == 409
    assert (await rotate(auth, key, old["id"], grace_seconds=60)).status == 201


async def rename(auth: Auth, key: str, key_id: str, name: Any) -> Any:
    return await auth.call("PATCH", f"/keys/{key_id}", key=key, json={"name": name})


async def test_a_key_gets_another_name(auth: Auth, key: str) -> None:
    made = await a_key(auth, key, name="old")
    answer = await rename(auth, key, made["id"], "  Büro 🖥 ")
    assert (answer.status, answer.json["name"]) == (200, "Büro 🖥")
    assert answer.json == await row(auth, key, made["id"])
    ((_, key_id, _, detail),) = await trail(auth, "key.renamed")
    assert (key_id, detail) == (made["id"], {"old": "old", "new": "Büro 🖥"})
    for name in ("", " ", "a" * 101, "two\nlines", "nul\0", 1, None):
        assert (await rename(auth, key, made["id"], name)).status == 422


async def test_strangers_and_bound_keys_neither_rotate_nor_rename(auth: Auth, key: str) -> None:
    made, bound = await a_key(auth, key), await a_key(auth, key, site="my-site")
    stranger = await auth.log_in(an_address())
    for other, status, code in ((stranger, 404, "key_not_found"), (bound["key"], 403, "bound_to_site")):
        for answer in (await rotate(auth, other, made["id"]), await rename(auth, other, made["id"], "x")):
            assert (answer.status, answer.json["code"]) == (status, code)
    assert await works(auth, made["key"])


async def test_a_chain_of_rotations_does_not_make_any_number_of_working_keys(auth: Auth, key: str) -> None:
    me = (await auth.call("GET", "/auth/me", key=key)).json["credential"]["id"]
    await auth.db.execute(
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via)"
        " SELECT 'key_' || n, a.id, n::text, 'x', '', '{read}', 'test' FROM accounts a, generate_series(2, $1) n",
        keys.MAX_WITH_GRACE,
    )
    refused = await rotate(auth, key, me, grace_seconds=60)
    assert (refused.status, refused.json["code"]) == (409, "too_many_keys")
    assert (await rotate(auth, key, me)).status == 201
