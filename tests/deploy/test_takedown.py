"""R73: an operator takes a site down everywhere at once, also for conditional requests, and puts it back."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from services.deploy import commands
from services.deploy.service.moderation import AccountUnknown, Moderation, ReportUnknown, SiteUnknown
from shared import db
from tests.support.client import Answer
from tests.support.deploying import FORM, Deploy, deploying
from tests.support.eventually import eventually
from tests.support.fake_auth import TOKEN, FakeAuth

WHY = "It asks for the passwords of a bank."
ROOT = Path(__file__).parents[2]


async def internal(deploy: Deploy, path: str, **body: Any) -> Answer:
    """Call the internal port with the service token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with deploy.session.post(f"{deploy.internal_url}/internal/{path}", json=body, headers=headers) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def told(deploy: Deploy, kind: str) -> list[dict[str, Any]]:
    """Wait for a message of a kind, and return all of them."""
    return await eventually(lambda: [each.data for each in deploy.bus.published if each.type == kind])


async def test_r73_a_site_is_down_on_all_replicas_at_once(
    deploy: Deploy, key: str, database_url: str, auth: FakeAuth, tmp_path: Path
) -> None:
    """R73: one call; when it answers, every replica says 451, to who has the page already too."""
    site = await deploy.publish(key, files=[{"path": "index.html", "content": "<p>hello"}])
    async with deploying(database_url, tmp_path / "blobs", auth) as replica:
        etags = [(await each.site(site["slug"])).headers["ETag"] for each in (deploy, replica)]
        began = time.monotonic()
        answer = await internal(deploy, "takedown", site=site["slug"], reason=WHY)
        assert answer.json == {"id": site["id"], "slug": site["slug"], "status": "taken_down"}
        for each, etag in zip((deploy, replica), etags, strict=True):
            for given in ({}, {"If-None-Match": etag}, {"If-None-Match": "*"}, {"Range": "bytes=0-1"}):
                assert (await each.site(site["slug"], headers=given)).status == 451
            assert (await each.site(f"{site['slug']}--v1", headers={"If-None-Match": etag})).status == 451
            assert (await each.call("GET", f"/s/{site['slug']}/", headers={"If-None-Match": etag})).status == 451
        assert time.monotonic() - began < 60.0


async def test_r73_a_replica_that_could_not_be_told_follows_within_its_cache(
    deploy: Deploy, key: str, database_url: str, auth: FakeAuth, tmp_path: Path
) -> None:
    """R73: no call, no bus: what a replica knows of a site is 5 s old at most."""
    site = await deploy.publish(key)
    unreachable = "http://127.0.0.1:1"
    async with deploying(database_url, tmp_path / "blobs", auth) as replica:
        await replica.site(site["slug"])
        pool = deploy_pool(database_url)
        async with pool as opened, opened.acquire() as conn:
            await conn.execute("UPDATE replicas SET url = $1", unreachable)
            await conn.execute("UPDATE deployments SET taken_down_at = now(), taken_down_why = $1", WHY)

        async def down() -> bool:
            return (await replica.site(site["slug"])).status == 451

        await eventually(down, within=15.0, every=0.2)


def deploy_pool(database_url: str) -> Any:
    return db.pool(database_url, "deploy", size=1)


