"""Who calls a tool: with which key, over which transport, and how to tell it of progress."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from invoker_mcp.server.tool import ToolError

if TYPE_CHECKING:
    from mcp.server.session import ServerSession

    from invoker_mcp.api import Api
    from invoker_mcp.credentials import Credential
    from invoker_mcp.server.memory import Memory
    from invoker_mcp.settings import Settings

LOG_IN = "Call login first; or have INVOKER_API_KEY set where this server is started."
SEND_A_KEY = (
    "Over HTTP the key comes with each request: `Authorization: Bearer inv_…`, set in the client's configuration."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One call's surroundings. Over HTTP `memory` is None and the key is the request's own."""

    settings: Settings
    memory: Memory | None
    #: Of the request, over HTTP.
    authorization: str | None = field(default=None, repr=False)
    session: ServerSession | None = None
    request_id: Any = None
    #: What the client answered when it was asked to show an address.
    responses: Any = None

    @property
    def remote(self) -> bool:
        return self.memory is None

    async def credential(self) -> Credential | None:
        """Find the key of this call, if there is one."""
        from invoker_mcp.credentials import Credential, find

        if not self.remote:
            import asyncio

            return await asyncio.to_thread(find, self.settings)
        scheme, _, key = (self.authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            return None
        if not key.startswith(("inv_", "tok_")) or not key.isascii() or not key.isprintable() or len(key) > 200:
            raise ToolError("The Authorization of this request is not an Invoker key", SEND_A_KEY)
        return Credential(key=key, source="flag" if key.startswith("inv_") else "claim")

    @asynccontextmanager
    async def api(self, *, site: str | None = None, anonymous: bool = False) -> AsyncIterator[Api]:
        """Give the API with the caller's key; a site made here without one is reached by its claim token."""
        from invoker_mcp import renewal
        from invoker_mcp.api import Api
        from invoker_mcp.credentials import Credential

        credential = await self.credential()
        if credential is None and self.memory and site in self.memory.claims:
            credential = Credential(key=self.memory.claims[site], source="claim")
        if credential is None and not anonymous:
            raise ToolError("This needs an account", SEND_A_KEY if self.remote else LOG_IN)
        async with Api(self.settings, credential, client="invoker-mcp") as api:
            task = None if self.remote else renewal.start(api)
            try:
                yield api
            finally:
                if task:
                    await task

    async def progress(self, done: float, total: float | None, message: str) -> None:
        if self.session is not None:
            await self.session.report_progress(done, total, message)
