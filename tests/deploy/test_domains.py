"""Custom domains: which may be added, how one is proved, and that nobody else's proof counts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from services.deploy.domains import PROOF_PATH
from tests.support.deploying import Deploy
from tests.support.domain_world import ELSEWHERE, HERE, DomainWorld, audited, domain_world, told
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth

DAY = timedelta(days=1)


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DomainWorld]:
    async with domain_world(database_url, tmp_path, auth, monkeypatch) as running:
        yield running


@pytest.fixture
def deploy(world: DomainWorld) -> Deploy:
    return world.deploy


async def test_a_new_domain_comes_with_how_to_prove_it(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    answer = await deploy.call("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": " WWW.Müller.DE. "})
    assert answer.status == 201
    added = answer.json
    assert (added["domain"], added["status"], added["problem"]) == ("www.xn--mller-kva.de", "pending", None)
    assert added["dns"] == {"name": "_invoker.www.xn--mller-kva.de", "type": "TXT", "value": added["token"]}
    assert added["http"] == {"url": f"http://www.xn--mller-kva.de{PROOF_PATH}{added['token']}", "body": added["token"]}
    assert added["target"]["value"] == f"{site['slug']}.sites.localhost"
    assert added["certificate"] == {"state": "off", "expires_at": None, "error": None}
    again = await deploy.call("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": "www.müller.de"})
    assert (again.status, again.json) == (200, added)
    assert await world.domains(key, site) == [added]
    assert await audited(world) == ["domain.added"]


async def test_a_bad_domain_is_400_with_a_hint(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    answer = await deploy.call("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": "https://example.com"})
    assert (answer.status, answer.json["code"]) == (400, "bad_domain")
    assert "www.example.com" in answer.json["hint"]


async def test_a_site_has_five_domains_at_most(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    for number in range(5):
        await world.add(key, site, f"n{number}.example.com")
    refused = await deploy.call("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": "n5.example.com"})
    assert (refused.status, refused.json["code"]) == (403, "domain_limit_reached")


async def test_domains_are_their_sites_owners(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await world.add(key, site, "www.example.com")
    path = f"/deploy/{site['id']}/domains"
    other = deploy.key()
    reader = deploy.key(account=deploy.auth.account(key), scopes=("read",))
    for method, where in (
        ("GET", path),
        ("DELETE", f"{path}/www.example.com"),
        ("POST", f"{path}/www.example.com/verify"),
    ):
        assert (await deploy.call(method, where, key=other)).status == 404
        assert (await deploy.call(method, where)).status == 401
    assert (await deploy.call("POST", path, key=other, json={"domain": "b.example.com"})).status == 404
    assert (await deploy.call("POST", path, key=reader, json={"domain": "b.example.com"})).status == 403
    assert (await deploy.call("GET", path, key=reader)).status == 200


async def test_an_anonymous_site_has_no_domains(deploy: Deploy) -> None:
    made = (await deploy.call("POST", "/deploy", json={"html": "<p>hello"})).json
    answer = await deploy.call(
        "POST", f"/deploy/{made['id']}/domains", key=made["claim_token"], json={"domain": "www.example.com"}
    )
    assert (answer.status, answer.json["code"]) == (403, "claim_first")


async def test_the_record_proves_a_domain(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    added = await world.add(key, site, "www.example.com")
    world.names.txt("_invoker.www.example.com", "something else", added["token"])
    found = await world.verify(key, site, "www.example.com")
    assert (found["status"], found["problem"], found["leads_here"]) == ("verified", None, False)
    assert found["verified_at"] is not None
    changed = (await told(world, "site.changed"))[-1]
    assert (changed["deployment_id"], changed["domains"]) == (site["id"], ["www.example.com"])
    assert await audited(world) == ["domain.added", "domain.verified"]


async def test_a_file_on_the_present_server_proves_a_domain(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    added = await world.add(key, site, "www.example.com")
    world.names.a("www.example.com", ELSEWHERE)
    world.files[PROOF_PATH + added["token"]] = added["token"] + "\n"
    assert (await world.verify(key, site, "www.example.com"))["status"] == "verified"


async def test_what_was_seen_instead_is_said(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await world.add(key, site, "www.example.com")
    world.names.a("www.example.com", ELSEWHERE)
    missing = await world.verify(key, site, "www.example.com")
    assert "There is no TXT record at _invoker.www.example.com yet." in missing["problem"]
    assert missing["problem"].endswith(" answered 404.")
    world.names.txt("_invoker.www.example.com", "invoker-of-somebody-else")
    wrong = await world.verify(key, site, "www.example.com")
    assert 'was found, but with another value: "invoker-of-somebody-else".' in wrong["problem"]
    assert wrong["status"] == "pending"


async def test_a_domain_that_still_leads_here_proves_nothing(world: DomainWorld, deploy: Deploy, key: str) -> None:
    """Somebody's record may go on pointing here after their site is gone: whoever comes next does not get it."""
    site = await deploy.publish(key)
    added = await world.add(key, site, "www.example.com")
    world.names.a("www.example.com", HERE)
    found = await world.verify(key, site, "www.example.com")
    assert (found["status"], found["leads_here"]) == ("pending", True)
    path = PROOF_PATH + added["token"]
    files = [{"path": "index.html", "content": "x"}, {"path": path[1:], "content": added["token"]}]
    assert (await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"files": files})).status == 200
    assert (await deploy.site(site["slug"], path)).status == 404
    assert (await world.visit("www.example.com", path)).status == 404


