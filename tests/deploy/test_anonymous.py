"""Contract, section 4: sites without an account, for 24 hours, and how they get one."""

import asyncio
from pathlib import Path
from typing import Any

from shared.config import Plan
from tests.support.client import Answer
from tests.support.deploying import FORM, Deploy, a_slug, deploying
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth
from tests.support.publishing import edit, fetch, go_live, later, named, put, replace, stored, swept, upkeep_of, value


async def anonymous(deploy: Deploy, **body: Any) -> dict[str, Any]:
    """Publish without a key."""
    answer = await deploy.call("POST", "/deploy", json={"html": FORM} | body)
    assert answer.status == 200, answer.text
    made: dict[str, Any] = answer.json
    return made


async def claim(deploy: Deploy, key: str, site: dict[str, Any], token: str | None = None) -> Answer:
    """Make a site a key's own."""
    body = {"slug": site["slug"], "token": token or site["claim_token"]}
    return await deploy.call("POST", "/claim", key=key, json=body)


async def test_a_site_without_an_account_is_live_for_a_day(deploy: Deploy) -> None:
    answer = await deploy.call("POST", "/deploy", json={"html": FORM})
    site = answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(site) == {
        "id", "slug", "url", "version", "live", "preview_url", "warnings", "missing", "claim_token", "claim_url",
        "expires_at",
    }  # fmt: skip
    assert site["claim_url"] == f"http://localhost:8080/claim/{site['slug']}#{site['claim_token']}"
    assert (await deploy.site(site["slug"])).status == 200
    left = await value(deploy, "SELECT expires_at - now() FROM deployments")
    assert 86_300 < left.total_seconds() <= 86_400


async def test_the_token_is_in_one_answer_and_nowhere_in_the_database(deploy: Deploy, database_url: str) -> None:
    site = await anonymous(deploy)
    secret = site["claim_token"].removeprefix("tok_")
    for table in await fetch(deploy, "SELECT tablename FROM pg_tables WHERE schemaname = 'deploy'"):
        rows = await fetch(deploy, f"SELECT to_jsonb(t)::text AS row FROM {table['tablename']} t")
        assert not [row for row in rows if secret in row["row"]], table
    shown = await deploy.call("GET", f"/deploy/{site['id']}", key=site["claim_token"])
    assert secret not in shown.text


async def test_with_the_token_its_site_is_read_changed_and_deleted(deploy: Deploy) -> None:
    site = await anonymous(deploy)
    token = site["claim_token"]
    row = await deploy.call("GET", f"/deploy/{site['id']}", key=token)
    assert (row.json["status"], row.json["expires_at"]) == ("active", site["expires_at"])
    assert [each["id"] for each in (await deploy.call("GET", "/deploy", key=token)).json["deployments"]] == [site["id"]]
    again = await replace(deploy, token, site["id"], html="two", preview=True)
    assert (again.json["expires_at"], "claim_token" in again.json) == (site["expires_at"], False)
    assert (await go_live(deploy, token, site["id"], 2)).status == 200
    assert (await edit(deploy, token, site["id"], ("index.html", "two", "three"))).status == 200
    assert (await deploy.site(site["slug"])).text == "three"
    await replace(deploy, token, site["id"], files=named({"a.txt": b"four"}))
    assert (await put(deploy, token, site["id"], b"four")).status == 200
    assert (await deploy.call("GET", f"/deploy/{site['id']}/archive", key=token)).status == 200
    assert len((await deploy.call("GET", f"/deploy/{site['id']}/versions", key=token)).json["versions"]) == 4
    assert (await deploy.call("DELETE", f"/deploy/{site['id']}", key=token)).status == 200
    assert (await deploy.site(site["slug"])).status == 404
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=token)).status == 401, "there is nothing left for it"


async def test_the_token_is_for_nothing_else(deploy: Deploy, key: str) -> None:
    site, other, owned = await anonymous(deploy), await anonymous(deploy), await deploy.publish(key)
    token = site["claim_token"]
    for foreign in (other, owned):
        for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/versions"), ("GET", "/archive")):
            answer = await deploy.call(method, f"/deploy/{foreign['id']}{path}", key=token, json={"html": "x"})
            assert (answer.status, answer.json["error"]) == (404, "Deployment not found"), (method, path)
    for method, path in (
        ("GET", f"/submissions/{site['id']}"), ("PATCH", f"/deploy/{site['id']}/settings"), ("POST", "/claim"),
        ("GET", f"/deploy/{site['id']}/domains"), ("POST", f"/deploy/{site['id']}/restore"),
    ):  # fmt: skip
        answer = await deploy.call(method, path, key=token, json={"title": "x"} if method != "GET" else None)
        assert (answer.status, answer.json["code"]) == (403, "claim_first"), (path, answer.text)
    answer = await deploy.call("POST", "/deploy", key=token, json={"html": "x"})
    assert (answer.status, answer.json["code"]) == (403, "claim_first")


async def test_a_token_that_is_none_is_401(deploy: Deploy) -> None:
    site = await anonymous(deploy)
    token = site["claim_token"]
    for wrong in (token[:-1], token + "a", token[:-1] + ("a" if token[-1] != "a" else "b"), "tok_", f"tok_{'é' * 43}"):
        headers = {"Authorization": f"Bearer {wrong}".encode().decode("latin-1")}
        answer = await deploy.call("GET", f"/deploy/{site['id']}", headers=headers)
        assert (answer.status, answer.json["error"]) == (401, "Unauthorized")


