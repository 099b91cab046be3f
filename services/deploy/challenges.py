"""What authorities and our own probes ask of a domain under /.well-known/acme-challenge/, for every host alike.

Anybody may ask for anything there, so the table of challenges is read whole, and ten times a second at most.
"""

import asyncio
from typing import Final

from aiohttp import hdrs, web

from services.deploy.config import Config
from services.deploy.domains import PROOF_PATH
from services.deploy.proofs import CHALLENGE_PATH, Probe
from services.deploy.store import domains as store
from shared import db, http, logs
from shared.errors import Unavailable
from shared.server import Answer

#: Seconds between two reads of the table.
EVERY: Final = 0.1
#: Characters of a token: authorities' have 43.
_LONGEST: Final = 128
#: Below the second there is never anything: see `domains.PROOF_PATH`.
_OURS: Final = (CHALLENGE_PATH, PROOF_PATH)

_HEADERS: Final = {hdrs.CACHE_CONTROL: "no-store", hdrs.SERVER: "invoker", "X-Content-Type-Options": "nosniff"}


class Challenges:
    """Answers them; one for each process."""

    def __init__(self, pool: db.Pool, config: Config) -> None:
        self._pool, self._probe = pool, Probe(config)
        self._read: asyncio.Task[dict[str, str]] | None = None

    def front(self, rest: Answer) -> Answer:
        """Return what answers requests: those that are ours to answer on every host here, the others by `rest`."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            path = request.raw_path
            if not path.startswith(_OURS):
                return await rest(request)
            http.take_request_id(request.headers)
            try:
                text = await self._text(path.removeprefix(CHALLENGE_PATH)) if path.startswith(CHALLENGE_PATH) else None
                response = _found(text) if text is not None else _plain(404, "There is nothing here.")
            except Unavailable:
                response = _plain(503, "Not available right now.")
            logs.access(method=request.method, path=path.rpartition("/")[0], status=response.status, ms=0.0)
            return response

        return answer

    async def _text(self, token: str) -> str | None:
        """Return the answer to a token, None when it has none. Raise Unavailable."""
        if (text := self._probe.answer(token)) is not None:
            return text
        return (await self._current()).get(token) if 0 < len(token) <= _LONGEST else None

    async def _current(self) -> dict[str, str]:
        """Return what the table has, read after this was called: a challenge is asked for once it is written."""
        if self._read is None:
            self._read = asyncio.create_task(self._wait_and_read())
        # detached from whoever came first: the others still get their answer
        return await asyncio.shield(self._read)

    async def _wait_and_read(self) -> dict[str, str]:
        await asyncio.sleep(EVERY)
        self._read = None
        async with db.acquire(self._pool) as conn:
            return await store.challenges(conn)


def _found(text: str) -> web.Response:
    return web.Response(body=text.encode(), content_type="application/octet-stream", headers=_HEADERS)


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers=_HEADERS)
