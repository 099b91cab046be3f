"""Sites over the API: made, read, listed, replaced, deleted; whose they are, and how many."""

import asyncio
import base64

import aiohttp
import asyncpg
import pytest

from tests.support.deploying import FORM, Deploy, a_slug
from tests.support.fake_auth import TOKEN


async def test_a_deploy_is_live_and_its_form_has_an_address(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    assert set(site) == {"id", "slug", "url", "version", "live", "preview_url", "warnings", "missing"}
    assert site["url"] == f"http://{site['slug']}.sites.localhost:8080"
    page = await deploy.site(site["slug"])
    assert (page.status, page.headers["X-Invoker-Version"]) == (200, "1")
    assert page.text == FORM.replace("{{SUBMIT_URL}}", f"http://localhost:8080/api/submit/{site['id']}")


async def test_a_deploy_can_be_read(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, title="Hello", is_spa=True)
    row = (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json
    assert row.pop("created_at").endswith("Z")
    assert row.pop("updated_at").endswith("Z")
    assert row.pop("size") > 0
    assert row == {
        "id": site["id"],
        "slug": site["slug"],
        "status": "active",
        "url": site["url"],
        "submission_count": 0,
        "version": 1,
        "title": "Hello",
        "files": 1,
        "expires_at": None,
        "preview_url": site["preview_url"],
        "settings": {
            "title": "Hello",
            "description": None,
            "favicon": None,
            "is_spa": True,
            "noindex": False,
            "notify_email": True,
            "allowed_origins": [],
            "redirect": None,
            "retention": None,
            "files": False,
            "spam_words": [],
            "proof_of_work": False,
            "password_set": False,
        },
    }


async def test_sites_are_listed_newest_first_in_pages(deploy: Deploy, key: str) -> None:
    made = [(await deploy.publish(key))["id"] for _ in range(5)]
    first = (await deploy.call("GET", "/deploy?limit=3", key=key)).json
    rest = (await deploy.call("GET", f"/deploy?limit=3&cursor={first['next_cursor']}", key=key)).json
    assert [row["id"] for row in first["deployments"] + rest["deployments"]] == made[::-1]
    assert rest["next_cursor"] is None


#: Of the right form inside: a NUL, a moment beyond every calendar, no id.
CURSORS = [
    "cursor=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for text in (
        '["2026-01-01T00:00:00Z", "\\u0000"]',
        '["9999-12-31T23:59:59-23:59", "dep_0000000000000000"]',
        '["2026-01-01T00:00:00Z", 5]',
        '[5, "dep_0000000000000000"]',
    )
]


async def test_a_bad_query_is_422(deploy: Deploy, key: str) -> None:
    for query in ("limit=0", "limit=201", "limit=x", "limit=-1", "limit=%D9%A3", "cursor=x", "cursor=%FF", *CURSORS):
        assert (await deploy.call("GET", f"/deploy?{query}", key=key)).status == 422


async def test_a_replaced_site_has_a_new_version_at_the_same_url(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    assert (await deploy.site(site["slug"])).status == 200
    answer = await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "two", "slug": "other"})
    preview = site["preview_url"].replace("--v1.", "--v2.")
    assert answer.json == {**site, "version": 2, "preview_url": preview}
    page = await deploy.site(site["slug"])
    assert (page.text, page.headers["X-Invoker-Version"]) == ("two", "2")


async def test_a_deleted_site_is_gone_and_its_name_kept(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, slug=a_slug())
    await deploy.site(site["slug"])
    answer = await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
    assert set(answer.json) == {"id", "deleted_at", "restore_until"}
    assert (await deploy.site(site["slug"])).status == 404
    for method, path in (("GET", "/deploy/"), ("DELETE", "/deploy/"), ("GET", "/submissions/")):
        gone = await deploy.call(method, path + site["id"], key=key)
        assert (gone.status, gone.json["error"]) == (404, "Deployment not found")
    assert (await deploy.submit(site, json={})).json["error"] == "Deployment not found"
    again = await deploy.call("POST", "/deploy", key=deploy.key(), json={"html": "x", "slug": site["slug"]})
    assert (again.status, again.json["code"]) == (409, "slug_taken")