async def test_the_owner_sees_why_and_can_publish_nothing(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await internal(deploy, "takedown", site=site["id"], reason=WHY)
    shown = (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json
    assert (shown["status"], shown["taken_down_reason"]) == ("taken_down", WHY)
    refused = await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": FORM})
    assert (refused.status, refused.json["code"]) == (403, "taken_down")
    assert WHY in refused.json["hint"]
    assert (await deploy.submit(site, json={"email": "a@example.com"})).status == 404
    mail = (await told(deploy, "mail.site_taken_down"))[0]
    assert (mail["to"], mail["reason"], mail["slug"]) == (deploy.auth.email(key), WHY, site["slug"])
    trail = [data for data in await told(deploy, "audit.recorded") if data["action"] == "site.taken_down"]
    assert [(data["actor"], data["key_id"], data["detail"]["reason"]) for data in trail] == [("operator", None, WHY)]


async def test_a_reinstated_site_is_as_it_was(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    before = (await deploy.site(site["slug"])).raw
    await internal(deploy, "takedown", site=site["slug"], reason=WHY)
    await internal(deploy, "reinstate", site=site["slug"])
    again = await deploy.site(site["slug"])
    assert (again.status, again.raw) == (200, before)
    assert (await deploy.submit(site, json={"email": "a@example.com"})).status == 200
    assert (await told(deploy, "mail.site_reinstated"))[0]["to"] == deploy.auth.email(key)


async def test_a_second_takedown_changes_the_reason_and_mails_nobody(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await internal(deploy, "takedown", site=site["slug"], reason="first")
    await internal(deploy, "takedown", site=site["slug"], reason="second")
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json["taken_down_reason"] == "second"
    await eventually(lambda: len([each for each in deploy.bus.published if each.type == "audit.recorded"]) == 3)
    assert len(await told(deploy, "mail.site_taken_down")) == 1


async def test_deleting_a_site_that_was_taken_down_does_not_free_its_name(deploy: Deploy, key: str) -> None:
    """R73: not even for its owner, who else could put the same page up again at the same address."""
    site = await deploy.publish(key)
    await internal(deploy, "takedown", site=site["id"], reason=WHY)
    assert (await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)).status == 200
    again = await deploy.call("POST", "/deploy", key=key, json={"html": FORM, "slug": site["slug"]})
    assert (again.status, again.json["code"]) == (409, "slug_taken")
    # it comes back as it went: down
    assert (await deploy.call("POST", f"/deploy/{site['id']}/restore", key=key)).json["status"] == "taken_down"
    assert (await deploy.site(site["slug"])).status == 451


@pytest.mark.parametrize(
    "named",
    ["{slug}", "{id}", "{slug}.sites.localhost", "http://{slug}.sites.localhost:8080/a/page?x#y",
     "http://{slug}--v1.sites.localhost:8080", "http://localhost:8080/s/{slug}/", " {slug} "],
)  # fmt: skip
async def test_a_site_is_named_in_many_ways(deploy: Deploy, key: str, named: str) -> None:
    site = await deploy.publish(key)
    assert (await internal(deploy, "takedown", site=named.format(**site), reason=WHY)).json["id"] == site["id"]


@pytest.mark.parametrize(
    "named", ["nobody-has-this", "", "http://localhost:8080/", "https://example.com/", "dep_x", "[::1"]
)
async def test_what_is_no_site_is_said_to_be_none(deploy: Deploy, named: str) -> None:
    answer = await internal(deploy, "takedown", site=named, reason=WHY)
    assert (answer.status, answer.json["code"]) == (404, "site_not_found")


async def test_a_site_without_an_owner_is_taken_down_too(deploy: Deploy) -> None:
    made = (await deploy.call("POST", "/deploy", json={"html": "<p>hello"})).json
    assert (await internal(deploy, "takedown", site=made["slug"], reason=WHY)).status == 200
    assert (await deploy.site(made["slug"])).status == 451
    await eventually(lambda: any(each.type == "site.changed" for each in deploy.bus.published))
    assert not [each for each in deploy.bus.published if each.type in {"mail.site_taken_down", "audit.recorded"}]


async def test_the_internal_port_wants_the_service_token(deploy: Deploy) -> None:
    async with deploy.session.post(f"{deploy.internal_url}/internal/takedown", json={}) as answer:
        assert answer.status == 401


async def test_the_command_tells_running_replicas(deploy: Deploy, key: str, database_url: str, auth: FakeAuth) -> None:
    """As an operator types it, beside the service."""
    site = await deploy.publish(key)
    assert (await deploy.site(site["slug"])).status == 200
    done = await command(database_url, "takedown", site["slug"], "--reason", WHY)
    said = f"{site['slug']} ({site['id']}) is down: visitors get 451, its forms are closed, and {{}} is told why.\n"
    assert done == (0, said.format(auth.email(key)))
    assert (await deploy.site(site["slug"])).status == 451
    assert (await command(database_url, "takedown", "nobody-has-this", "--reason", WHY))[0] == 1
    # the relay of the running service sends what the command wrote
    assert (await told(deploy, "mail.site_taken_down"))[0]["reason"] == WHY


async def command(database_url: str, *arguments: str) -> tuple[int | None, str]:
    """Run a command as a process, and return its status and what it said."""
    environment = {**os.environ, "INVOKER_DATABASE_URL": database_url, "INVOKER_SERVICE_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.deploy", *arguments, cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_a_trusted_account_may_ask_for_passwords(deploy: Deploy, database_url: str) -> None:
    """R73: a page that asks for passwords is held for new accounts, until the operator knows them."""
    key = deploy.key(account_created_at="2999-01-01T00:00:00Z")
    await deploy.publish(key, html="<p>hello")
    login = {"html": '<form action="{{SUBMIT_URL}}"><input type="password" name="p"></form>'}
    assert (await deploy.call("POST", "/deploy", key=key, json=login)).json["code"] == "held_for_review"
    async with commands.moderating(deploy_config(database_url)) as moderation:
        await moderation.trust(deploy.auth.account(key))
    assert (await deploy.call("POST", "/deploy", key=key, json=login)).status == 200


async def test_what_is_not_there_cannot_be_handled(deploy: Deploy, database_url: str) -> None:
    async with commands.moderating(deploy_config(database_url)) as moderation:
        await each_is_unknown(moderation)


async def each_is_unknown(moderation: Moderation) -> None:
    with pytest.raises(AccountUnknown):
        await moderation.trust("acc_nobody")
    with pytest.raises(ReportUnknown):
        await moderation.handle("rep_nobody")
    with pytest.raises(SiteUnknown):
        await moderation.reinstate("nobody")


def deploy_config(database_url: str) -> Any:
    from tests.support.deploying import settings

    return settings(database_url, ROOT, "http://127.0.0.1:1")
