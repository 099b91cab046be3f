"""Whom a credential belongs to: asked by deploy's cache, and by auth's own API, which has none."""

from services.auth.store import keys, sessions
from shared import db
from shared.auth_client import Caller, Kind


class Checks:
    """The `Checker` that asks the tables each time, so that a revoke holds at once."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool

    def cached(self, _digest: str) -> None:
        """Know nobody without asking."""

    async def check(self, digest: str, *, kind: Kind = "key", seen: bytes = b"") -> Caller | None:  # noqa: ARG002
        """Return the owner of the credential with this SHA-256: one query. Raise Unavailable."""
        async with db.acquire(self._pool) as conn:
            return await (keys.caller if kind == "key" else sessions.caller)(conn, digest)
