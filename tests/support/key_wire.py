"""What lies between a replica and auth's keys: the questions, and what can become of an answer on its way."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.events import Event
from shared.internal_call import InternalCalls


class KeyStore(Protocol):
    """auth, as far as keys go; times are seconds of the world's clock."""

    async def create(self, plaintext: str, expires_in: float | None) -> str:
        """Make a key and return it: the one given, where that can be chosen."""

    async def rotate(self, key: str, grace: float) -> str:
        """Replace an active key that has no successor, and return that."""

    async def revoke(self, key: str, *, by_holder: bool) -> None:
        """End a key."""

    async def revoke_all(self) -> None:
        """End every key."""

    async def answer(self, question: bytes) -> bytes:
        """Answer what is asked of the internal port."""

    async def take_events(self) -> list[Event]:
        """Return what was to be published since the last time."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that the replica got: when it was true, and the key's end that came with it."""

    at: float
    ends: float | None


class Wire(InternalCalls):
    """The replica's way to auth: it can be down, and an answer can be held on its way."""

    def __init__(
        self, store: KeyStore, ask: Callable[[str], Read], heard: Callable[[str], int], on_answer: Callable[..., None]
    ) -> None:
        super().__init__("http://unused", "a-token")
        self._store, self._ask, self._heard, self._on_answer = store, ask, heard, on_answer
        self.up, self.holding = True, False
        self.calls = self.failures = self.busy = 0
        self.held: list[tuple[asyncio.Future[None], float]] = []

    async def post(self, _path: str, body: bytes, *, request_id: str) -> tuple[int, bytes]:  # noqa: ARG002
        self.calls += 1
        try:
            self._require_up()
            digest = body[11:75].decode()
            asked, heard = self._ask(digest), self._heard(digest)
            self.busy += 1
            try:
                raw = await self._store.answer(body)
            finally:
                self.busy -= 1
            if self.holding:
                held = (asyncio.get_running_loop().create_future(), asked.at)
                self.held.append(held)
                await held[0]
        except BaseException:
            self.failures += 1
            raise
        if heard == self._heard(digest):
            self._on_answer(digest, asked, valid=raw.startswith(b'{"valid":true'))
        return 200, raw

    def _require_up(self) -> None:
        if not self.up:
            raise ConnectionRefusedError

    def let_through(self) -> None:
        """Let the answer through that has been held longest."""
        self.held.pop(0)[0].set_result(None)

    def lose(self, error: Exception) -> None:
        """Lose the answer that has been held longest."""
        future, _ = self.held.pop(0)
        if not future.done():
            future.set_exception(error)
