"""Contract, section 4: a site's own domains, what authorities ask for on every host, and the public report form."""

import secrets

from tests.support.client import Client


async def test_a_domain_is_added_listed_and_removed(client: Client, key: str) -> None:
    site = (await client.api("POST", "/deploy", key=key, json={"html": "<p>hello"})).json
    domain = f"www-{secrets.token_hex(6)}.example.com"
    added = await client.api("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": domain.upper()})
    assert (added.status, added.json["domain"], added.json["status"]) == (201, domain, "pending")
    assert added.json["dns"] == {"name": f"_invoker.{domain}", "type": "TXT", "value": added.json["token"]}
    listed = await client.api("GET", f"/deploy/{site['id']}/domains", key=key)
    assert listed.json == {"domains": [added.json]}
    # it is not proved: whoever points it here sees nothing of the site
    assert (await client.call("GET", client.target.app, headers={"Host": domain})).status == 404
    removed = await client.api("DELETE", f"/deploy/{site['id']}/domains/{domain}", key=key)
    assert (removed.status, removed.json) == (200, {"domain": domain})


async def test_a_domain_of_nobody_is_refused(client: Client, key: str) -> None:
    site = (await client.api("POST", "/deploy", key=key, json={"html": "<p>hello"})).json
    for name in ("co.uk", "127.0.0.1", "localhost", "https://example.com/"):
        refused = await client.api("POST", f"/deploy/{site['id']}/domains", key=key, json={"domain": name})
        assert (refused.status, refused.json["code"]) == (400, "bad_domain")


async def test_challenges_are_answered_on_every_host(client: Client) -> None:
    for host in ("nobody.example.com", client.target.site_host.format(slug="nobody-has-this")):
        url = f"{client.target.app}/.well-known/acme-challenge/nothing"
        answer = await client.call("GET", url, headers={"Host": host})
        assert (answer.status, answer.text) == (404, "There is nothing here.")


async def test_anybody_can_report_a_page(client: Client) -> None:
    page = await client.call("GET", f"{client.target.app}/report?url=http%3A%2F%2Fx.example")
    assert page.status == 200
    assert 'value="http://x.example"' in page.text
    filled_in = {"url": "http://x.example", "reason": "other", "website": "a program fills in this one too"}
    thanks = await client.call("POST", f"{client.target.app}/report", data=filled_in)
    assert (thanks.status, "Thank you" in thanks.text) == (200, True)
