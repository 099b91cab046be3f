"""R89: the machine of `tests.support.key_machine` against auth's rules in memory, and the faults that it must find."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from shared import auth_client, credentials
from shared.auth_client import AuthClient, Caller
from shared.events import CredentialsChanged, Event, KeyRevoked
from tests.support.clock import Clock
from tests.support.key_machine import SEARCH, THOROUGH, KeysAndCache, examine

UNKNOWN = b'{"valid":false}'


@dataclass(slots=True)
class Row:
    """A key as auth's table has it."""

    expires_at: float | None = None
    revoked_at: float | None = None


@dataclass(slots=True)
class Memory:
    """auth's rules for keys, in a dictionary."""

    clock: Clock
    rows: dict[str, Row] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    async def create(self, plaintext: str, expires_in: float | None) -> str:
        self.rows[credentials.digest(plaintext)] = Row(None if expires_in is None else self.clock() + expires_in)
        return plaintext

    async def rotate(self, key: str, grace: float) -> str:
        successor, digest = credentials.mint(), credentials.digest(key)
        old = self.rows[digest]
        self.rows[credentials.digest(successor)] = Row(old.expires_at)
        if grace:
            old.expires_at = min(self.clock() + grace, old.expires_at or float("inf"))
            self.events.append(CredentialsChanged(account_id="acc_1", digests=(digest,)))
        else:
            self._end(digest)
        return successor

    async def revoke(self, key: str, *, by_holder: bool) -> None:
        digest = credentials.digest(key)
        if self.rows[digest].revoked_at is None and not (by_holder and not self._valid(digest)):
            self._end(digest)

    async def revoke_all(self) -> None:
        digests = tuple(digest for digest in self.rows if self._valid(digest))
        for digest in digests:
            self.rows[digest].revoked_at = self.clock()
        self.events.append(CredentialsChanged(account_id="acc_1", digests=digests))

    async def answer(self, question: bytes) -> bytes:
        digest = question[11:75].decode()
        if not self._valid(digest):
            return UNKNOWN
        ends = self.rows[digest].expires_at
        caller = Caller(
            account_id="acc_1", email="a@example.com", plan="free", kind="key", credential_id="key_1",
            scopes=frozenset({"full"}), expires_at=None if ends is None else self.clock.at(ends),
        )  # fmt: skip
        return b'{"valid":true,"caller":%s}' % caller.model_dump_json().encode()

    async def take_events(self) -> list[Event]:
        events, self.events = self.events, []
        return events

    def _end(self, digest: str) -> None:
        self.rows[digest].revoked_at = self.clock()
        self.events.append(KeyRevoked(digest=digest, key_id="key_1"))

    def _valid(self, digest: str) -> bool:
        row = self.rows.get(digest)
        return row is not None and row.revoked_at is None and (row.expires_at is None or row.expires_at > self.clock())


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Give a loop for all runs of a test."""
    opened = asyncio.new_event_loop()
    yield opened
    opened.close()


def test_r89_keys_and_their_cache_keep_their_promises_in_every_order(loop: asyncio.AbstractEventLoop) -> None:
    """R89, 500 examples of 50 steps: R45, R46, R48, R49 whatever happens when."""
    examine(partial(KeysAndCache, loop, Memory), THOROUGH)


class NoGenerations(AuthClient):
    """A look-up under way does not start over when a revoke overtakes it."""

    def evict(self, digest: str) -> None:
        self._valid.pop(digest)


class NoFlush(AuthClient):
    """What was missed while the link was lost goes unnoticed."""

    def flush(self) -> None:
        pass


class DatedByItsAnswer(AuthClient):
    """An answer counts from when it arrived."""

    def _remember(self, digest: str, caller: Caller | None, _asked: float) -> None:
        super()._remember(digest, caller, self._clock())


class EndsForgotten(AuthClient):
    """A key's own end is not looked at again."""

    def _unexpired(self, caller: Caller) -> Caller | None:
        return caller


class RefusesWithoutAuth(AuthClient):
    """A key that nobody can be asked about is refused instead of put off."""

    def _without_auth(self, _digest: str, _error: Exception) -> Caller:
        return None  # type: ignore[return-value]


class LongMemory(AuthClient):
    """What was refused once is refused for a minute."""

    def __init__(self, auth: Any, **given: Any) -> None:
        super().__init__(auth, **given)
        self._invalid._ttl = 60.0


class GraceForEver(AuthClient):
    """Without auth a key goes on for as long as it is remembered."""

    def __init__(self, auth: Any, **given: Any) -> None:
        super().__init__(auth, **given)
        self._valid._ttl = 100_000.0


@pytest.mark.parametrize(
    "planted", [NoGenerations, NoFlush, DatedByItsAnswer, EndsForgotten, RefusesWithoutAuth, LongMemory, GraceForEver]
)
def test_r89_the_machine_finds_what_was_planted(
    loop: asyncio.AbstractEventLoop, planted: Callable[..., AuthClient]
) -> None:
    assert auth_client.POSITIVE == 30.0
    with pytest.raises(AssertionError):
        examine(partial(KeysAndCache, loop, Memory, planted), SEARCH)
