"""A world of keys: auth, the replica that remembers what auth said, and what is true of each key.

This world knows what is true of each key, and what the replica may still believe: the answers that it got, until it
heard of a change. Each answer of the cache is judged by both. Time is a clock that only the test moves.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from shared import credentials
from shared.auth_client import GRACE, NEGATIVE, POSITIVE, RPC_TIMEOUT, AuthClient, Caller
from shared.bus import Delivery
from shared.errors import Unavailable
from shared.events import CredentialsChanged, Envelope, Event, KeyRevoked
from tests.support.clock import Clock
from tests.support.key_wire import KeyStore, Read, Wire

T = TypeVar("T")

#: Turns of the loop in which nothing happens any more once this many have passed.
QUIET: Final = 8
#: Revokes and gaps during one look-up after which it gives up.
STORM: Final = 4


@dataclass(slots=True)
class Truth:
    """What is so of a key, on the world's clock."""

    made: float
    ends: float | None
    rotated: bool = False


@dataclass(slots=True)
class Use:
    """A key being used."""

    key: str
    began: float
    failures: int
    heard: int
    task: asyncio.Task[Caller | None]


def digests(event: Event) -> tuple[str, ...]:
    """Return which keys an event is about."""
    match event:
        case KeyRevoked():
            return (event.digest,)
        case CredentialsChanged():
            return event.digests
        case _:
            return ()


@dataclass(slots=True)
class Belief:
    """What the replica may believe: its answers, until it hears of a change."""

    valid: dict[str, Read] = field(default_factory=dict)
    invalid: dict[str, float] = field(default_factory=dict)


