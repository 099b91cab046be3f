"""Form tokens: what a page's form was given by us, when, and the work that a browser did for it.

Nothing is kept: a token carries its time and is signed with a key of its own, made from the services' token.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from shared import ids

#: Seconds for which a token says something.
LIFETIME: Final = 24 * 3600.0
#: Seconds that another replica's clock may be ahead.
AHEAD: Final = 5.0
#: Leading zero bits of a proof: a quarter of a million hashes, a second or so of a telephone.
BITS: Final = 18
#: Submissions that one proof is good for: going back and sending again is not to be worked for anew.
USES: Final = 3
_MAX_PROOF: Final = 16
_MAX_PROVED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was ours, and is not too old."""

    #: Different for each: what makes a double click one submission.
    nonce: str
    #: What work has to be done for.
    challenge: str
    #: Seconds since it was given.
    age: float


class FormTokens:
    """Gives tokens and reads them; one per process, and each process reads the others'."""

    def __init__(self, service_token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(service_token.encode(), b"invoker form token 1", "sha256")
        self._clock = clock
        self._proved: TTLCache[str, int] = TTLCache(_MAX_PROVED, LIFETIME)

    def issue(self, deployment_id: str) -> str:
        """Return a token for one view of a page of this site."""
        given = f"{int(self._clock() * 1000)}.{ids.random_base62(12)}"
        return f"{given}.{self._sign(deployment_id, given)}"

    def read(self, deployment_id: str, token: str) -> Token | None:
        """Return what a token says; None for one that is wrong, of another site, or too old."""
        given, _, signature = token.rpartition(".")
        if not given or not token.isascii() or not secrets.compare_digest(signature, self._sign(deployment_id, given)):
            return None
        issued, _, nonce = given.partition(".")
        age = self._clock() - int(issued) / 1000
        return Token(nonce, signature, max(0.0, age)) if -AHEAD <= age <= LIFETIME else None

    def proven(self, token: Token | None, proof: str) -> bool:
        """Tell whether the work was done for this token, and use it up a little."""
        if token is None or not 0 < len(proof) <= _MAX_PROOF or not works(token.challenge, proof):
            return False
        used = self._proved.get(token.nonce, 0)
        if used >= USES:
            return False
        self._proved[token.nonce] = used + 1
        return True

    def _sign(self, deployment_id: str, given: str) -> str:
        digest = hmac.digest(self._key, f"{deployment_id}.{given}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:15]).decode()


def works(challenge: str, proof: str) -> bool:
    """Tell whether a proof is one for this challenge: the hash of both begins with enough zero bits."""
    digest = hashlib.sha256(f"{challenge}.{proof}".encode()).digest()
    return int.from_bytes(digest[:4]) >> (32 - BITS) == 0
