"""auth as deploy sees it: the internal verify endpoint on a real port, with keys that a test hands out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from shared import credentials, ids

TOKEN = "a-service-token-for-tests"


class FakeAuth:
    """Knows the keys it minted; can be away."""

    def __init__(self) -> None:
        self._callers: dict[str, dict[str, Any]] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.calls = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def key(self, *, account: str | None = None, scopes: tuple[str, ...] = ("full",), **given: Any) -> str:
        """Mint a key of an account, a new one unless named."""
        key = credentials.mint()
        account = account or ids.new_id("acc")
        self._callers[credentials.digest(key)] = {
            "account_id": account,
            "email": f"{account}@example.com",
            "plan": "free",
            "kind": "key",
            "credential_id": ids.new_id("key"),
            "scopes": list(scopes),
            **given,
        }
        return key

    def session(self, **given: Any) -> str:
        """Log a browser in and return its cookie's value."""
        cookie = f"ses_{ids.random_base62(43)}"
        self._callers[credentials.digest(cookie)] = self._callers.pop(
            credentials.digest(self.key(kind="session", credential_id=ids.new_id("ses"), **given))
        )
        return cookie

    def email(self, key: str) -> str:
        """Return the address of a key's account."""
        return str(self._callers[credentials.digest(key)]["email"])

    def account(self, key: str) -> str:
        """Return the id of a key's account."""
        return str(self._callers[credentials.digest(key)]["account_id"])

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        app = web.Application()
        app.add_routes([web.post("/internal/verify", self._verify)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be away: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _verify(self, request: web.Request) -> web.Response:
        self.calls += 1
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        asked = await request.json()
        caller = self._callers.get(asked.get("digest") or asked["session"])
        return web.json_response({"valid": True, "caller": caller} if caller else {"valid": False})


@asynccontextmanager
async def running() -> AsyncIterator[FakeAuth]:
    """Give a started one."""
    auth = FakeAuth()
    await auth.start()
    try:
        yield auth
    finally:
        await auth.stop()
