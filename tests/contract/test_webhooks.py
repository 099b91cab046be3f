"""Contract, section 5: webhooks are added, signed, logged, tried, replayed and taken away."""

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.support.client import Client
from tests.support.eventually import eventually

#: Another machine's system reaches no receiver of ours: there deliveries fail, and are logged all the same.
OURS = "INVOKER_CONTRACT_URL" not in os.environ


class Receiver:
    """Keeps what comes, and answers with a status."""

    def __init__(self) -> None:
        self.url, self.status = "", 200
        self.taken: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Keep one request."""
        self.taken.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=self.status, text="heard")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Give a receiver on this machine."""
    made = Receiver()
    runner = web.ServerRunner(web.Server(made.take))
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    port = runner.addresses[0][1]
    made.url = f"http://127.0.0.1:{port}/hook" if OURS else "https://hooks.example.com/in"
    yield made
    await runner.cleanup()


@pytest.fixture
async def site(client: Client, key: str) -> dict[str, Any]:
    """Give a site."""
    made: dict[str, Any] = (await client.api("POST", "/deploy", key=key, json={"html": "<p>x</p>"})).json
    return made


async def added(client: Client, key: str, site: dict[str, Any], url: str, **given: Any) -> Any:
    answer = await client.api("POST", f"/webhooks/{site['id']}", key=key, json={"url": url, **given})
    assert answer.status == 200, answer.text
    return answer.json


async def attempts(client: Client, key: str, path: str, count: int) -> list[dict[str, Any]]:
    """Wait for so many attempts in a webhook's log."""

    async def look() -> list[dict[str, Any]]:
        rows = (await client.api("GET", f"{path}/deliveries", key=key)).json["deliveries"]
        made = [row for row in rows if row["attempt"] > 0]
        assert len(made) >= count
        return made

    return await eventually(look, within=20)


async def test_a_webhook_shows_its_secret_once(
    client: Client, key: str, site: dict[str, Any], receiver: Receiver
) -> None:
    made = await added(client, key, site, receiver.url)
    assert (made["deployment_id"], made["url"], made["type"]) == (site["id"], receiver.url, "generic")
    assert made["id"].startswith("wh_")
    assert made["secret"].startswith("whsec_")
    listed = await client.api("GET", f"/webhooks/{site['id']}", key=key)
    assert made["secret"] not in listed.text
    (row,) = listed.json["webhooks"]
    assert (row["id"], row["events"], row["active"]) == (made["id"], ["submission"], True)
    assert {"id", "url", "type", "events", "active", "created_at"} <= set(row)
    gone = await client.api("DELETE", f"/webhooks/{site['id']}/{made['id']}", key=key)
    assert gone.status == 200
    assert (await client.api("GET", f"/webhooks/{site['id']}", key=key)).json["webhooks"] == []


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://example.com:22/", "https://user:pw@example.com/", "x"])
async def test_a_bad_address_is_400(client: Client, key: str, site: dict[str, Any], url: str) -> None:
    answer = await client.api("POST", f"/webhooks/{site['id']}", key=key, json={"url": url})
    assert answer.status == 400
    assert answer.json["error"]


def signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Verify a signature with nothing of ours."""
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(raw, text, hashlib.sha256).digest()).decode()
    return wanted in headers["webhook-signature"].split(" ")


async def test_a_submission_is_delivered_and_signed(
    client: Client, key: str, site: dict[str, Any], receiver: Receiver
) -> None:
    hook = await added(client, key, site, receiver.url)
    path = f"/webhooks/{site['id']}/{hook['id']}"
    sent = (await client.api("POST", f"/submit/{site['id']}", json={"email": "a@b.example"})).json["id"]
    row = (await attempts(client, key, path, 1))[-1]
    assert (row["submission_id"], row["attempt"]) == (sent, 1)
    assert {"id", "submission_id", "attempt", "at", "status", "latency_ms", "answer", "next_at"} <= set(row)
    if not OURS:
        assert (row["status"], bool(row["next_at"])) == (None, True)
        return
    assert (row["status"], row["answer"], row["next_at"]) == (200, "heard", None)
    headers, body = receiver.taken[0]
    assert signed(hook["secret"], headers, body)
    told = orjson.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["deployment_id"]) == ("submission", sent, site["id"])
    assert (told["data"]["slug"], told["data"]["form"], told["data"]["data"]) == (
        site["slug"],
        None,
        {"email": "a@b.example"},
    )


async def test_a_test_is_marked_and_a_rotated_secret_signs_too(
    client: Client, key: str, site: dict[str, Any], receiver: Receiver
) -> None:
    hook = await added(client, key, site, receiver.url)
    path = f"/webhooks/{site['id']}/{hook['id']}"
    rotated = await client.api("POST", f"{path}/rotate", key=key)
    assert rotated.json["secret"] != hook["secret"]
    tried = await client.api("POST", f"{path}/test", key=key)
    assert tried.status == 200, tried.text
    await attempts(client, key, path, 1)
    if OURS:
        headers, body = receiver.taken[0]
        assert signed(hook["secret"], headers, body)
        assert signed(rotated.json["secret"], headers, body)
        assert orjson.loads(body)["test"] is True
    assert (await client.api("GET", f"/submissions/{site['id']}", key=key)).json["total"] == 0


async def test_a_failed_delivery_is_replayed(
    client: Client, key: str, site: dict[str, Any], receiver: Receiver
) -> None:
    receiver.status = 500
    hook = await added(client, key, site, receiver.url)
    path = f"/webhooks/{site['id']}/{hook['id']}"
    await client.api("POST", f"/submit/{site['id']}", json={"n": 1})
    failed = (await attempts(client, key, path, 1))[-1]
    assert failed["status"] == (500 if OURS else None)
    receiver.status = 200
    replayed = await client.api("POST", f"{path}/deliveries/{failed['id']}/replay", key=key)
    assert replayed.status == 200, replayed.text
    again = (await attempts(client, key, path, 2))[0]
    if OURS:
        assert again["status"] == 200
        assert receiver.taken[0][0]["webhook-id"] == receiver.taken[1][0]["webhook-id"]


async def test_slack_gets_blocks(client: Client, key: str, site: dict[str, Any], receiver: Receiver) -> None:
    hook = await added(client, key, site, receiver.url, type="slack")
    assert hook["type"] == "slack"
    await client.api("POST", f"/submit/{site['id']}", json={"name": "<!channel> Ada"})
    await attempts(client, key, f"/webhooks/{site['id']}/{hook['id']}", 1)
    if OURS:
        body = orjson.loads(receiver.taken[0][1])
        assert body["blocks"]
        assert "<!channel>" not in orjson.dumps(body["blocks"]).decode()
