"""The deploy service in this process, on real ports, as its users and visitors see it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from services.deploy.app import open_service
from services.deploy.config import Config
from shared import server
from tests.support.client import Answer
from tests.support.fake_auth import TOKEN, FakeAuth
from tests.support.fake_bus import FakeBus

FORM = '<!doctype html><title>t</title><form action="{{SUBMIT_URL}}" method=post><input name=email></form>'
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """A running deploy service and what is around it."""

    url: str
    internal_url: str
    auth: FakeAuth
    bus: FakeBus
    database_url: str
    blobs: Path
    config: Config
    session: aiohttp.ClientSession

    def key(self, **given: Any) -> str:
        """Mint a key; see `FakeAuth.key`."""
        return self.auth.key(**given)

    async def call(self, method: str, path: str, *, key: str | None = None, **given: Any) -> Answer:
        """Call the API; `path` goes out as it is."""
        headers = dict(given.pop("headers", {}))
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **given) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def site(self, slug: str, path: str = "/", *, method: str = "GET", **given: Any) -> Answer:
        """Ask for a page of a site by its Host."""
        headers = {"Host": f"{slug}.sites.localhost:8080", **given.pop("headers", {})}
        return await self.call(method, path, headers=headers, **given)

    async def publish(self, key: str, **body: Any) -> dict[str, Any]:
        """Make a site, of one page with a form unless `files` or `html` say otherwise."""
        content = {} if "files" in body else {"html": FORM}
        answer = await self.call("POST", "/deploy", key=key, json=content | body)
        assert answer.status == 200, answer.text
        made: dict[str, Any] = answer.json
        return made

    async def submit(self, site: dict[str, Any], **given: Any) -> Answer:
        """Send something through a site's form."""
        return await self.call("POST", f"/submit/{site['id']}", **given)

    async def submissions(self, key: str, site: dict[str, Any], query: str = "") -> Any:
        """Return the list of what was sent."""
        return (await self.call("GET", f"/submissions/{site['id']}{query}", key=key)).json


def settings(database_url: str, blobs: Path, auth_url: str, **given: Any) -> Config:
    """Return a configuration for tests."""
    return Config(
        database_url=SecretStr(database_url),
        service_token=SecretStr(TOKEN),
        auth_internal_url=auth_url,
        **{"blobs_url": blobs.as_uri(), **given},
    )


@asynccontextmanager
async def deploying(
    database_url: str, blobs: Path, auth: FakeAuth, bus: FakeBus | None = None, **given: Any
) -> AsyncIterator[Deploy]:
    """Run the service."""
    bus = bus or FakeBus()
    public = server.bind("127.0.0.1", given.get("port", 0))
    internal = server.bind("127.0.0.1", given.get("internal_port", 0))
    internal_url = f"http://127.0.0.1:{internal.getsockname()[1]}"
    config = settings(database_url, blobs, auth.url, internal_advertise_url=internal_url, **given)
    async with open_service(config, bus) as service:
        assert service.public is not None
        async with (
            server.listening(service.public, public),
            server.listening(service.internal, internal),
            aiohttp.ClientSession() as session,
        ):
            yield Deploy(
                url=f"http://127.0.0.1:{public.getsockname()[1]}",
                internal_url=internal_url,
                auth=auth,
                bus=bus,
                database_url=database_url,
                blobs=blobs,
                config=config,
                session=session,
            )


def a_slug() -> str:
    """Return a name that no other test takes."""
    return f"s-{secrets.token_hex(6)}"
