"""All that belongs to an account as one JSON object, made piece by piece; its sites come from deploy."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import orjson

from services.auth.keys import BoundToSite
from services.auth.store import accounts, audit, keys, sessions
from services.auth.usage import Usage
from shared import db
from shared.auth_client import Caller
from shared.errors import Unavailable

#: Rows of one statement.
ROWS: Final = 200
#: Exports under way in one process: each keeps connections open for as long as its reader takes.
AT_ONCE: Final = 16


class ExportRunning(Unavailable):
    """The account's last export is not over yet, or too many are under way here."""

    message = "Another export is under way"
    hint = "Try again when it has been downloaded."
    retry_after = 10.0


class Exports:
    """Puts an account's data together; one per process."""

    def __init__(self, pool: db.Pool, elsewhere: Usage) -> None:
        self._pool = pool
        self._elsewhere = elsewhere
        #: Accounts whose export is under way.
        self._running: set[str] = set()

    async def pieces(self, caller: Caller) -> AsyncGenerator[bytes, None]:
        """Yield the object. Every page of rows is read on a connection of its own: a slow reader holds none.

        Raise BoundToSite, ExportRunning, and Unavailable when deploy is away, all before the first piece.
        """
        if caller.site is not None:
            raise BoundToSite("A key for one site cannot download the whole account")
        if caller.account_id in self._running or len(self._running) >= AT_ONCE:
            raise ExportRunning
        self._running.add(caller.account_id)
        try:
            async with aclosing(self._pieces(caller)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._running.discard(caller.account_id)

    async def _pieces(self, caller: Caller) -> AsyncGenerator[bytes, None]:
        async with self._elsewhere.sites(caller.account_id) as sites:
            async with db.acquire(self._pool) as conn:
                account = await accounts.lock(conn, caller.account_id)
            yield b'{"account":' + orjson.dumps(account.to_json())
            for name, rows in (
                (b"keys", self._keys(caller.account_id)),
                (b"sessions", self._sessions(caller)),
                (b"audit", self._audit(caller.account_id)),
            ):
                separator = b',"' + name + b'":['
                async for row in rows:
                    yield separator + orjson.dumps(row)
                    separator = b","
                yield b"]" if separator == b"," else separator + b"]"
            yield b',"sites":'
            async for piece in sites:
                yield piece
            yield b"}"

    async def _keys(self, account_id: str) -> AsyncIterator[dict[str, Any]]:
        last: str | None = None
        while True:
            async with db.acquire(self._pool) as conn:
                rows = await keys.page(conn, account_id, only_active=False, limit=ROWS, after=last)
            for row in rows:
                yield row.to_json()
            if len(rows) < ROWS:
                return
            last = rows[-1].id

    async def _sessions(self, caller: Caller) -> AsyncIterator[dict[str, Any]]:
        async with db.acquire(self._pool) as conn:
            live = await sessions.live(conn, caller.account_id)
        for session in live:
            yield session.to_json(current=session.id == caller.credential_id)

    async def _audit(self, account_id: str) -> AsyncIterator[dict[str, Any]]:
        place = None
        while True:
            async with db.acquire(self._pool) as conn:
                events = await audit.page(conn, account_id, limit=ROWS, before=place)
            for event in events:
                yield event.to_json()
            if len(events) < ROWS:
                return
            place = (events[-1].at, events[-1].id)
