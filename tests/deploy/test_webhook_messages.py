"""What a webhook is sent (contract, section 5), and R76: signatures that anybody can check."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from playwright._impl._driver import compute_driver_executable
from pydantic import SecretStr

from services.deploy import payloads, signatures
from services.deploy.config import Config
from services.deploy.deliveries import Due
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN, FakeAuth
from tests.support.hook_world import Got, HookWorld, hook_world

CONFIG = Config(
    database_url=SecretStr("postgresql://x"),
    service_token=SecretStr(TOKEN),
    app_url="https://app.invoker.example",
    api_url="https://api.invoker.example",
)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
#: Would mention everybody, hide a link behind words, or format.
HOSTILE = "<!channel> <@U1> <https://evil.example|Your bank> [bank](https://evil.example) *b* @everyone & `c`"


def a_due(**given: Any) -> Due:
    """Build a delivery, with what a test does not care about filled in."""
    facts: dict[str, Any] = {
        "id": "dlv_0123456789abcdef",
        "webhook_id": "wh_0123456789abcdef",
        "deployment_id": "dep_0123456789abcdef",
        "submission_id": "sub_0123456789abcdef",
        "attempts": 0,
        "leased_until": NOON,
        "url": "https://hooks.example.com/",
        "type": "generic",
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "failing_since": None,
        "slug": "bakery",
        "form": "order",
        "status": "accepted",
        "data": {"name": "Grace Hopper", "message": "Two loaves, please.\nThank you!"},
        "files": [],
        "created_at": NOON,
        "request_id": "req_0123456789",
    }
    return Due(**facts | given)


def texts(message: Any) -> list[tuple[str, str]]:
    """Return kind and text of every text of a Slack message."""
    if isinstance(message, dict):
        own = [(message["type"], message["text"])] if isinstance(message.get("text"), str) and "type" in message else []
        return own + [each for value in message.values() for each in texts(value)]
    return [each for item in message for each in texts(item)] if isinstance(message, list) else []


def size(text: str) -> int:
    """Count as Slack and Discord do, whatever they count."""
    return len(text.encode("utf-16-le")) // 2


def test_a_generic_body_is_the_contracts() -> None:
    assert json.loads(payloads.body(a_due(), CONFIG)) == {
        "type": "submission",
        "created_at": "2026-11-28T12:00:00.000Z",
        "data": {
            "id": "sub_0123456789abcdef",
            "deployment_id": "dep_0123456789abcdef",
            "slug": "bakery",
            "form": "order",
            "data": {"name": "Grace Hopper", "message": "Two loaves, please.\nThank you!"},
        },
    }


def test_files_come_as_addresses_and_a_test_is_marked() -> None:
    file = {"id": "fil_1", "field": "cv", "name": "cv.pdf", "size": 3, "type": "application/pdf"}
    body = payloads.generic(a_due(files=[file], status="test"), CONFIG)
    url = "https://api.invoker.example/submissions/dep_0123456789abcdef/sub_0123456789abcdef/files/fil_1"
    assert body["data"]["files"] == [file | {"url": url}]
    assert body["test"] is True


def test_a_slack_message_has_a_field_for_each_answer() -> None:
    message = payloads.slack(a_due(), CONFIG)
    header, short, name, long, context = message["blocks"]
    assert header["text"] == {"type": "plain_text", "text": "New submission: order on bakery", "emoji": False}
    assert [field["text"] for field in short["fields"]] == ["*name*", "Grace Hopper"]
    assert (name["text"]["text"], long["text"]["text"]) == ("*message*", "Two loaves, please.\nThank you!")
    (note,) = context["elements"]
    assert "<https://app.invoker.example/dashboard/sites/dep_0123456789abcdef/inbox|Open the inbox>" in note["text"]
    assert "<!date^1795867200^" in note["text"]
    assert message["text"].startswith("New submission: order on bakery – name: Grace Hopper")


def test_a_test_says_so_in_slack_and_discord() -> None:
    assert payloads.slack(a_due(status="test"), CONFIG)["blocks"][0]["text"]["text"].startswith("[Test] ")
    assert payloads.discord(a_due(status="test"), CONFIG)["embeds"][0]["title"].startswith("[Test] ")


def test_what_visitors_write_does_nothing_in_slack() -> None:
    """Values are plain text; names, where formatting is on, are escaped and nothing in them is made a link."""
    message = payloads.slack(a_due(data={HOSTILE: HOSTILE}, form=HOSTILE), CONFIG)
    kinds = texts(message["blocks"])
    assert ("plain_text", HOSTILE.replace("<!", "<\u2060!").replace("<@", "<\u2060@")) in kinds
    for kind, text in kinds[:-1]:
        assert kind == "plain_text" or not set("<>") & set(text), text
    assert not set("<>") & set(message["text"])
    labels = [field for block in message["blocks"] for field in block.get("fields", ()) if field["type"] == "mrkdwn"]
    labels += [block["text"] for block in message["blocks"] if block.get("text", {}).get("type") == "mrkdwn"]
    assert labels
    assert all(label["verbatim"] for label in labels)


def test_what_visitors_write_does_nothing_in_discord() -> None:
    message = payloads.discord(a_due(data={HOSTILE: HOSTILE}), CONFIG)
    assert message["allowed_mentions"] == {"parse": []}
    (field,) = message["embeds"][0]["fields"]
    for text in (field["name"], field["value"]):
        assert "\\[bank\\]\\(https\\://evil.example\\)" in text
        assert "\\<!channel\\>" in text
        assert text.replace("\\", "") == HOSTILE


MANY = {f"field {n}": "x" * size for n, size in enumerate([10, 5000, 0, 300] * 25)}


@pytest.mark.parametrize(
    "data",
    [{}, {"": ""}, {" ": None}, MANY, {"a": "😀" * 5000}, {"b" * 5000: "\\" * 5000}, {"c": [1, {"d": 0}], "e": True}],
)  # fmt: skip
def test_messages_keep_to_the_limits_of_slack_and_discord(data: dict[str, Any]) -> None:
    """No text is empty or too long, in the units that both count, and what was left out is said."""
    due = a_due(data=data, form="f" * 500)
    slack = payloads.slack(due, CONFIG)
    assert len(slack["blocks"]) <= 50
    assert all(0 < len(block.get("fields", "x")) <= 10 for block in slack["blocks"])
    assert all(0 < size(text) <= 3000 for _, text in texts(slack["blocks"]))
    assert size(slack["blocks"][0]["text"]["text"]) <= 150
    assert sum(size(text) for _, text in texts(slack["blocks"])) <= 30_000
    (embed,) = payloads.discord(due, CONFIG)["embeds"]
    assert len(embed["fields"]) <= 25
    assert all(0 < size(field["name"]) <= 256 and 0 < size(field["value"]) <= 1024 for field in embed["fields"])
    total = size(embed["title"]) + sum(size(field["name"]) + size(field["value"]) for field in embed["fields"])
    assert total <= 6000 - size(embed.get("footer", {"text": ""})["text"])
    if data is MANY:
        named = sum(text.startswith("*field") for _, text in texts(slack["blocks"]))
        assert slack["blocks"][-1]["elements"][0]["text"].startswith(f"{100 - named} more in the inbox")
        assert embed["footer"]["text"] == f"{100 - len(embed['fields'])} more in the inbox"


# R76


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Sign by hand, from the specification alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def test_r76_the_published_vector_comes_out() -> None:
    """R76: the test vector of the Standard Webhooks specification."""
    at = datetime.fromtimestamp(1614265330, UTC)
    message_id, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    made = signatures.headers(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], message_id, at, body)
    assert made == {
        "webhook-id": message_id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert (
        signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", message_id, "1614265330", body) == made["webhook-signature"]
    )


def test_r76_other_signers_come_to_the_same() -> None:
    """R76: text outside ASCII and moments between seconds, by hand."""
    body = '{"name": "Zoë 😀"}'.encode()
    at = NOON + timedelta(microseconds=999_999)
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    made = signatures.headers([secret], "dlv_1", at, body)
    assert made["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert made["webhook-signature"] == signature(secret, "dlv_1", made["webhook-timestamp"], body)


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HookWorld]:
    async with hook_world(database_url, tmp_path, auth, monkeypatch) as running:
        yield running


def signed_by(secret: str, got: Got) -> str:
    return signature(secret, got.headers["webhook-id"], got.headers["webhook-timestamp"], got.raw)


async def test_r76_the_bytes_that_arrive_are_those_that_are_signed(world: HookWorld) -> None:
    """R76: an independent verifier and the library's accept what came over the wire, and nothing that was changed."""
    added = await world.add()
    sent = {"name": "Zoë", "b": [1, {"c": None}]}
    answer = await world.deploy.submit(world.site, json=sent, headers={"X-Request-ID": "from-a-visitor"})
    await eventually(lambda: world.receiver.got)
    (got,) = world.receiver.got
    assert got.headers["webhook-signature"] == signed_by(added["secret"], got)
    read = standardwebhooks.Webhook(added["secret"]).verify(got.raw, got.headers)
    assert read["data"]["data"] == sent
    assert read["data"]["id"] == answer.json["id"]
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-request-id"] == "from-a-visitor"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(added["secret"]).verify(got.raw + b" ", got.headers)


