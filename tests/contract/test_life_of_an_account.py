"""An account in a browser, from its first login to its end and back, through whatever stands before the services."""

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.support.client import Answer, Client, an_address
from tests.support.eventually import eventually

FORM = '<form action="{{SUBMIT_URL}}" method=post><input name=email></form>'


@dataclass(slots=True)
class Browser:
    """Keeps cookies, and says of its requests what browsers say of those of our own pages."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, *, site: str = "same-origin", **given: Any) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie, "Sec-Fetch-Site": site}
        answer = await self.client.call(method, self.client.target.app + path, headers=headers, **given)
        for line in answer.headers.getall("Set-Cookie", ()):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer

    async def patiently(self, path: str, fields: dict[str, str]) -> Answer:
        # a login counts against two limits, each with a minute of its own
        while (answer := await self.send("POST", path, data=fields)).status == 429:
            await self.client.wait_for(answer)
        return answer

    async def log_in(self, email: str, *, mails: int = 1) -> None:
        """Log in by the plain forms of the pages."""
        sent = await self.patiently("/login", {"email": email})
        assert sent.status == 303, sent.text
        code = await eventually(partial(newest_code, self.client, email, mails), within=30)
        entered = await self.send("POST", sent.headers["Location"] + "/code", data={"code": code})
        assert (entered.status, entered.headers.get("Location")) == (303, "/dashboard"), entered.text


async def newest_code(client: Client, email: str, count: int) -> str:
    """Return the code of the address's newest login mail, once it has got `count` of them."""
    listed = (await client.call("GET", f"{client.target.mailbox}/api/v1/messages?limit=200")).json["messages"]
    mine = [row for row in listed if row["To"][0]["Address"] == email and "login code" in row["Subject"]]
    assert len(mine) >= count, f"{len(mine)} login mails to {email}"
    return str(re.findall(r"\d{6}", mine[0]["Subject"])[0])


@pytest.fixture
async def browser(client: Client) -> Browser:
    return Browser(client)


async def test_a_browser_is_logged_in_to_both_services_and_out_of_both(browser: Browser) -> None:
    email = an_address()
    await browser.log_in(email)
    assert (await browser.send("GET", "/dashboard")).status == 200
    me = (await browser.send("GET", "/api/auth/me")).json
    assert (me["email"], me["credential"]["kind"], me["credential"]["scopes"]) == (email, "session", ["full"])
    assert (await browser.send("GET", "/api/deploy")).json["deployments"] == []
    sessions = (await browser.send("GET", "/api/auth/sessions")).json["sessions"]
    assert [(session["id"], session["current"]) for session in sessions] == [(me["credential"]["id"], True)]
    cookies = dict(browser.cookies)
    assert (await browser.send("POST", "/api/auth/logout")).status == 200
    browser.cookies = cookies
    for path in ("/api/auth/me", "/api/deploy"):
        await eventually(partial(refused, browser, path), within=10)
    assert (await browser.send("GET", "/dashboard")).headers["Location"].startswith("/login")


async def refused(browser: Browser, path: str) -> bool:
    return (await browser.send("GET", path)).status == 401


async def test_a_change_from_another_site_is_refused_by_both_services(browser: Browser) -> None:
    """R62, through the gateway: a cookie alone changes nothing."""
    await browser.log_in(an_address())
    for path, body in (("/api/keys", {}), ("/api/deploy", {"html": "<p>x</p>"}), ("/api/auth/logout", {})):
        for site in ("cross-site", "same-site"):
            answer = await browser.send("POST", path, site=site, json=body)
            assert (answer.status, answer.json["code"]) == (403, "cross_site"), path
    assert (await browser.send("POST", "/api/keys", json={"name": "mine"})).status == 201


async def test_an_account_is_exported_deleted_and_comes_back_with_its_sites(browser: Browser) -> None:
    email = an_address()
    await browser.log_in(email)
    key = (await browser.send("POST", "/api/keys", json={"name": "mine"})).json
    site = (await browser.send("POST", "/api/deploy", json={"html": FORM})).json
    await browser.client.api("POST", f"/submit/{site['id']}", data={"email": "ada@example.com"})
    export = await browser.send("GET", "/api/auth/export")
    assert "attachment" in export.headers["Content-Disposition"]
    assert [row["id"] for row in export.json["keys"]] == [key["id"]]
    assert "ada@example.com" in str(export.json["sites"])
    assert key["key"] not in export.text

    ended = await browser.send("DELETE", "/api/auth/account", json={"confirm": email})
    assert ended.status == 200, ended.text
    for path in ("/auth/me", "/deploy"):
        await eventually(partial(gone, browser.client, path, key["key"]), within=10)
    assert (await browser.client.site(site["slug"])).status == 200, "sites stay for a week"
    await browser.log_in(email, mails=2)
    listed = (await browser.send("GET", "/api/deploy")).json["deployments"]
    assert [row["id"] for row in listed] == [site["id"]]
    assert (await browser.client.api("GET", "/auth/me", key=key["key"])).status == 401, "keys do not come back"


async def gone(client: Client, path: str, key: str) -> bool:
    return (await client.api("GET", path, key=key)).status == 401
