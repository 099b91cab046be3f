"""The cached key check: one RPC to auth for a key that is not known yet, none for one that is.

Held to R45 to R49. A valid answer is used for 30 s, an invalid one for 5 s, both from the moment that auth was asked:
what was true then may have ended while the answer was on its way. A revoke that arrives on the bus drops the key at
once and wins over a look-up under way; when auth cannot be asked, a key that was valid within the last 300 s goes on
working and any other is answered 503, never 401. Only the key's SHA-256 travels.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from shared import logs
from shared.bus import Delivery, Handlers
from shared.errors import Unavailable
from shared.events import CredentialsChanged, KeyRevoked
from shared.expiring import Expiring
from shared.internal_call import InternalCalls

log = logs.get(__name__)

#: Seconds from the question for which an answer stands; the first is the hard bound of a revocation (R45).
POSITIVE: Final = 30.0
NEGATIVE: Final = 5.0
#: Seconds since the last valid answer for which a key goes on working while auth is down (R49).
GRACE: Final = 300.0
#: Most keys remembered, valid and invalid apart, so that invented ones cannot push out real ones (R48).
MAX_VALID: Final = 100_000
MAX_INVALID: Final = 10_000
#: Seconds for one look-up, so that an unknown key gets its 503 within a second (R49).
RPC_TIMEOUT: Final = 0.8
#: Look-ups beyond a revoke that keeps arriving; more than one repeat means a storm of flushes.
_MAX_LOOKUPS: Final = 4

SCOPES: Final = frozenset({"full", "deploy", "read", "submissions", "webhooks", "keys"})
#: What a scope includes beside itself.
IMPLIES: Final = {"deploy": frozenset({"read"}), "webhooks": frozenset({"read"}), "full": SCOPES}


#: A claim token is deploy's own: it stands for the one anonymous site that it was given with.
Kind = Literal["key", "session", "claim"]


class Caller(BaseModel):
    """Who a valid credential belongs to, and what it may do."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    account_id: str
    email: str
    plan: str
    kind: Kind
    #: Id of the key or browser session.
    credential_id: str
    scopes: frozenset[str]
    #: Id or slug of the one site the key is bound to.
    site: str | None = None
    expires_at: datetime | None = None
    #: Of the account, whose changes it counts.
    revision: int = 0
    #: When the account was made.
    account_created_at: datetime | None = None

    def wire(self) -> dict[str, Any]:
        """Return what travels from auth to whoever asked; `Caller.model_validate` reads it."""
        return {**self.__dict__, "scopes": list(self.scopes)}

    def may(self, scope: str) -> bool:
        """Tell whether the credential has this scope, by itself or by implication."""
        return scope in _all_scopes(self.scopes)


class _Answer(BaseModel):
    valid: bool
    caller: Caller | None = None


@cache
def _all_scopes(scopes: frozenset[str]) -> frozenset[str]:
    return scopes.union(*(IMPLIES.get(scope, ()) for scope in scopes))


class Checker(Protocol):
    """What tells whom a credential belongs to."""

    def cached(self, digest: str) -> Caller | None:
        """Return the owner of the credential with this SHA-256 if that is known without asking, else None."""

    async def check(self, digest: str, *, kind: Kind = "key", seen: bytes = b"") -> Caller | None:
        """Return the owner of the credential with this SHA-256, None when it is not valid. Raise Unavailable.

        `seen` is JSON that says from where it is used; see `callers.seen`.
        """


@dataclass(eq=False, slots=True)
class _Lookup:
    """A look-up under way; `overtaken` when a revoke or flush arrived since it began."""

    overtaken: bool = False
    task: "asyncio.Task[Caller | None] | None" = field(default=None)