async def test_r76_for_24_hours_after_a_rotation_both_secrets_sign(world: HookWorld) -> None:
    """R76: the newest first; rotated twice, the oldest signs no more; after a day, the newest alone."""
    secrets = [(await world.add())["secret"]]
    webhook = (await world.call("GET")).json["webhooks"][0]
    for _ in range(2):
        rotated = await world.call("POST", f"/{webhook['id']}/rotate")
        assert (rotated.status, rotated.headers["Cache-Control"]) == (200, "no-store")
        secrets.append(rotated.json["secret"])
        await world.submit(n=len(secrets))
        await eventually(lambda: len(world.receiver.got) == len(secrets) - 1)
        got = world.receiver.got[-1]
        newest = [signed_by(secret, got) for secret in secrets[:-3:-1]]
        assert got.headers["webhook-signature"] == " ".join(newest)
        for secret in secrets[-2:]:
            standardwebhooks.Webhook(secret).verify(got.raw, got.headers)
        until = datetime.fromisoformat(rotated.json["previous_until"])
        assert timedelta(hours=23, minutes=59) < until - datetime.now(UTC) <= timedelta(hours=24)
    world.later.by = timedelta(hours=24, seconds=1)
    await world.submit(n=9)
    await eventually(lambda: len(world.receiver.got) == 3)
    got = world.receiver.got[-1]
    assert got.headers["webhook-signature"] == signed_by(secrets[-1], got)


