"""`Idempotency-Key`: within 24 hours the same key with the same body gets the first answer again.

What a request made carries its key and the digest of its body, so there is nothing beside it to keep or to lose.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from shared.errors import BadRequest, Conflict, Invalid

#: For how long a key is known, as SQL has it.
WINDOW: Final = "interval '24 hours'"


class KeyReused(Invalid):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another body"


class StillRunning(Conflict):
    """The first request with this Idempotency-Key has not been answered yet."""

    code = "idempotency_key_in_use"
    message = "The first request with this Idempotency-Key is still running"
    hint = "Repeat it in a moment to get the first answer."
    retry_after = 1.0


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is to be carried out once: its key, and the SHA-256 of its body."""

    key: str
    digest: str

    def require_same(self, first_digest: str | None) -> None:
        """Raise KeyReused when the first request with this key had another body."""
        if first_digest != self.digest:
            raise KeyReused


def once(request: web.BaseRequest, body: bytes) -> Once | None:
    """Return what the request's `Idempotency-Key` asks for, None without one. Raise BadRequest for one that is none."""
    key = key_of(request)
    return None if key is None else Once(key, hashlib.sha256(body).hexdigest())


def key_of(request: web.BaseRequest) -> str | None:
    """Return the request's `Idempotency-Key`, None without one. Raise BadRequest for one that is none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise BadRequest("The Idempotency-Key must be 1 to 255 printable characters")
    return key
