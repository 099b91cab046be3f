"""What an account has elsewhere, asked of deploy: a number that can be done without, and its sites for an export."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiohttp import hdrs

from shared import logs
from shared.errors import Unavailable

log = logs.get(__name__)

#: Seconds that an answer may wait for a number that it can do without.
DEADLINE: Final = 1.0
#: Seconds until an export begins, and between two pieces of it.
PATIENCE: Final = aiohttp.ClientTimeout(total=None, sock_connect=2.0, sock_read=10.0)


class Usage:
    """Asks deploy's internal port; one per process."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url
        self._token = token

    async def deployments(self, account_id: str) -> int | None:
        """Return how many sites the account has, None when deploy does not say in time."""
        try:
            async with (
                asyncio.timeout(DEADLINE),
                self._session.get(f"{self._url}/internal/usage/{account_id}", headers=self._headers()) as response,
            ):
                response.raise_for_status()
                return int((await response.json())["deployments"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("deploy.unreachable", error=type(error).__name__)
            return None

    @asynccontextmanager
    async def sites(self, account_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the JSON array of the account's sites, to be read in pieces. Raise Unavailable when deploy is away.

        What breaks in the middle raises aiohttp.ClientError or TimeoutError.
        """
        url = f"{self._url}/internal/export/{account_id}"
        try:
            response = await self._session.get(url, headers=self._headers(), timeout=PATIENCE)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            log.warning("deploy.unreachable", error=type(error).__name__)
            raise Unavailable from error
        async with response:
            if response.status != 200:
                log.warning("deploy.unreachable", status=response.status)
                raise Unavailable
            yield response.content.iter_any()

    def _headers(self) -> dict[str, str]:
        return {hdrs.AUTHORIZATION: f"Bearer {self._token}", "X-Request-ID": logs.request_id.get()}
