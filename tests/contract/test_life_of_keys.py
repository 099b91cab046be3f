"""Contract, section 2: rotation, revocation by a holder, use and trail of keys, over both services."""

from typing import Any

from tests.support.client import Client
from tests.support.eventually import eventually
from tests.support.timing import once_within, seconds


async def a_key(client: Client, key: str, **body: Any) -> Any:
    made = await client.api("POST", "/keys", key=key, json=body)
    assert made.status == 201, made.text
    return made.json


async def taken_by_deploy(client: Client, key: str) -> bool:
    status = (await client.api("GET", "/deploy", key=key)).status
    assert status in {200, 401}
    return status == 200


async def refused_by_deploy(client: Client, key: str) -> bool:
    return not await taken_by_deploy(client, key)


async def test_a_rotated_key_ends_everywhere_and_its_successor_works(
    client: Client, account: dict[str, str], key: str
) -> None:
    old = await a_key(client, key, name="ci rotated", scopes=["deploy"])
    assert await taken_by_deploy(client, old["key"])
    kept = await client.api("POST", f"/keys/{old['id']}/rotate", key=key, json={"grace_seconds": 2})
    assert kept.status == 201
    assert await taken_by_deploy(client, kept.json["key"])
    assert await taken_by_deploy(client, old["key"]), "within the grace"
    await eventually(lambda: refused_by_deploy(client, old["key"]), within=10)
    ended = await client.api("POST", f"/keys/{kept.json['id']}/rotate", key=key)
    assert await taken_by_deploy(client, ended.json["key"])
    await eventually(lambda: refused_by_deploy(client, kept.json["key"]), within=10)
    assert await client.mail(account["email"], having="replaced")


async def test_whoever_holds_a_key_ends_it_everywhere_within_a_second(client: Client, key: str) -> None:
    async def measure() -> float:
        leaked = await a_key(client, key, name="leaked")
        assert await taken_by_deploy(client, leaked["key"])
        told = [await client.api("POST", "/keys/revoke", json={"key": text}) for text in (leaked["key"], "nonsense")]
        assert [answer.status for answer in told] == [200, 200]
        assert told[0].raw == told[1].raw
        took = await seconds(lambda: eventually(lambda: refused_by_deploy(client, leaked["key"])))
        row = (await client.api("GET", f"/keys/{leaked['id']}", key=key)).json
        assert row["revoked_at"]
        return took

    await once_within(1, measure)


async def test_a_key_shows_that_deploy_saw_it(client: Client, key: str) -> None:
    made = await a_key(client, key, name="seen")
    assert made["last_used_at"] is None
    await client.api("GET", "/deploy", key=made["key"], headers={"User-Agent": "contract/1"})

    async def seen() -> None:
        row = (await client.api("GET", f"/keys/{made['id']}", key=key)).json
        assert row["last_used_at"]
        assert (row["last_used_client"], bool(row["last_used_ip"])) == ("contract/1", True)

    await eventually(seen)


async def test_the_trail_has_what_happened_in_both_services(client: Client, key: str) -> None:
    weak = await a_key(client, key, name="weak", scopes=["read"])
    assert (await client.api("POST", "/deploy", key=weak["key"], json={"html": "x"})).status == 403
    assert (await client.api("GET", "/audit", key=weak["key"])).status == 403

    async def told() -> list[Any]:
        events = (await client.api("GET", "/audit", key=key)).json["events"]
        mine = [event for event in events if event["key_id"] == weak["id"]]
        return mine if len(mine) >= 3 else []

    events = await eventually(told)
    assert {event["action"] for event in events} == {"key.created", "scope.denied"}
    denied = {event["detail"]["operation"] for event in events if event["action"] == "scope.denied"}
    assert denied == {"POST /deploy", "GET /audit"}