class AuthClient:
    """Checks keys against auth's internal port; one per process."""

    def __init__(
        self,
        auth: InternalCalls,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._auth, self._clock, self._now = auth, clock, now
        self._valid: Expiring[str, Caller] = Expiring(MAX_VALID, GRACE, clock)
        self._invalid: Expiring[str, None] = Expiring(MAX_INVALID, NEGATIVE, clock)
        self._lookups: dict[str, _Lookup] = {}
        #: How many RPCs were made; the tests and metrics read it.
        self.calls = 0

    def cached(self, digest: str) -> Caller | None:
        """Return the owner of a key that was valid within `POSITIVE` seconds, None for any other."""
        known = self._valid.get(digest)
        return self._unexpired(known[0]) if known is not None and known[1] < POSITIVE else None

    async def check(self, digest: str, *, kind: Kind = "key", seen: bytes = b"") -> Caller | None:
        """Return the owner of the credential with this digest, from the cache if it may be.

        Raise Unavailable when auth cannot be asked and the key was not seen valid within `GRACE`.
        """
        if (caller := self.cached(digest)) is not None:
            return caller
        if self._invalid.get(digest) is not None:
            return None
        lookup = self._lookups.get(digest)
        if lookup is None:
            lookup = self._lookups[digest] = _Lookup()
            # detached from the caller: whoever asked first may go away, the others still get their answer (R47)
            lookup.task = asyncio.create_task(self._look_up(digest, _question(digest, kind, seen), lookup))
            # when all of them went away, nobody else takes note of its failure, and the loop would complain
            lookup.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        assert lookup.task is not None  # noqa: S101 - set right after it was made
        return await asyncio.shield(lookup.task)

    def evict(self, digest: str) -> None:
        """Forget a key: it was revoked. A look-up under way starts over (R46)."""
        self._valid.pop(digest)
        if lookup := self._lookups.get(digest):
            lookup.overtaken = True

    def flush(self) -> None:
        """Forget every key: revokes may have been missed. Which were valid is forgotten too."""
        self._valid.clear()
        self._invalid.clear()
        for lookup in self._lookups.values():
            lookup.overtaken = True

    async def _on_revoked(self, event: KeyRevoked, _delivery: Delivery) -> None:
        self.evict(event.digest)

    async def _on_changed(self, event: CredentialsChanged, _delivery: Delivery) -> None:
        for digest in event.digests:
            self.evict(digest)

    @property
    def handlers(self) -> Handlers:
        """What this cache has to hear on the bus; with `flush` as `on_gap`."""
        return {KeyRevoked: self._on_revoked, CredentialsChanged: self._on_changed}

    async def _look_up(self, digest: str, question: bytes, lookup: _Lookup) -> Caller | None:
        try:
            for _ in range(_MAX_LOOKUPS):
                lookup.overtaken = False
                asked = self._clock()
                try:
                    caller = await self._ask(question)
                except (OSError, ValueError) as error:  # TimeoutError is an OSError
                    return self._without_auth(digest, error)
                if not lookup.overtaken:
                    self._remember(digest, caller, asked)
                    return caller
            raise Unavailable
        finally:
            del self._lookups[digest]

    def _remember(self, digest: str, caller: Caller | None, asked: float) -> None:
        if caller is None:
            self._valid.pop(digest)
            self._invalid.put(digest, None, since=asked)
        else:
            self._invalid.pop(digest)
            self._valid.put(digest, caller, since=asked)

    def _without_auth(self, digest: str, error: Exception) -> Caller:
        log.warning("auth.unreachable", error=type(error).__name__)
        # read again: a revoke may have dropped it while the look-up failed
        if (known := self._valid.get(digest)) and (caller := self._unexpired(known[0])):
            return caller
        raise Unavailable(retry_after=1) from error

    async def _ask(self, question: bytes) -> Caller | None:
        self.calls += 1
        async with asyncio.timeout(RPC_TIMEOUT):
            status, raw = await self._auth.post("/internal/verify", question, request_id=logs.request_id.get())
        if status != 200:
            raise ValueError(f"auth answered {status}")
        answer = _Answer.model_validate_json(raw)
        return self._unexpired(answer.caller) if answer.valid and answer.caller else None

    def _unexpired(self, caller: Caller) -> Caller | None:
        return caller if caller.expires_at is None or caller.expires_at > self._now() else None


def _question(digest: str, kind: Kind, seen: bytes) -> bytes:
    name = b"digest" if kind == "key" else b"session"
    return b'{"%s":"%s"%s}' % (name, digest.encode(), b',"seen":' + seen if seen else b"")


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator[AuthClient]:
    """Open a client of the auth service whose internal port is at `url`."""
    calls = InternalCalls(url, token)
    try:
        yield AuthClient(calls)
    finally:
        calls.close()
