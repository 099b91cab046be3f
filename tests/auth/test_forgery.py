"""R62 over every operation that auth and deploy describe: what another site makes a browser send changes nothing."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared import openapi
from tests.support.auth import an_address
from tests.support.client import Answer
from tests.support.deploying import Deploy
from tests.support.eventually import eventually
from tests.support.together import Together
from tests.support.together import together as running

FORGED: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
    {"Sec-Fetch-Site": "", "Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "none", "Origin": "https://evil.example"},
    {"Origin": "http://sites.localhost:8080"},
    {"Origin": "OWN.evil.example"},
    {"Origin": ""},
    {},
]
OWN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "OWN"},
]
TABLES = {
    "auth": ("accounts", "logins", "login_codes", "keys", "sessions", "email_changes", "audit"),
    "deploy": ("accounts", "deployments", "versions", "submissions", "recipients"),
}
SAFE = {"get", "head"}

Operation = tuple[str, str, str]


def operations(*, safe: bool) -> list[Operation]:
    """Return service, method and path of every operation that takes a credential."""
    found = []
    for service in ("auth", "deploy"):
        document = openapi.load(service)
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if method != "parameters" and operation.get("security") != [] and (method in SAFE) == safe:
                    found.append((service, method.upper(), path))
    return found


async def received(deploy: Deploy, key: str, site: dict[str, Any]) -> dict[str, str]:
    """Give a site a webhook, and a submission with a file that is on its way to it; return what paths call them."""
    url = f"/webhooks/{site['id']}"
    await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"files": True})
    hook = (await deploy.call("POST", url, key=key, json={"url": "http://127.0.0.1:1999/"})).json["id"]
    form = aiohttp.FormData({"email": "ada@example.com"})
    form.add_field("cv", b"file", filename="cv.txt")
    sent = (await deploy.submit(site, data=form)).json["id"]
    (file,) = (await deploy.call("GET", f"/submissions/{site['id']}/{sent}", key=key)).json["files"]
    delivery = (await deploy.call("GET", f"{url}/{hook}/deliveries", key=key)).json["deliveries"][0]["delivery_id"]
    return {
        "{sha256}": "0" * 64, "{domain}": "www.example.com", "{recipient}": f"rcp_{site['id'][4:]}",
        "{submissionId}": sent, "{fileId}": file["id"], "{webhookId}": hook, "{deliveryId}": delivery,
    }  # fmt: skip


@pytest.fixture
async def together(database_url: str, tmp_path: Path) -> AsyncIterator[Together]:
    """Give auth and deploy, knowing each other."""
    async with running(database_url, tmp_path / "blobs") as both:
        yield both


class Victim:
    """Somebody with a browser, a key and a site, who visits the wrong page."""

    def __init__(self, together: Together, cookie: str, key: str, names: dict[str, str]) -> None:
        self.together, self.cookie, self.key, self._names = together, cookie, key, names

    @classmethod
    async def of(cls, together: Together) -> "Victim":
        email, browser = an_address(), together.auth.browser()
        await browser.log_in(email)
        made = (await browser.api("POST", "/keys", {"name": "v"})).json
        site = await together.deploy.publish(made["key"])
        session = (await browser.api("GET", "/auth/sessions")).json["sessions"][0]["id"]
        names = {"/keys": made["id"], "/auth/sessions": session}
        names |= dict.fromkeys(("/deploy", "/submissions", "/webhooks"), site["id"])
        names |= await received(together.deploy, made["key"], site)
        return cls(together, browser.cookies["invoker_session"], made["key"], names)

    def _path(self, path: str) -> str:
        head, _, _ = path.partition("/{")
        for name, known in self._names.items():
            path = path.replace(name, known) if name.startswith("{") else path
        path = re.sub(r"\{[^}]*\}", lambda _: self._names[head], path)
        # as short as a stream may be
        return f"{path}?seconds=1" if path.endswith("/events") else path

    async def sends(self, operation: Operation, headers: dict[str, str], *, with_key: bool = False) -> Answer:
        service, method, path = operation
        own = self.together.auth.config.app_url
        sent = {name: value.replace("OWN", own) for name, value in headers.items()}
        sent["Cookie"] = f"invoker_session={self.cookie}"
        if with_key:
            sent["Authorization"] = f"Bearer {self.key}"
        call: Callable[..., Any] = getattr(self.together, service).call
        body: dict[str, Any] = {} if method.lower() in SAFE else {"json": []}
        answer: Answer = await call(method, self._path(path), headers=sent, **body)
        return answer

    async def state(self) -> str:
        """Return all that could change, once nothing is on its way; when something was used last does not count."""
        return await eventually(self._rows)

    async def _rows(self) -> str:
        db, rows = self.together.auth.db, []
        for service, tables in TABLES.items():
            assert await db.fetchval(f"SELECT count(*) FROM {service}.outbox") == 0
            for table in tables:
                left_out = "{last_used_at,last_used_ip,last_used_client,last_seen_at,last_seen_ip}"
                columns = f"(to_jsonb(t) - '{left_out}'::text[])::text AS t"
                rows += [row["t"] for row in await db.fetch(f"SELECT {columns} FROM {service}.{table} t ORDER BY 1")]
        return str(rows)


async def test_r62_no_unsafe_operation_listens_to_another_site(together: Together) -> None:
    """R62: same-site, cross-site, a foreign Origin, none: the same 403, before the body is looked at."""
    victim = await Victim.of(together)
    before = await victim.state()
    assert len(operations(safe=False)) >= 13
    for operation in operations(safe=False):
        for headers in FORGED:
            answer = await victim.sends(operation, headers)
            assert (answer.status, answer.json["code"]) == (403, "cross_site"), (operation, headers)
    assert await victim.state() == before


async def test_r62_our_own_pages_are_heard_by_every_operation(together: Together) -> None:
    """R62: by Fetch Metadata, else by Origin; the body, a list, is then refused for what it is, or not read."""
    for headers in OWN:
        victim = await Victim.of(together)
        for operation in sorted(
            operations(safe=False), key=lambda each: each[2] in {"/auth/logout", "/keys/revoke-all"}
        ):
            if operation[2] == "/auth/sessions/{id}":
                continue  # it ends the one that asks
            answer = await victim.sends(operation, headers)
            if answer.status == 401:
                victim = await Victim.of(together)  # the one before ended all there was
                answer = await victim.sends(operation, headers)
            assert answer.status not in {401, 403}, (operation, headers, answer.text)


async def test_r62_a_key_needs_no_page_of_ours(together: Together) -> None:
    """R62: no browser sends it by itself. Only what is a person's own to do asks for a session."""
    victim = await Victim.of(together)
    for operation in operations(safe=False):
        if operation[2] in {"/auth/logout", "/keys/{id}", "/keys/revoke-all", "/keys/{id}/rotate"}:
            continue  # they end the key that asks
        answer = await victim.sends(operation, FORGED[1], with_key=True)
        assert answer.json.get("code") != "cross_site", operation
        assert answer.status != 401, operation


async def test_r62_reading_with_a_cookie_changes_nothing(together: Together) -> None:
    """R62: GET and HEAD, from wherever: answered, for who may read the answer is the browser's to judge."""
    victim = await Victim.of(together)
    before = await victim.state()
    for service, _, path in operations(safe=True):
        for method in ("GET", "HEAD"):
            for headers in (FORGED[1], FORGED[-1]):
                answer = await victim.sends((service, method, path), headers)
                assert answer.status == 200, (path, answer.text)
                assert "Set-Cookie" not in answer.headers
                assert "Access-Control-Allow-Origin" not in answer.headers
                assert "Access-Control-Allow-Credentials" not in answer.headers
    assert await victim.state() == before