async def test_another_accounts_site_is_not_found(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    other = deploy.key()
    for method, path in (("GET", "/deploy/"), ("PUT", "/deploy/"), ("DELETE", "/deploy/"), ("GET", "/submissions/")):
        answer = await deploy.call(method, path + site["id"], key=other, json={"html": "mine"})
        assert (answer.status, answer.json["error"]) == (404, "Deployment not found")
    assert (await deploy.call("GET", "/deploy", key=other)).json["deployments"] == []


async def test_a_key_bound_to_a_site_sees_no_other(deploy: Deploy) -> None:
    owner = deploy.key(account="acc_bound")
    mine, other = await deploy.publish(owner), await deploy.publish(owner)
    for site in (mine["id"], mine["slug"]):
        bound = deploy.key(account="acc_bound", site=site)
        assert (await deploy.call("GET", f"/deploy/{mine['id']}", key=bound)).status == 200
        assert (await deploy.call("PUT", f"/deploy/{mine['id']}", key=bound, json={"html": "x"})).status == 200
        assert (await deploy.call("GET", f"/submissions/{mine['id']}", key=bound)).status == 200
        listed = (await deploy.call("GET", "/deploy", key=bound)).json["deployments"]
        assert [row["id"] for row in listed] == [mine["id"]]
        for method, path in (
            ("GET", "/deploy/"),
            ("PUT", "/deploy/"),
            ("DELETE", "/deploy/"),
            ("GET", "/submissions/"),
        ):
            answer = await deploy.call(method, path + other["id"], key=bound, json={"html": "x"})
            assert (answer.status, answer.json["error"]) == (404, "Deployment not found")
        assert (await deploy.call("POST", "/deploy", key=bound, json={"html": "x"})).status == 403


@pytest.mark.parametrize(
    "scope, method, path",
    [
        ("read", "POST", "/deploy"),
        ("read", "PUT", "/deploy/{id}"),
        ("read", "DELETE", "/deploy/{id}"),
        ("submissions", "GET", "/deploy"),
        ("submissions", "GET", "/deploy/{id}"),
        ("deploy", "GET", "/submissions/{id}"),
    ],
)
async def test_a_missing_scope_is_403(deploy: Deploy, scope: str, method: str, path: str) -> None:
    site = await deploy.publish(deploy.key(account="acc_scoped"))
    key = deploy.key(account="acc_scoped", scopes=(scope,))
    answer = await deploy.call(method, path.format(id=site["id"]), key=key, json={"html": "x"})
    assert (answer.status, answer.json["code"]) == (403, "missing_scope")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_with_a_wrong_key_it_is_401(deploy: Deploy, method: str) -> None:
    answer = await deploy.call(method, "/deploy", key="inv_wrong", json={"html": "x"})
    assert (answer.status, answer.json["error"]) == (401, "Unauthorized")


async def test_twenty_deploys_at_once_end_with_five(deploy: Deploy, key: str) -> None:
    answers = await asyncio.gather(
        *(deploy.call("POST", "/deploy", key=key, json={"html": f"page {n}"}) for n in range(20))
    )
    assert sorted(answer.status for answer in answers) == [200] * 5 + [403] * 15
    refused = next(answer for answer in answers if answer.status == 403)
    assert refused.json["error"] == "Deployment limit reached. Delete an existing deployment or upgrade your plan."
    assert len((await deploy.call("GET", "/deploy", key=key)).json["deployments"]) == 5


async def test_a_deleted_site_makes_room_for_another(deploy: Deploy, key: str) -> None:
    sites = [await deploy.publish(key) for _ in range(5)]
    await deploy.call("DELETE", f"/deploy/{sites[0]['id']}", key=key)
    await deploy.publish(key)


async def test_a_slug_wanted_by_many_is_had_by_one(deploy: Deploy) -> None:
    slug = a_slug()
    answers = await asyncio.gather(
        *(deploy.call("POST", "/deploy", key=deploy.key(), json={"html": "x", "slug": slug}) for _ in range(10))
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9


async def test_usage_is_told_to_auth_alone(deploy: Deploy) -> None:
    await deploy.publish(deploy.key(account="acc_used"))
    url, headers = f"{deploy.internal_url}/internal/usage/acc_used", {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=headers) as answer:
            assert await answer.json() == {"deployments": 1}
        async with session.get(url) as answer:
            assert answer.status == 401


async def test_the_owners_address_follows_the_key(deploy: Deploy) -> None:
    site = await deploy.publish(deploy.key(account="acc_moved"))
    moved = deploy.key(account="acc_moved", email="new@example.com")
    await deploy.call("PUT", f"/deploy/{site['id']}", key=moved, json={"html": FORM})
    conn = await asyncpg.connect(deploy.database_url)
    assert await conn.fetchval("SELECT email FROM deploy.accounts WHERE id = 'acc_moved'") == "new@example.com"
    await conn.close()


async def test_ready_means_that_the_database_answers(deploy: Deploy) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{deploy.internal_url}/readyz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("given", ["%00", "x", "dep_x", "%FF", "..%2f"])
async def test_what_cannot_be_an_id_is_not_found(deploy: Deploy, key: str, given: str) -> None:
    for method, path in (("GET", "deploy"), ("PUT", "deploy"), ("DELETE", "deploy"), ("GET", "submissions")):
        answer = await deploy.call(method, f"/{path}/{given}", key=key, data=b'{"html": "x"}')
        assert (answer.status, answer.json["error"]) == (404, "Deployment not found")