async def test_a_claimed_site_is_the_claimers_and_stays(deploy: Deploy, key: str) -> None:
    site = await anonymous(deploy, slug=a_slug())
    await deploy.submit(site, json={"a": "b"})
    answer = await claim(deploy, key, site)
    assert (answer.status, answer.json["id"], answer.json["expires_at"]) == (200, site["id"], None)
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).status == 200
    assert (await deploy.submissions(key, site))["total"] == 1
    assert (await replace(deploy, site["claim_token"], site["id"], html="x")).status == 401
    assert (await replace(deploy, key, site["id"], html="mine")).status == 200
    assert (await deploy.site(site["slug"])).text == "mine"
    await later(deploy, "deployments", "created_at", "2 days")
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.expire() == 0
    assert await value(deploy, "SELECT count(*) FROM accounts WHERE anonymous") == 0


async def test_a_site_is_claimed_once_and_with_its_token_alone(deploy: Deploy, key: str) -> None:
    site, other = await anonymous(deploy), await anonymous(deploy)
    for token in (other["claim_token"], "tok_x", "x"):
        answer = await claim(deploy, key, site, token)
        assert (answer.status, answer.json["error"]) == (404, "Deployment not found")
    assert (await deploy.call("POST", "/claim", json={"slug": site["slug"], "token": "x"})).status == 401
    assert (await claim(deploy, deploy.key(scopes=("read",)), site)).status == 403
    answers = await asyncio.gather(*(claim(deploy, deploy.key(), site) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 4
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.json["code"] == "already_claimed"
    bound = deploy.key(site=other["id"])
    assert (await claim(deploy, bound, other)).json["code"] == "key_bound_to_site"


async def test_a_claim_beyond_the_plan_is_403_and_changes_nothing(
    database_url: str, tmp_path: Path, auth: FakeAuth
) -> None:
    plans = {"free": Plan(deployments=1), "small": Plan(deployments=5, storage=10)}
    async with deploying(database_url, tmp_path, auth, plans=plans) as deploy:
        full, small = auth.key(), auth.key(plan="small")
        await deploy.publish(full)
        site = await anonymous(deploy)
        for key, code in ((full, "limit_reached"), (small, "storage_limit_reached")):
            answer = await claim(deploy, key, site)
            assert (answer.status, answer.json["code"]) == (403, code)
        assert (await deploy.call("GET", f"/deploy/{site['id']}", key=site["claim_token"])).status == 200


async def test_thirty_an_hour_of_one_address(deploy: Deploy) -> None:
    answers = [await deploy.call("POST", "/deploy", json={"html": "x"}) for _ in range(31)]
    assert [answer.status for answer in answers] == [200] * 30 + [429]
    assert (answers[30].json["error"], answers[30].json["code"]) == ("Rate limit exceeded", "rate_limited")
    assert 3500 < int(answers[30].headers["Retry-After"]) <= 3600
    assert (await deploy.call("POST", "/deploy", json={})).status == 400, "what is wrong is said all the same"


async def test_an_expired_site_is_410_and_then_swept_with_its_bytes(deploy: Deploy, key: str) -> None:
    site, kept = await anonymous(deploy, html="<p>going</p>"), await deploy.publish(key, html="<p>staying</p>")
    shared = await anonymous(deploy, html="<p>staying</p>")
    await later(deploy, "deployments", "expires_at", "24 hours")
    deploy.bus.gap()
    assert (await deploy.site(site["slug"])).status == 410
    assert (await replace(deploy, site["claim_token"], site["id"], html="x")).status == 401
    assert (await claim(deploy, key, site)).status == 404
    assert await swept(deploy) == 1
    assert (await deploy.site(site["slug"])).status == 404
    assert (await deploy.site(kept["slug"])).text == "<p>staying</p>"
    assert len(stored(deploy)) == 1
    assert await value(deploy, "SELECT count(*) FROM accounts WHERE anonymous") == 0
    assert await value(deploy, "SELECT count(*) FROM deployments WHERE id = ANY ($1)", [site["id"], shared["id"]]) == 0


async def test_what_an_anonymous_form_receives_is_kept_and_mails_nobody(deploy: Deploy, key: str) -> None:
    site = await anonymous(deploy)
    assert (await deploy.submit(site, json={"a": "b"})).status == 200
    mine = await deploy.publish(key)
    await deploy.submit(mine, json={"a": "c"})
    assert await value(deploy, "SELECT count(*) FROM submissions WHERE deployment_id = $1", site["id"]) == 1
    await eventually(lambda: [notice.slug for notice in deploy.bus.notices] == [mine["slug"]])
    assert await value(deploy, "SELECT count(*) FROM outbox WHERE envelope ->> 'type' LIKE 'mail.%'") == 0


async def test_once_without_a_key_is_once_for_each_address(deploy: Deploy) -> None:
    async def once(html: str = "once") -> Answer:
        return await deploy.call("POST", "/deploy", json={"html": html}, headers={"Idempotency-Key": "k"})

    first, again = (await once()).json, (await once()).json
    assert "claim_token" not in again, "only its digest is kept"
    assert again.pop("replayed")
    assert "claim token was shown then" in again.pop("message")
    assert again == {name: each for name, each in first.items() if name not in {"claim_token", "claim_url"}}
    assert (await once("other")).status == 422
    assert await value(deploy, "SELECT count(*) FROM deployments") == 1