async def test_the_worker_looks_by_itself(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    added = await world.add(key, site, "www.example.com")
    world.names.txt(added["dns"]["name"], added["token"])
    await world.later("www.example.com", timedelta(minutes=2))

    async def proved() -> bool:
        return bool((await world.domains(key, site))[0]["status"] == "verified")

    await eventually(proved)


async def test_the_worker_gives_up_after_three_days(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await world.add(key, site, "www.example.com")
    await world.later("www.example.com", 3 * DAY)

    async def given_up() -> bool:
        found = (await world.domains(key, site))[0]
        return bool(found["status"] == "failing" and found["next_check_at"] is None and found["problem"])

    await eventually(given_up)
    # who asks again is looked for again
    assert (await world.verify(key, site, "www.example.com"))["status"] == "pending"


async def test_the_newest_proof_wins(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site, other = await deploy.publish(key), deploy.key()
    theirs = await deploy.publish(other)
    await world.proved(key, site, "www.example.com")
    assert (await world.proved(other, theirs, "www.example.com"))["status"] == "verified"
    lost = (await world.domains(key, site))[0]
    assert (lost["status"], lost["problem"]) == ("failing", "Another site has proved this domain since.")
    assert {data["deployment_id"] for data in (await told(world, "site.changed"))[-2:]} == {site["id"], theirs["id"]}


async def test_of_many_that_prove_it_at_once_one_has_it(world: DomainWorld, deploy: Deploy) -> None:
    keys = [deploy.key() for _ in range(6)]
    sites = [await deploy.publish(each) for each in keys]
    added = [await world.add(each, site, "www.example.com") for each, site in zip(keys, sites, strict=True)]
    world.names.txt("_invoker.www.example.com", *(each["token"] for each in added))
    looks = [world.verify(each, site, "www.example.com") for each, site in zip(keys, sites, strict=True)]
    await asyncio.gather(*looks)
    shown = [(await world.domains(each, site))[0]["status"] for each, site in zip(keys, sites, strict=True)]
    assert sorted(shown) == ["failing"] * 5 + ["verified"]


async def test_a_removed_domain_is_served_no_more(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await world.proved(key, site, "www.example.com")
    path = f"/deploy/{site['id']}/domains/www.example.com"
    answer = await deploy.call("DELETE", path, key=key)
    assert (answer.status, answer.json) == (200, {"domain": "www.example.com"})
    assert await world.domains(key, site) == []
    assert (await told(world, "site.changed"))[-1]["domains"] == ["www.example.com"]
    assert (await deploy.call("DELETE", path, key=key)).json["code"] == "domain_not_found"
    assert (await audited(world))[-1] == "domain.removed"


async def test_a_domain_that_leads_here_stays_without_its_record(world: DomainWorld, deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await world.proved(key, site, "www.example.com")
    world.names.txt("_invoker.www.example.com")
    world.names.a("www.example.com", HERE)
    await world.later("www.example.com", 9 * DAY)

    async def stays() -> bool:
        found = (await world.domains(key, site))[0]
        return bool(found["status"] == "verified" and found["leads_here"])

    await eventually(stays)


async def test_a_domain_that_led_elsewhere_for_a_week_is_suspended(
    world: DomainWorld, deploy: Deploy, key: str
) -> None:
    site = await deploy.publish(key)
    await world.proved(key, site, "www.example.com")
    world.names.txt("_invoker.www.example.com")
    world.names.a("www.example.com", ELSEWHERE)
    failing = await world.verify(key, site, "www.example.com")
    assert (failing["status"], failing["verified_at"] is None) == ("failing", False)
    await world.later("www.example.com", 8 * DAY)
    mails = await eventually(partial(told, world, "mail.domain_suspended"))
    assert (await world.domains(key, site))[0]["verified_at"] is None
    assert (await audited(world))[-1] == "domain.suspended"
    assert mails[0]["to"] == deploy.auth.email(key)