class World:
    """One replica of deploy, its link to the bus, auth, and keys."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_store: Callable[[Clock], KeyStore],
        make_client: Callable[..., AuthClient] = AuthClient,
    ) -> None:
        self.loop, self.clock, self.make_client = loop, Clock(), make_client
        self.store = make_store(self.clock)
        self.wire = Wire(self.store, self.asked, self.heard, self.answered)
        self.truth: dict[str, Truth] = {}
        self.gaps, self.changes = 0, Counter[str]()
        self.spare = [credentials.mint()]
        self.uses: list[Use] = []
        self.outbox: list[Event] = []
        self.link_up = self.broker_up = True
        self.start_replica()

    # how it is done

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(what)

    def start_replica(self) -> None:
        self.client = self.make_client(self.wire, clock=self.clock, now=self.clock.moment)
        self.belief = Belief()

    def alive(self) -> list[str]:
        return [key for key in self.truth if self.active(key)]

    def next_end(self) -> float | None:
        """Return when the next key ends by itself."""
        return min((ends for key in self.alive() if (ends := self.truth[key].ends) is not None), default=None)

    def rotatable(self) -> list[str]:
        return [key for key in self.alive() if not self.truth[key].rotated]

    def active(self, key: str) -> bool:
        ends = self.truth[key].ends
        return ends is None or ends > self.clock()

    def end(self, key: str) -> None:
        if self.active(key):
            self.truth[key].ends = self.clock()

    def committed(self, *changed: str, late: bool) -> None:
        """Take what was committed with a change of keys: every cache has to hear of each."""
        events = self.run(self.store.take_events())
        told = {digest for event in events for digest in digests(event)}
        assert {credentials.digest(key) for key in changed} <= told, "a change that no cache would hear of"
        self.outbox += events
        if not late:
            self.publish()

    def publish(self) -> None:
        """Publish what was committed, if that is possible now; whose link is lost hears nothing of it."""
        if self.wire.up and self.broker_up:
            events, self.outbox = self.outbox, []
            for event in events:
                self.hear(event)

    def hear(self, event: Event) -> None:
        if not self.link_up:
            return
        delivery = Delivery(envelope=Envelope.of(event), attempt=1, last=False)
        handler: Any = self.client.handlers[type(event)]
        self.run(handler(event, delivery))
        for digest in digests(event):
            self.belief.valid.pop(digest, None)
            self.changes[digest] += 1
        self.settle()

    def gap(self) -> None:
        self.client.flush()
        self.belief = Belief()
        self.gaps += 1
        self.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass; an answer that is held for too long is lost on the way."""
        until = self.clock.now + seconds
        while self.wire.held and self.wire.held[0][1] + RPC_TIMEOUT <= until:
            self.clock.now = self.wire.held[0][1] + RPC_TIMEOUT
            self.wire.lose(TimeoutError())
            self.settle()
        self.clock.now = until

    def begin_all_uses(self) -> None:
        for key in list(self.truth)[-6:]:
            self.begin_use(key, held=False)

    def heard(self, digest: str) -> int:
        """Return how often the replica was told to forget a key."""
        return self.gaps + self.changes[digest]

    def begin_use(self, key: str, *, held: bool) -> None:
        self.wire.holding = held
        digest = credentials.digest(key)
        task = self.loop.create_task(self.client.check(digest))
        self.uses.append(Use(key, self.clock(), self.wire.failures, self.heard(digest), task))
        self.settle()

    def settle(self) -> None:
        """Let everything happen that can, then judge the uses that came to an end."""
        self.run(self._until_quiet())
        for use in [use for use in self.uses if use.task.done()]:
            self.uses.remove(use)
            self.judge(use)

    async def _until_quiet(self) -> None:
        quiet = 0
        while quiet < QUIET:
            await asyncio.sleep(0)
            quiet = 0 if self.wire.busy else quiet + 1

    def end_uses(self) -> None:
        for use in self.uses:
            use.task.cancel()
        self.uses.clear()
        while self.wire.held:
            self.wire.lose(ConnectionResetError())
        self.run(self._until_quiet())

    # how it is judged

    def asked(self, digest: str) -> Read:
        """Return what is so of a key at the moment that auth looks."""
        ends = next((truth.ends for key, truth in self.truth.items() if credentials.digest(key) == digest), None)
        return Read(self.clock(), ends)

    def answered(self, digest: str, read: Read, *, valid: bool) -> None:
        """Note what the replica was told; not called when it heard of a change since it asked: it has to ask again."""
        if valid and (read.ends is None or read.ends > self.clock()):
            self.belief.valid[digest] = read
            self.belief.invalid.pop(digest, None)
        else:
            self.belief.invalid[digest] = read.at
            self.belief.valid.pop(digest, None)

    def judge(self, use: Use) -> None:
        without_auth = self.wire.failures > use.failures
        error = use.task.exception()
        if isinstance(error, Unavailable):
            assert without_auth or self.heard(credentials.digest(use.key)) - use.heard >= STORM, (
                "unavailable, and auth was not"
            )
        elif error is not None:
            raise error
        elif use.task.result() is None:
            self.judge_refusal(use)
        else:
            self.judge_acceptance(use.key, use.began, without_auth=without_auth)

    def judge_what_is_known(self) -> None:
        """Judge what the cache would accept now, each time: a use of it may come at any moment."""
        for key in list(self.truth)[-6:]:
            if self.client.cached(credentials.digest(key)) is not None:
                self.judge_acceptance(key, self.clock(), without_auth=False)

    def judge_refusal(self, use: Use) -> None:
        told = self.belief.invalid.get(credentials.digest(use.key))
        assert told is not None, "refused, and nobody said so"
        assert use.began - told < NEGATIVE, "refused for what was so too long ago"
        truth = self.truth.get(use.key)
        if truth and truth.made <= use.began - NEGATIVE:
            assert not self.active(use.key), "refused while valid"

    def judge_acceptance(self, key: str, began: float, *, without_auth: bool) -> None:
        now, truth = self.clock(), self.truth[key]
        read = self.belief.valid.get(credentials.digest(key))
        assert read is not None, "accepted by an answer that was overtaken"
        assert read.ends is None or read.ends > now, "accepted after an end that was known"
        assert now - read.at < (GRACE if without_auth else POSITIVE), "accepted for what was so too long ago"
        if truth.ends is not None and truth.ends <= began and not without_auth:
            assert now < truth.ends + POSITIVE, "accepted more than 30 s after its end"
