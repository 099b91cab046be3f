"""What an account uses elsewhere: asked of deploy, done without when deploy is away."""

import asyncio
from typing import Final

import aiohttp
from aiohttp import hdrs

from shared import logs

log = logs.get(__name__)

#: Seconds that an answer may wait for a number that it can do without.
DEADLINE: Final = 1.0


class Usage:
    """Asks deploy's internal port; one per process."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url
        self._token = token

    async def deployments(self, account_id: str) -> int | None:
        """Return how many sites the account has, None when deploy does not say in time."""
        headers = {hdrs.AUTHORIZATION: f"Bearer {self._token}", "X-Request-ID": logs.request_id.get()}
        try:
            async with (
                asyncio.timeout(DEADLINE),
                self._session.get(f"{self._url}/internal/usage/{account_id}", headers=headers) as response,
            ):
                response.raise_for_status()
                return int((await response.json())["deployments"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("deploy.unreachable", error=type(error).__name__)
            return None
