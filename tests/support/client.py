"""A user of the whole system, seen from outside: login, deploys, forms, mails, over HTTP alone."""

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.eventually import eventually
from tests.support.timing import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a running system is found; `standalone` and `compose` differ in the mailbox alone."""

    app: str
    api: str
    mailbox: str
    #: `{slug}.sites.localhost:8080`: what a browser would send as Host.
    site_host: str

    @classmethod
    def local(cls, port: int, *, mailbox: str | None = None) -> "Target":
        app = f"http://localhost:{port}"
        return cls(
            app=app, api=f"{app}/api", mailbox=mailbox or f"{app}/mailbox", site_host=f"{{slug}}.sites.localhost:{port}"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its body read."""

    status: int
    headers: Any
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        import orjson

        return orjson.loads(self.raw)


class Client:
    """Calls a system as scripts and browsers do; follows no redirects and keeps no cookies."""

    def __init__(self, session: aiohttp.ClientSession, target: Target) -> None:
        self._session, self.target = session, target

    async def call(self, method: str, url: str, *, key: str | None = None, **given: Any) -> Answer:
        headers = dict(given.pop("headers", {}))
        if key:
            headers["Authorization"] = f"Bearer {key}"
        async with self._session.request(method, url, headers=headers, allow_redirects=False, **given) as response:
            return Answer(response.status, response.headers, await response.read())

    async def api(self, method: str, path: str, **given: Any) -> Answer:
        return await self.call(method, self.target.api + path, **given)

    async def site(self, slug: str, path: str = "/", *, method: str = "GET", **given: Any) -> Answer:
        """Ask for a page of a site by its Host, as a browser that resolves *.localhost would."""
        headers = {"Host": self.target.site_host.format(slug=slug), **given.pop("headers", {})}
        return await self.call(method, self.target.app + path, headers=headers, **given)

    async def mail(self, to: str, *, having: str, within: float = 30.0) -> dict[str, Any]:
        """Wait for a mail to this address whose subject has `having`, and return it whole."""

        async def look() -> dict[str, Any]:
            listed = (await self.call("GET", f"{self.target.mailbox}/api/v1/messages?limit=200")).json["messages"]
            for row in listed:
                if to in {address["Address"] for address in row["To"]} and having in row["Subject"]:
                    whole = await self.call("GET", f"{self.target.mailbox}/api/v1/message/{row['ID']}")
                    found: dict[str, Any] = whole.json
                    return found
            raise AssertionError(f"no mail to {to} with {having!r} in its subject")

        return await eventually(look, within=within)

    async def code(self, to: str, *, within: float = 30.0) -> str:
        """Return the login code of the newest login mail to this address: its subject begins with it."""
        found = re.match(r"\d{6}\b", (await self.mail(to, having="code", within=within))["Subject"])
        assert found is not None, "the login mail has no code"
        return found[0]

    async def patiently(self, method: str, path: str, **given: Any) -> Answer:
        """Call the API, once more after `Retry-After` where a limit is used up: the system may not be ours alone."""
        answer = await self.api(method, path, **given)
        if answer.status == 429:
            await self.wait_for(answer)
            answer = await self.api(method, path, **given)
        return answer

    async def wait_for(self, limited: Answer) -> None:
        """Wait as long as an answer says."""
        await asyncio.sleep(int(limited.headers["Retry-After"]) + 0.1)

    async def session(self) -> tuple[dict[str, Any], str]:
        """Start a login; return the answer and the verifier that belongs to it."""
        verifier = secrets.token_urlsafe(32)
        body = {"verifier_hash": hashlib.sha256(verifier.encode()).hexdigest(), "client": {"name": "tests"}}
        started = await self.patiently("POST", "/auth/session", json=body)
        assert started.status == 201, started.text
        return started.json, verifier

    async def login(self, email: str) -> dict[str, Any]:
        """Log in as a terminal does, in four calls, and return `{api_key, key_id, email}`."""
        started, verifier = await self.session()
        session = started["session_id"]
        asked = await self.patiently("POST", "/auth/otp", json={"session_id": session, "email": email})
        assert asked.status == 202, asked.text
        code = await self.code(email)
        approved = await self.api("POST", "/auth/verify", json={"session_id": session, "code": code})
        assert approved.json == {"status": "approved"}, approved.text
        token = await self.api("POST", "/auth/token", json={"session_id": session, "verifier": verifier})
        assert token.status == 200, token.text
        result: dict[str, Any] = token.json
        return result


async def until_refused(client: Client, key: str) -> float:
    """Make a key, use it at deploy, revoke it, and return how long deploy went on taking it."""
    made = (await client.api("POST", "/keys", key=key, json={})).json
    assert (await client.api("GET", "/deploy", key=made["key"])).status == 200
    assert (await client.api("DELETE", f"/keys/{made['id']}", key=key)).status == 200

    async def refused() -> bool:
        return (await client.api("GET", "/deploy", key=made["key"])).status == 401

    return await seconds(lambda: eventually(refused))


def an_address() -> str:
    """Return an email address that nobody has used."""
    return f"user-{secrets.token_hex(6)}@example.com"
