"""Contract, section 1: what comes again under one Idempotency-Key is done once."""

import asyncio

import asyncpg
import pytest

from services.deploy.service.contents import Contents
from tests.support.client import Answer
from tests.support.deploying import Deploy

BODY = {"html": "<p>once</p>"}


async def deploy_once(deploy: Deploy, key: str, idempotency_key: str = "k-1", **body: object) -> Answer:
    return await deploy.call("POST", "/deploy", key=key, json=BODY | body, headers={"Idempotency-Key": idempotency_key})


async def a_day_later(deploy: Deploy, table: str) -> None:
    conn = await asyncpg.connect(deploy.database_url)
    await conn.execute(f"UPDATE deploy.{table} SET created_at = created_at - interval '24 hours'")
    await conn.close()


async def test_a_repeated_deploy_gets_the_first_answer(deploy: Deploy, key: str) -> None:
    first = await deploy_once(deploy, key, slug="mine")
    again = await deploy_once(deploy, key, slug="mine")
    assert (first.status, again.status) == (200, 200)
    assert first.raw == again.raw
    await deploy.call("DELETE", f"/deploy/{first.json['id']}", key=key)
    assert (await deploy_once(deploy, key, slug="mine")).raw == first.raw, "what became of it since changes nothing"


async def test_a_key_with_another_body_is_422(deploy: Deploy, key: str) -> None:
    await deploy_once(deploy, key)
    answer = await deploy_once(deploy, key, title="another")
    assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_its_account(deploy: Deploy, key: str) -> None:
    first, other = await deploy_once(deploy, key), await deploy_once(deploy, deploy.key())
    assert other.status == 200
    assert other.json["id"] != first.json["id"]


async def test_of_many_at_once_one_is_made(deploy: Deploy, key: str) -> None:
    answers = await asyncio.gather(*(deploy_once(deploy, key) for _ in range(8)))
    made = {answer.json["id"] for answer in answers if answer.status == 200}
    assert len(made) == 1
    assert {answer.json["code"] for answer in answers if answer.status != 200} <= {"idempotency_key_in_use"}
    assert len((await deploy.call("GET", "/deploy", key=key)).json["deployments"]) == 1


async def test_while_the_first_runs_a_repetition_is_409(
    deploy: Deploy, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on = asyncio.Event(), asyncio.Event()
    prepare = Contents.prepare

    async def slowly(*given: object) -> object:
        began.set()
        await goes_on.wait()
        return await prepare(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Contents, "prepare", slowly)
    first = asyncio.create_task(deploy_once(deploy, key))
    await began.wait()
    again = await deploy_once(deploy, key)
    assert (again.status, again.json["code"]) == (409, "idempotency_key_in_use")
    assert "Retry-After" in again.headers
    goes_on.set()
    assert (await first).status == 200
    assert (await deploy_once(deploy, key)).raw == (await first).raw


async def test_what_was_refused_may_be_tried_again(deploy: Deploy, key: str) -> None:
    taken = await deploy.publish(key)
    assert (await deploy_once(deploy, key, slug=taken["slug"])).status == 409
    assert (await deploy_once(deploy, key, slug="free")).status == 200


async def test_after_24_hours_a_key_is_a_new_one(deploy: Deploy, key: str) -> None:
    site = (await deploy_once(deploy, key)).json
    headers = {"Idempotency-Key": "k-1"}
    first = await deploy.call("POST", f"/submit/{site['id']}", json={"n": 1}, headers=headers)
    await a_day_later(deploy, "deployments")
    await a_day_later(deploy, "submissions")
    assert (await deploy_once(deploy, key, title="another")).json["id"] != site["id"]
    second = await deploy.call("POST", f"/submit/{site['id']}", json={"n": 2}, headers=headers)
    assert (second.status, second.json["id"] != first.json["id"]) == (200, True)


@pytest.mark.parametrize("idempotency_key", ["", "k" * 256, "ä"])
async def test_a_key_that_is_none_is_400(deploy: Deploy, key: str, idempotency_key: str) -> None:
    assert (await deploy_once(deploy, key, idempotency_key)).status == 400
