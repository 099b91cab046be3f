"""Accounts over three processes and a real broker: trail, address and end travel between auth and deploy."""

import re
from collections.abc import Callable
from typing import Any

import asyncpg

from tests.support.client import Answer, an_address
from tests.support.direct import Direct
from tests.support.eventually import eventually


class Dashboard:
    """A browser that is logged in: its cookie, and what browsers say of their own pages' calls."""

    def __init__(self, direct: Direct, cookie: str) -> None:
        self._direct, self._headers = direct, {"Sec-Fetch-Site": "same-origin", "Cookie": cookie}

    async def call(self, method: str, path: str, **given: Any) -> Answer:
        service = self._direct._system.deploy if path.startswith("/deploy") else self._direct._system.auth
        headers = {"Host": "localhost:8080", **self._headers}
        return await self._direct.call(method, service.url + path, headers=headers, **given)

    @classmethod
    async def log_in(cls, direct: Direct, email: str) -> "Dashboard":
        outside = cls(direct, "x=y")
        sent = await outside.call("POST", "/login", data={"email": email})
        assert sent.status == 303, sent.text
        waiting = cls(direct, sent.headers["Set-Cookie"].partition(";")[0])
        code = {"code": await direct.code(email)}
        entered = await waiting.call("POST", f"{sent.headers['Location']}/code", data=code)
        found = re.search(r"invoker_session=ses_\w+", str(entered.headers.getall("Set-Cookie")))
        assert found is not None, entered.text
        return cls(direct, found[0])


async def test_from_publishing_to_the_end_of_the_account(direct: Direct, database_url: str) -> None:
    email, new = an_address(), an_address()
    dashboard = await Dashboard.log_in(direct, email)
    key = (await dashboard.call("POST", "/keys", json={"name": "laptop"})).json["key"]
    site = (await direct.api("POST", "/deploy", key=key, json={"html": "<p>hi</p>"})).json

    async def trail() -> bool:
        events = (await dashboard.call("GET", "/audit")).json["events"]
        told = [event["detail"] for event in events if event["action"] == "site.published"]
        return told == [{"site": site["id"], "slug": site["slug"], "version": 1}]

    assert await eventually(trail, within=10)
    exported = (await dashboard.call("GET", "/auth/export")).json
    assert [each["slug"] for each in exported["sites"]] == [site["slug"]]

    assert (await dashboard.call("POST", "/auth/email", json={"email": new})).status == 202
    codes = {"current_code": await address_code(direct, email), "new_code": await address_code(direct, new)}
    assert (await dashboard.call("POST", "/auth/email/confirm", json=codes)).json == {"email": new}
    assert await eventually(known_to_deploy(database_url, email=new), within=10)
    assert (await direct.api("GET", "/auth/me", key=key)).json["email"] == new

    assert (await dashboard.call("DELETE", "/auth/account", json={"confirm": new})).status == 200

    async def refused() -> bool:
        answers = [await direct.api("GET", "/deploy", key=key), await dashboard.call("GET", "/deploy")]
        return [answer.status for answer in answers] == [401, 401]

    assert await eventually(refused, within=10)
    assert await eventually(known_to_deploy(database_url, ending=True), within=10)
    assert (await direct.site(site["slug"])).status == 200
    await direct.mail(new, having="deleted")
    key = (await direct.login(new))["api_key"]
    assert await eventually(known_to_deploy(database_url, ending=False), within=10)
    assert (await direct.api("GET", "/deploy", key=key)).json["deployments"][0]["id"] == site["id"]


async def address_code(direct: Direct, email: str) -> str:
    """Return the code in the subject of the mail about a change of address."""
    subject: str = (await direct.mail(email, having="address"))["Subject"]
    return subject.split(maxsplit=1)[0]


def known_to_deploy(database_url: str, **expected: Any) -> Callable[[], Any]:
    """Return a question whether deploy knows these facts of its one account."""

    async def ask() -> bool:
        conn = await asyncpg.connect(database_url)
        try:
            row = await conn.fetchrow("SELECT email, ends_at IS NOT NULL AS ending FROM deploy.accounts")
        finally:
            await conn.close()
        return row is not None and expected.items() <= dict(row).items()

    return ask
