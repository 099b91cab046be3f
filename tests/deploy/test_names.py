"""Contract, section 4: deletion and return, and whose a name is in the meantime and afterwards (R72)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.client import Answer
from tests.support.deploying import Deploy, a_slug
from tests.support.publishing import fetch, inline, later, replace, stored, swept, upkeep_of, value


async def delete(deploy: Deploy, key: str, site: dict[str, Any]) -> Answer:
    return await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)


async def restore(deploy: Deploy, key: str, site: dict[str, Any]) -> Answer:
    return await deploy.call("POST", f"/deploy/{site['id']}/restore", key=key)


async def take(deploy: Deploy, key: str, slug: str) -> Answer:
    return await deploy.call("POST", "/deploy", key=key, json={"html": "<p>new</p>", "slug": slug})


async def test_a_deleted_site_comes_back_as_it_was(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, html="one", slug=a_slug())
    await replace(deploy, key, site["id"], html="two")
    before = (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json
    gone = (await delete(deploy, key, site)).json
    until = datetime.fromisoformat(gone["restore_until"]) - datetime.fromisoformat(gone["deleted_at"])
    assert until == timedelta(days=7)
    assert (await deploy.site(site["slug"])).status == 404
    assert (await deploy.site(f"{site['slug']}--v1")).status == 404
    (listed,) = (await deploy.call("GET", "/deploy?status=deleted", key=key)).json["deployments"]
    assert {"deleted_at", "restore_until"} <= set(listed)
    assert (listed["status"], listed["deleted_at"]) == ("deleted", gone["deleted_at"])
    back = (await restore(deploy, key, site)).json
    assert back | {"updated_at": ""} == before | {"updated_at": ""}
    assert (await deploy.site(site["slug"])).text == "two"
    assert (await deploy.site(f"{site['slug']}--v1")).text == "one"
    assert (await deploy.call("GET", "/deploy?status=deleted", key=key)).json["deployments"] == []
    assert (await deploy.call("GET", "/deploy?status=gone", key=key)).status == 422


async def test_what_cannot_come_back_says_why(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    there = await restore(deploy, key, site)
    assert (there.status, there.json["code"]) == (409, "not_deleted")
    await delete(deploy, key, site)
    assert (await restore(deploy, deploy.key(), site)).status == 404
    bound = deploy.key(account=deploy.auth.account(key), site="another")
    assert (await restore(deploy, bound, site)).status == 404
    assert (await delete(deploy, key, site)).status == 404
    for _ in range(5):
        await deploy.publish(key)
    full = await restore(deploy, key, site)
    assert (full.status, full.json["code"]) == (403, "limit_reached")
    await later(deploy, "deployments", "deleted_at", "7 days")
    assert (await restore(deploy, key, site)).status == 404


async def test_a_name_goes_back_to_whoever_gave_it_up_at_once(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, slug=a_slug())
    await delete(deploy, key, site)
    again = await take(deploy, key, site["slug"])
    assert (again.status, again.json["id"] != site["id"]) == (200, True)
    assert "Clear-Site-Data" not in (await deploy.site(site["slug"])).headers, "these visitors were theirs before"
    refused = await restore(deploy, key, site)
    assert (refused.status, refused.json["code"]) == (409, "slug_taken")
    await delete(deploy, key, again.json)
    assert (await restore(deploy, key, site)).status == 200


async def test_r72_a_name_rests_for_90_days_before_somebody_else_may_have_it(deploy: Deploy, key: str) -> None:
    """R72: and what its former holder left in browsers is cleared then."""
    site = await deploy.publish(key, slug=a_slug())
    await delete(deploy, key, site)
    for by in ("0 days", "8 days", "81 days 23 hours"):
        await later(deploy, "names", "rests_until", by)
        await later(deploy, "deployments", "deleted_at", by)
        await swept(deploy)
        answer = await take(deploy, deploy.key(), site["slug"])
        assert (answer.status, answer.json["code"]) == (409, "slug_taken"), by
    await later(deploy, "names", "rests_until", "1 hour")
    taken = await take(deploy, deploy.key(), site["slug"])
    assert taken.status == 200
    until = await value(deploy, "SELECT clears_until FROM deployments WHERE id = $1", taken.json["id"])
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(days=1)
    assert "Clear-Site-Data" in (await deploy.site(site["slug"])).headers
    assert (await take(deploy, key, site["slug"])).status == 409


async def test_a_deleted_site_is_there_for_a_week_and_then_gone_with_its_bytes(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=inline({f"{n}.txt": f"{n}" * 600 for n in range(20)}))
    other = await deploy.publish(deploy.key(), files=inline({"7.txt": "7" * 600}))
    await deploy.submit(site, json={"a": "b"})
    await replace(deploy, key, site["id"], html="two")
    await delete(deploy, key, site)
    assert await swept(deploy) == 0
    assert (await restore(deploy, key, site)).status == 200
    await delete(deploy, key, site)
    await later(deploy, "deployments", "deleted_at", "7 days 1 hour")
    assert await swept(deploy) == 20
    assert (await deploy.site(other["slug"], "/7.txt")).text == "7" * 600
    assert {name.partition(".")[0] for name in stored(deploy)} == {
        row["sha256"] for row in await fetch(deploy, "SELECT sha256 FROM blob_refs")
    }
    for table in ("versions", "blob_refs", "publications", "submissions"):
        sql = f"SELECT count(*) FROM {table} WHERE deployment_id = $1"
        assert await value(deploy, sql, site["id"]) == 0, table
    async with upkeep_of(deploy) as upkeep:
        assert (await upkeep.purge(), await upkeep.sweep_blobs()) == (0, 0)


async def test_a_site_taken_down_is_deleted_without_freeing_its_name(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, slug=a_slug())
    await fetch(deploy, "UPDATE deployments SET taken_down_at = now(), taken_down_why = 'phishing'")
    assert (await replace(deploy, key, site["id"], html="x")).json["code"] == "taken_down"
    assert (await delete(deploy, key, site)).status == 200
    assert (await take(deploy, key, site["slug"])).status == 409
    assert (await restore(deploy, key, site)).json["status"] == "taken_down"
