"""R75: whatever an address says and wherever its name leads, nothing inside is reached: judged at each connection."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import ids, outbound
from tests.support import dns_server
from tests.support.dns_server import NameServer
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.hook_world import HookWorld, hook_world

#: Forced into the table: the first ones would be refused as text, the others are judged by where they lead.
HOSTILE = [
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/",
    "http://127.0.0.1.:{port}/", "http://127.255.255.254:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/", "http://[fec0::1]:{port}/", "http://[fd00::1]:{port}/", "http://[::1",
    "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/", "http://a.localhost:{port}/",
    "http://user:pass@127.0.0.1:{port}/", "http://public.example.com@127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "http:///", "//127.0.0.1:{port}/", "", "x",
    "http://%31%32%37.0.0.1:{port}/", "http://①②⑦.0.0.1:{port}/", "http://127。0。0。1:{port}/",
    "http://169.254.169.254/latest/", "http://metadata.google.internal/", "http://168.63.129.16/", "http://10.0.0.1/",
    "http://192.168.0.1/", "http://100.64.0.1/", "http://hooks.example.com:22/", "http://127.0.0.1:{port}/#x",
]  # fmt: skip
#: Names that may be added, and what they lead to.
NAMES = {
    "inside.example.com": ["127.0.0.1"],
    "both.example.com": ["127.0.0.1", "10.0.0.1"],
    "metadata.example.com": ["169.254.169.254"],
    "zero.example.com": ["0.0.0.0"],  # noqa: S104 - nothing listens there
    "azure.example.com": ["168.63.129.16"],
    "shared.example.com": ["100.64.0.1"],
    "127.0.0.1.nip.example.com": ["127.0.0.1"],
}


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with dns_server.serving() as server:
        for name, addresses in NAMES.items():
            server.a(name, *addresses)
        yield server


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch, names: NameServer
) -> AsyncIterator[HookWorld]:
    """Run a service as it is in public; the receiver is on its inside, a canary."""
    given = {"webhook_allow_private": False, "dns_servers": (names.address,)}
    async with hook_world(database_url, tmp_path, auth, monkeypatch, **given) as running:
        yield running


async def force(world: HookWorld, url: str) -> None:
    """Write a webhook into the table that the API would not take."""
    await world.fetch(
        "INSERT INTO webhooks (id, deployment_id, url, type, events, secret) VALUES ($1, $2, $3, 'generic',"
        " '{submission}', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')",
        ids.new_id("wh"), world.site["id"], url,
    )  # fmt: skip


async def attempts(world: HookWorld) -> int:
    found: int = await world.fetch("SELECT count(*) FROM delivery_attempts")
    return found


async def test_r75_forced_into_the_table_hostile_addresses_reach_nothing(world: HookWorld) -> None:
    """R75: 0 connections to the canary on the inside; every attempt fails before anything is sent."""
    assert len(HOSTILE) >= 40
    for url in HOSTILE:
        await force(world, url.format(port=world.receiver.port))
    await world.submit(n=1)

    async def all_tried() -> bool:
        return await attempts(world) == len(HOSTILE)

    await eventually(all_tried)
    assert await world.fetch("SELECT count(*) FROM delivery_attempts WHERE status IS NOT NULL OR error IS NULL") == 0
    assert world.receiver.got == []


async def test_r75_names_that_lead_inside_may_be_added_and_reach_nothing(world: HookWorld) -> None:
    """R75: the text is a public name's; the address is looked at when it is connected to."""
    for name in NAMES:
        added = await world.add(f"http://{name}:{world.receiver.port}/")
        row = (await world.call("POST", f"/{added['id']}/test")).json["delivery"]
        assert (row["status"], row["error"]) == (None, "the address is not a public one"), name
    assert world.receiver.got == []


async def test_r75_a_name_server_that_changes_its_mind_gains_nothing(
    world: HookWorld, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R75: alternating between outside and inside, judged at the connection of every attempt."""
    # stands for a public address; nothing listens there
    monkeypatch.setattr(outbound, "is_public", lambda address: address == "127.0.0.2")
    turns = itertools.cycle(["127.0.0.2", "127.0.0.1"])
    names.changing["rebinding.example.com"] = lambda: next(turns)
    added = await world.add(f"http://rebinding.example.com:{world.receiver.port}/")
    for number in range(1, 7):
        await world.submit(n=number)
        await world.attempted(added, number)
    errors = {row["error"] for row in await world.log(added)}
    assert errors == {"no connection", "the address is not a public one"}
    assert world.receiver.got == []


async def test_r75_a_redirect_to_the_inside_is_not_followed(
    world: HookWorld, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R75: not even looked at."""
    monkeypatch.setattr(outbound, "is_public", lambda _address: True)
    world.receiver.answer("/out", 307, Location=f"http://127.0.0.1:{world.receiver.port}/inside")
    names.a("public.example.com", "127.0.0.1")
    added = await world.add(f"http://public.example.com:{world.receiver.port}/out")
    row = (await world.call("POST", f"/{added['id']}/test")).json["delivery"]
    assert row["status"] == 307
    assert [got.path for got in world.receiver.got] == ["/out"]


async def test_our_own_internal_port_is_out_of_reach(world: HookWorld) -> None:
    """R75: the services' own listeners are private addresses."""
    await force(world, f"{world.deploy.internal_url}/internal/takedown")
    refused = await world.call("POST", json={"url": f"{world.deploy.internal_url}/internal/takedown"})
    assert (refused.status, refused.json["code"]) == (400, "bad_webhook_url")
    await world.submit(n=1)

    async def tried() -> bool:
        return await attempts(world) == 1

    await eventually(tried)
    assert await world.fetch("SELECT error FROM delivery_attempts") == "127.0.0.1 is not a public address"