# What the documentation says


def snippet(language: str) -> str:
    """Return the code in a language from the receivers' page."""
    text = (Path(__file__).parent.parent.parent / "docs" / "webhooks.md").read_text(encoding="utf-8")
    return text.partition(f"```{language}\n")[2].partition("```")[0]


def cases() -> list[tuple[bool, str, dict[str, str], bytes]]:
    """Return deliveries and whether each is ours: as it is, after a rotation, old, changed, and of somebody else."""
    secret, other = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    body, now = '{"name": "Zoë"}'.encode(), datetime.now(UTC)
    good = signatures.headers([secret], "dlv_1", now, body)
    rotated = signatures.headers([other, secret], "dlv_1", now, body)
    old = signatures.headers([secret], "dlv_1", now - timedelta(minutes=6), body)
    return [
        (True, secret, good, body), (True, secret, rotated, body), (False, secret, old, body),
        (False, secret, good, body + b" "), (False, other, good, body),
        (False, secret, good | {"webhook-id": "x"}, body),
    ]  # fmt: skip


def test_r76_the_python_that_receivers_are_shown_works() -> None:
    """R76: it takes what is ours and nothing else."""
    names: dict[str, Any] = {}
    exec(snippet("python"), names)  # noqa: S102 - our own page
    for expected, secret, headers, body in cases():
        assert names["verify"](secret, headers, body) is expected


def test_r76_the_javascript_that_receivers_are_shown_works(tmp_path: Path) -> None:
    """R76: as the Python."""
    # where the machine has none there is the one that Playwright brings
    node = shutil.which("node") or compute_driver_executable()[0]
    given = [[secret, headers, body.decode()] for _, secret, headers, body in cases()]
    script = f"{snippet('js')}\nconst cases = {json.dumps(given)};\n"
    script += "console.log(JSON.stringify(cases.map(([s, h, b]) => verify(s, h, Buffer.from(b)))));"
    (tmp_path / "check.cjs").write_text(script, encoding="utf-8")
    out = subprocess.run([node, tmp_path / "check.cjs"], capture_output=True, check=True, timeout=20).stdout
    assert json.loads(out) == [expected for expected, *_ in cases()]
