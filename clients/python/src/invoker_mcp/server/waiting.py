"""A login that somebody is about to approve in a browser, while the conversation goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoker_mcp.credentials import Credential
    from invoker_mcp.login import Started
    from invoker_mcp.settings import Settings

CLIENT = "Invoker MCP server"


@dataclass(slots=True)
class Waiting:
    """Asks for the key in the background: clients give up a call long before people have read their mail."""

    started: Started
    task: asyncio.Task[Credential]
    since: float = field(default_factory=monotonic)

    @property
    def over(self) -> bool:
        return self.task.done()

    async def within(self, seconds: float) -> Credential | None:
        """Give the key as soon as it is there, None when it is not yet; raise what went wrong."""
        done, _ = await asyncio.wait({self.task}, timeout=seconds)
        return self.task.result() if done else None


async def begin(settings: Settings) -> Waiting:
    """Start a login, and wait for it in a task of its own, which saves the key."""
    from invoker_mcp import login
    from invoker_mcp.api import Api

    async with Api(settings, None) as api:
        started = await login.start(api, client=CLIENT)

    async def wait() -> Credential:
        async with Api(settings, None) as api:
            return await login.wait(api, started)

    return Waiting(started, asyncio.create_task(wait(), name="login"))
