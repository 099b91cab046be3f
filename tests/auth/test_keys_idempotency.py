"""`Idempotency-Key` on new keys: the account's, for a day, and never a second sight of a secret."""

from typing import Any

import pytest

from tests.support.auth import Auth, an_address, gathered
from tests.support.keys import a_key, cookie, rotate

ONCE = {"Idempotency-Key": "ci-1"}


@pytest.fixture
async def key(auth: Auth) -> str:
    return await auth.log_in(an_address())


async def create_once(auth: Auth, key: str, **more: str) -> Any:
    return await auth.call("POST", "/keys", key=key, json={"name": "ci"}, headers=ONCE | more)


async def test_it_is_the_accounts_whoever_of_it_asks(auth: Auth) -> None:
    """Another key of the account, and its browser, get the row and no secret."""
    email, browser = an_address(), auth.browser()
    key = await auth.log_in(email)
    await browser.log_in(email)
    other = (await a_key(auth, key))["key"]
    first = (await create_once(auth, key)).json
    by_browser = await auth.call("POST", "/keys", json={"name": "ci"}, headers=ONCE | cookie(browser))
    for again in (await create_once(auth, other), by_browser):
        assert again.status == 201
        assert (again.json["id"], again.json["replayed"]) == (first["id"], True)
        assert "key" not in again.json
        assert first["key"] not in again.text


async def test_it_is_nobody_elses(auth: Auth, key: str) -> None:
    stranger = await auth.log_in(an_address())
    first, second = (await create_once(auth, key)).json, (await create_once(auth, stranger)).json
    assert first["id"] != second["id"]
    assert "key" in second


@pytest.mark.parametrize("end", ["rotate", "rotate with grace", "revoke"])
async def test_a_key_that_ended_or_was_replaced_is_not_made_again(auth: Auth, key: str, end: str) -> None:
    """A repetition shows what became of it."""
    made, successor = (await create_once(auth, key)).json, None
    if end == "revoke":
        await auth.call("DELETE", f"/keys/{made['id']}", key=key)
    else:
        successor = (await rotate(auth, key, made["id"], grace_seconds=60 if "grace" in end else 0)).json["id"]
    again = await create_once(auth, key)
    assert (again.status, again.json["id"], again.json["replayed"]) == (201, made["id"], True)
    assert "key" not in again.json
    assert bool(again.json["revoked_at"]) == (end != "rotate with grace")
    assert again.json["replaced_by"] == successor


async def test_of_many_at_once_by_different_keys_one_is_made(auth: Auth, key: str) -> None:
    keys = [key, *[(await a_key(auth, key))["key"] for _ in range(3)]]
    answers = await gathered([create_once(auth, each) for each in keys * 3])
    assert sum("key" in answer.json for answer in answers) == 1
    assert {answer.status for answer in answers} <= {201, 409}
    assert await auth.db.fetchval("SELECT count(*) FROM keys WHERE name = 'ci'") == 1


async def test_after_a_day_it_may_be_used_again(auth: Auth, key: str) -> None:
    first = (await create_once(auth, key)).json
    await auth.db.execute("UPDATE keys SET created_at = now() - interval '25 hours' WHERE id = $1", first["id"])
    second = (await create_once(auth, key)).json
    assert "key" in second
    assert second["id"] != first["id"]
