"""The script that pages load for their forms: its token, what a token makes once, and proof of work."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import tokens
from services.deploy.tokens import FormTokens
from tests.support.deploying import BROWSER, Deploy, deploying
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN
from tests.support.forms import MULTIPART, body, judged, ledger, many_visitors, part, prove, stored, token, visitor
from tests.support.publishing import change

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form."""
    return await deploy.publish(key)


def test_a_token_says_when_it_was_given_to_its_own_site_alone() -> None:
    now = 1_000_000.0
    ours = FormTokens(TOKEN, clock=lambda: now)
    given_now = ours.issue("dep_1")
    assert ours.issue("dep_1") != given_now
    now += 3
    read = FormTokens(TOKEN, clock=lambda: now).read("dep_1", given_now)
    assert read is not None
    assert read.age == pytest.approx(3)
    assert ours.read("dep_2", given_now) is None
    assert FormTokens(TOKEN + "x", clock=lambda: now).read("dep_1", given_now) is None
    issued, nonce, signature = given_now.split(".")
    for forged in (f"{int(issued) - 9000}.{nonce}.{signature}", f"{issued}.{nonce}x.{signature}", f"{issued}.{nonce}."):
        assert ours.read("dep_1", forged) is None
    now += tokens.LIFETIME - 4
    assert ours.read("dep_1", given_now) is not None
    now += 2
    assert ours.read("dep_1", given_now) is None, "older than a day"
    now -= tokens.LIFETIME + 30
    assert ours.read("dep_1", given_now) is None, "from the future"


@given(st.text(max_size=80))
def test_what_is_no_token_says_nothing(text: str) -> None:
    assert FormTokens(TOKEN).read("dep_1", text) is None


def test_a_proof_is_work_for_its_own_token_and_good_for_three_times() -> None:
    ours = FormTokens(TOKEN)
    mine, other = (ours.read("dep_1", ours.issue("dep_1")) for _ in range(2))
    assert mine is not None
    assert other is not None
    proof = next(str(n) for n in range(2**24) if tokens.works(mine.challenge, str(n)))
    assert [ours.proven(mine, proof) for _ in range(4)] == [True] * 3 + [False]
    assert not any(ours.proven(other, text) for text in ("", "x", "0" * 17, proof + "x"))
    assert not ours.proven(None, proof)


async def test_the_script_may_be_loaded_by_every_page_and_kept_by_none(deploy: Deploy, site: Site) -> None:
    seen = set()
    for _ in range(2):
        script = await deploy.call("GET", f"/submit/{site['id']}/form.js", headers={"Origin": "https://a.example"})
        assert (script.status, script.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        assert script.headers["Access-Control-Allow-Origin"] == "*"
        assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert script.headers["Cache-Control"] == "no-store"
        assert "{{" not in script.text
        assert f'"/submit/{site["id"]}"' in script.text
        assert len(script.text) < 5000
        (given_token,) = (word for word in script.text.split('"') if FormTokens(TOKEN).read(site["id"], word))
        seen.add(given_token)
    assert len(seen) == 2
    assert (await deploy.call("GET", "/submit/dep_0000000000000000/form.js")).status == 404


async def test_the_page_asks_for_its_script_where_its_form_goes(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html='<script src="{{SUBMIT_URL}}/form.js" defer></script>')
    assert f'src="http://localhost:8080/api/submit/{made["id"]}/form.js"' in (await deploy.site(made["slug"])).text


async def test_a_double_click_stores_once_and_an_edit_is_new(deploy: Deploy, site: Site) -> None:
    given_token = token(site)
    both = [deploy.submit(site, data={"a": "1", "_token": given_token}, headers=BROWSER) for _ in range(2)]
    assert {answer.status for answer in await asyncio.gather(*both)} == {303}
    again = body(part("a", b"1"), part("_proof", b"x"), part("_token", given_token.encode()))
    assert (await deploy.submit(site, data=again, headers=MULTIPART)).status == 200
    assert len(await stored(deploy, site)) == 1
    await deploy.submit(site, json={"a": "2", "_token": given_token})
    await deploy.submit(site, json={"a": "1", "_token": token(site)})
    await deploy.submit(site, json={"a": "1", "_token": given_token, "_form": "other"})
    assert [json.loads(row["data"])["a"] for row in await stored(deploy, site)] == ["1", "2", "1", "1"]
    await eventually(lambda: len(deploy.bus.notices) == 4)


async def test_an_idempotency_key_counts_more_than_a_token(deploy: Deploy, site: Site) -> None:
    for n in range(2):
        once = {"Idempotency-Key": f"k-{n}"}
        assert (await deploy.submit(site, json={"a": "1", "_token": token(site)}, headers=once)).status == 200
    assert [row["idempotency_key"] for row in await stored(deploy, site)] == ["k-0", "k-1"]
    assert {"_token", "_proof"}.isdisjoint(json.loads((await stored(deploy, site))[0]["data"]))


async def test_a_token_of_another_site_or_day_is_as_none(deploy: Deploy, key: str, site: Site) -> None:
    other = await deploy.publish(key)
    for given_token in (token(other, 0.1), token(site, 90_000)):
        for _ in range(2):
            await deploy.submit(site, json={"a": "1", "_token": given_token})
    assert await judged(deploy, site) == [("accepted", None)] * 4


async def test_the_script_works_where_the_owner_asks_for_it(deploy: Deploy, key: str, site: Site) -> None:
    async def bits() -> str:
        return (await deploy.call("GET", f"/submit/{site['id']}/form.js")).text.rpartition('Number("')[2][:3]

    assert await bits() == '0")'
    assert (await change(deploy, key, site["id"], proof_of_work=True)).status == 200
    assert await bits() == '18"'


async def test_a_hot_form_holds_what_has_no_proof_and_counts_the_proven_apart(
    deploy: Deploy, key: str, site: Site
) -> None:
    await change(deploy, key, site["id"], proof_of_work=True)
    async with many_visitors(deploy) as behind:
        flood = [await behind.submit(site, json={"n": n}, headers=visitor(n)) for n in range(70)]
        assert [answer.status for answer in flood] == [200] * 60 + [429] * 10
        proven = token(site)
        answer = await behind.submit(site, json={"_token": proven, "_proof": prove(proven)}, headers=visitor(200))
        assert answer.status == 200
    found = await judged(deploy, site)
    assert found == [("accepted", None)] * 30 + [("spam", "no_proof")] * 30 + [("accepted", None)]
    assert (await ledger(deploy, site))["", "dropped", "rate_limited"] == 10


async def test_a_hot_form_that_asks_for_nothing_holds_nothing(deploy: Deploy, site: Site) -> None:
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus, rate_limits=False) as unlimited:
        for n in range(40):
            await unlimited.submit(site, json={"n": n})
    assert {status for status, _ in await judged(deploy, site)} == {"accepted"}
