"""Whom a credential belongs to: asked by deploy's cache, and by auth's own API, which has none."""

from services.auth.service.last_used import LastUsed
from services.auth.store import keys, sessions
from shared import db
from shared.auth_client import Caller, Kind


class Checks:
    """The `Checker` that asks the tables each time, so that a revoke holds at once."""

    def __init__(self, pool: db.Pool, last_used: LastUsed) -> None:
        self._pool = pool
        self._last_used = last_used

    def cached(self, _digest: str) -> None:
        """Know nobody without asking."""

    async def check(self, digest: str, *, kind: Kind = "key", seen: bytes = b"") -> Caller | None:
        """Return the owner of the credential with this SHA-256, and note its use: one query. Raise Unavailable."""
        look = keys.caller if kind == "key" else sessions.caller
        caller = await db.read(self._pool, lambda conn: look(conn, digest))
        if caller is not None:
            self._last_used.note(kind, caller.credential_id, seen)
        return caller
