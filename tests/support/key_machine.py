"""R89: the world of keys, driven through every order of events by Hypothesis."""

import asyncio
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, Final, cast

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared import auth_client, callers, credentials, http
from shared.auth_client import AuthClient
from shared.errors import Unauthorized
from tests.support.clock import Clock
from tests.support.key_wire import KeyStore
from tests.support.key_world import Truth, World

#: Which of the keys that there are.
WHICH: Final = st.integers(0, 5)
#: Around each of the times after which something is forgotten.
SECONDS: Final = st.sampled_from([0.3, 1.0, 4.7, 5.2, 12.0, 29.7, 30.3, 100.0, 299.7, 301.0])


THOROUGH: Final = settings(
    max_examples=500, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
#: The same search each time, and no time spent on making what it finds small.
SEARCH: Final = settings(THOROUGH, max_examples=3000, derandomize=True, phases=[Phase.generate])


def examine(make: Callable[[], "KeysAndCache"], thoroughly: settings) -> None:
    """Run machines, whose calls are lost by steps and not by a clock. Raise AssertionError when one finds something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth_client, "RPC_TIMEOUT", 600.0)
        run_state_machine_as_test(cast("type[KeysAndCache]", make), settings=thoroughly)


@cache
def wrong_checksum() -> Any:
    """Return a request with a key that has a typo."""
    key = credentials.mint()
    key = key[:-1] + ("a" if key[-1] != "a" else "b")
    request = make_mocked_request("GET", "/", headers={"Authorization": f"Bearer {key}"})
    request[http.FACTS] = {}
    return request


def pick(keys: Collection[str], which: int) -> str:
    """Return one of the keys, the youngest first."""
    return list(keys)[-1 - which % len(keys)]


class KeysAndCache(RuleBasedStateMachine, World):
    """What may happen; each rule moves the world and has it judge what came of it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_store: Callable[[Clock], KeyStore],
        make_client: Callable[..., AuthClient] = AuthClient,
    ) -> None:
        RuleBasedStateMachine.__init__(self)
        World.__init__(self, loop, make_store, make_client)

    def teardown(self) -> None:
        self.end_uses()

    @invariant()
    def what_is_known_may_be_believed(self) -> None:
        self.judge_what_is_known()

    # what happens to keys

    @precondition(lambda self: self.wire.up and len(self.alive()) < 4)
    @rule(expires_in=st.sampled_from([None, None, 20.25, 60.25, 400.25]))
    def create(self, expires_in: float | None) -> None:
        key = self.run(self.store.create(self.spare[-1], expires_in))
        self.truth[key] = Truth(self.clock(), None if expires_in is None else self.clock() + expires_in)
        self.spare.append(credentials.mint())

    @precondition(lambda self: self.wire.up and self.rotatable())
    @rule(which=WHICH, grace=st.sampled_from([0, 0, 10.25, 300.25]), late=st.booleans())
    def rotate(self, which: int, grace: float, *, late: bool) -> None:
        old = pick(self.rotatable(), which)
        was = self.truth[old]
        successor = self.run(self.store.rotate(old, grace))
        self.truth[successor] = Truth(self.clock(), was.ends)
        was.ends = min(self.clock() + grace, was.ends or float("inf"))
        was.rotated = True
        self.committed(old, late=late)

    @precondition(lambda self: self.wire.up and self.alive())
    @rule(which=WHICH, by_holder=st.booleans(), late=st.booleans())
    def revoke(self, which: int, *, by_holder: bool, late: bool) -> None:
        key = pick(self.alive(), which)
        self.run(self.store.revoke(key, by_holder=by_holder))
        self.end(key)
        self.committed(key, late=late)

    @precondition(lambda self: self.wire.up and len(self.alive()) > 2)
    @rule(late=st.booleans())
    def revoke_all(self, *, late: bool) -> None:
        ended = self.alive()
        self.run(self.store.revoke_all())
        for key in ended:
            self.end(key)
        self.committed(*ended, late=late)

    # what a caller does

    @precondition(lambda self: self.truth)
    @rule(which=WHICH, held=st.booleans())
    def use(self, which: int, *, held: bool) -> None:
        self.begin_use(pick(self.truth, which), held=held)

    @precondition(lambda self: self.truth and not self.wire.held)
    @rule(which=WHICH, seconds=st.sampled_from([0.3, 0.7]), then=st.sampled_from([0.0, 29.6]))
    def use_slowly(self, which: int, seconds: float, then: float) -> None:
        self.begin_use(pick(self.truth, which), held=True)
        self.clock.now += seconds
        if self.wire.held:
            self.let_answer_through(again=False)
        self.advance(then)

    @precondition(lambda self: self.truth)
    @rule()
    def use_all(self) -> None:
        self.begin_all_uses()

    @precondition(lambda self: self.truth and self.wire.up)
    @rule(seconds=SECONDS)
    def use_all_without_auth(self, seconds: float) -> None:
        """Let auth be away for some time after it was asked about all of them."""
        self.begin_all_uses()
        self.auth()
        self.advance(seconds)
        self.begin_all_uses()

    @precondition(lambda self: self.wire.up and self.alive() and not self.wire.held)
    @rule(which=WHICH, by_holder=st.booleans())
    def revoke_while_asked(self, which: int, *, by_holder: bool) -> None:
        """Let a revoke overtake the answer that says otherwise (R46)."""
        self.advance(30.3)
        if not self.alive():
            return
        self.begin_use(pick(self.alive(), which), held=True)
        self.revoke(which, by_holder=by_holder, late=False)
        if self.wire.held:
            self.let_answer_through(again=False)

    @rule(held=st.booleans())
    def use_unknown(self, *, held: bool) -> None:
        self.begin_use(self.spare[-1], held=held)

    @rule()
    def use_wrong_checksum(self) -> None:
        calls = self.wire.calls
        try:
            self.run(callers.authenticate(wrong_checksum(), self.client))
        except Unauthorized:
            assert self.wire.calls == calls, "a typo made a call"
        else:
            raise AssertionError("a key with a wrong checksum was accepted")

    @precondition(lambda self: self.wire.held)
    @rule(again=st.booleans())
    def let_answer_through(self, *, again: bool) -> None:
        self.wire.holding = again
        self.wire.let_through()
        self.settle()

    # what goes wrong around them

    @rule(seconds=SECONDS)
    def tick(self, seconds: float) -> None:
        self.advance(seconds)

    @precondition(lambda self: self.next_end() is not None)
    @rule()
    def live_out(self) -> None:
        """Let the next key that ends by itself do so."""
        self.advance((self.next_end() or 0.0) + 0.1 - self.clock())

    # one rule for both ways: an example in which something can only go down tries little

    @rule()
    def link(self) -> None:
        self.link_up = not self.link_up
        if self.link_up and self.broker_up:
            self.gap()

    @rule()
    def broker(self) -> None:
        self.broker_up = not self.broker_up
        if self.broker_up:
            if self.link_up:
                self.gap()
            self.publish()

    @rule()
    def repair(self) -> None:
        """Bring back all that is down, or most of an example would be one outage."""
        for down, mend in (
            (not self.wire.up, self.auth),
            (not self.link_up, self.link),
            (not self.broker_up, self.broker),
        ):
            if down:
                mend()

    @rule()
    def auth(self) -> None:
        self.wire.up = not self.wire.up
        while self.wire.held:
            self.wire.lose(ConnectionResetError())
        self.settle()
        self.publish()

    @precondition(lambda self: self.outbox)
    @rule()
    def relay(self) -> None:
        self.publish()

    @rule()
    def restart_replica(self) -> None:
        self.end_uses()
        self.start_replica()
