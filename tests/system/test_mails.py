"""Mails through three processes: an address that bounced, and what is told once all is back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import processes, proxy
from tests.support.client import Answer, Target, an_address
from tests.support.direct import Direct
from tests.support.eventually import eventually
from tests.support.minted import minted
from tests.support.proxy import Proxy
from tests.support.smtp import SmtpServer, smtp_server


@dataclass(frozen=True, slots=True)
class World:
    """Three processes, a difficult SMTP server, and the way to the broker."""

    client: Direct
    smtp: SmtpServer
    broker: Proxy
    key: str
    account: str

    @property
    def system(self) -> processes.System:
        return self.client._system

    async def deploy(self, method: str, path: str, **given: Any) -> Answer:
        return await self.client.api(method, path, **given)


@pytest.fixture
async def world(database_url: str, amqp_url: str, bus_prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    async with smtp_server() as smtp, proxy.between(amqp_url) as way, aiohttp.ClientSession() as session:
        system = processes.System(
            tmp_path,
            database_url=database_url,
            amqp_url=way.url,
            smtp_url=smtp.url,
            INVOKER_AMQP_PREFIX=bus_prefix.rstrip("."),
        )
        try:
            await asyncio.to_thread(system.start)
            account, (key,) = await minted(database_url, 1)
            yield World(Direct(session, system, Target.local(8080).app), smtp, way, key.key, account)
        finally:
            for service in system.services:
                service.close()


async def test_r38_a_second_login_of_a_dead_address_sends_nothing_and_answers_the_same(world: World) -> None:
    """R38: after a 5.1.1 the next request sends 0 mails, and its answer is the same to the byte."""
    email = an_address()
    world.smtp.at_rcpt[email] = ["550 5.1.1 no such user"]

    async def ask() -> tuple[int, bytes, dict[str, str]]:
        started, _ = await world.client.session()
        body = {"session_id": started["session_id"], "email": email}
        headers = {"X-Request-ID": "req_0123456789"}
        url = world.system.auth.url + "/auth/otp"
        answer = await world.client.call("POST", url, json=body, headers=headers)
        return answer.status, answer.raw, {name: value for name, value in answer.headers.items() if name != "Date"}

    first = await ask()
    await eventually(lambda: world.smtp.transactions == [email])
    log = world.system.mailer.log
    await eventually(lambda: '"result":"refused"' in log.read_text())
    second = await ask()
    assert first == second
    await eventually(lambda: '"result":"suppressed"' in log.read_text())
    assert world.smtp.transactions == [email]


async def test_a_bounce_is_shown_to_the_owner_and_lifted_from_there(world: World) -> None:
    site = (await world.deploy("POST", "/deploy", key=world.key, json={"html": "<p>hi</p>"})).json
    path = f"/deploy/{site['id']}/recipients"

    async def own() -> dict[str, Any]:
        row: dict[str, Any] = (await world.deploy("GET", path, key=world.key)).json["recipients"][0]
        return row

    email = (await own())["email"]
    world.smtp.at_rcpt[email] = ["550 5.1.1 no such user"]
    await world.deploy("POST", f"/submit/{site['id']}", json={"n": 1})

    async def state(wanted: str) -> bool:
        return bool((await own())["state"] == wanted)

    await eventually(lambda: state("suppressed"))
    row = await own()
    assert (row["suppressed"]["reason"], row["suppressed"]["detail"]) == ("bounce", "550 5.1.1 no such user")
    lifted = await world.deploy("POST", f"{path}/{row['id']}/lift", key=world.key)
    assert (lifted.status, lifted.json["state"]) == (200, "active")
    await eventually(lambda: '"event":"address.lifted"' in world.system.mailer.log.read_text())
    await world.deploy("POST", f"/submit/{site['id']}", json={"n": 2})
    await eventually(lambda: world.smtp.to(email))
    assert "2" in world.smtp.to(email)[0].text


async def test_r82_after_an_outage_of_broker_and_mailer_each_is_told_once(world: World) -> None:
    """R82: with the broker and the mailer away forms are taken; what was sent is mailed once when they are back."""
    site = (await world.deploy("POST", "/deploy", key=world.key, json={"html": "<p>hi</p>"})).json
    await asyncio.to_thread(world.system.mailer.kill)
    world.broker.blackhole()
    for number in range(5):
        answer = await world.deploy("POST", f"/submit/{site['id']}", json={"n": f"number {number}"})
        assert answer.status == 200
    await asyncio.to_thread(world.system.deploy.kill)
    world.broker.heal()
    for service in (world.system.deploy, world.system.mailer):
        await asyncio.to_thread(service.start)
    await eventually(lambda: len(told(world)) == 5)
    await asyncio.sleep(1)
    assert told(world) == Counter({f"number {number}": 1 for number in range(5)})


def told(world: World) -> Counter[str]:
    """Return how often each submission was mailed."""
    texts = [mail.text for mail in world.smtp.received]
    return Counter(f"number {number}" for text in texts for number in range(5) if f"number {number}" in text)
