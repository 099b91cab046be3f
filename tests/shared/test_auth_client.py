"""The cached key check, against a small real server in auth's place (R45 to R49)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import callers, credentials, http, server
from shared.auth_client import GRACE, MAX_INVALID, NEGATIVE, POSITIVE, AuthClient, Caller
from shared.bus import Delivery
from shared.errors import Unauthorized, Unavailable
from shared.events import Envelope, KeyRevoked
from shared.internal_call import InternalCalls
from tests.support.clock import Clock
from tests.support.eventually import eventually
from tests.support.timing import once_within, seconds

TOKEN = "a-service-token-for-tests"


def a_caller(account: str = "acc_1") -> Caller:
    return Caller(
        account_id=account,
        email="a@example.com",
        plan="free",
        kind="key",
        credential_id="key_1",
        scopes=frozenset({"full"}),
    )


@dataclass(slots=True)
class FakeAuth:
    """Stands where auth's internal port would: who is valid, how it fails, when it answers."""

    valid: dict[str, Caller] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    gate: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        digest = (await request.json())["digest"]
        self.asked.append(digest)
        found = self.valid.get(digest)
        if self.gate is not None:
            await self.gate.wait()
        if self.status != 200:
            return http.json({"error": "Internal error"}, status=self.status)
        if found is None:
            return http.json({"valid": False})
        return http.json({"valid": True, "caller": found.model_dump(mode="json")})


@dataclass(slots=True)
class Rig:
    auth: FakeAuth
    client: AuthClient
    clock: Clock
    stop: Callable[[], object]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Give a client with a clock of ours, and the auth it asks."""
    auth, clock = FakeAuth(), Clock()
    app = web.Application()
    app.router.add_post("/internal/verify", auth.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    taken = server.bind("127.0.0.1", 0)
    await web.SockSite(runner, taken).start()
    calls = InternalCalls(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN)
    yield Rig(auth, AuthClient(calls, clock=clock), clock, runner.cleanup)
    calls.close()
    await runner.cleanup()


async def test_r45_a_valid_answer_stands_for_30_seconds_at_most(rig: Rig) -> None:
    """R45: the bound of a revocation that nobody was told of."""
    rig.auth.valid["d"] = a_caller()
    assert await rig.client.check("d") == a_caller()
    del rig.auth.valid["d"]
    rig.clock.now += POSITIVE - 0.1
    assert await rig.client.check("d") == a_caller()
    rig.clock.now += 0.2
    assert await rig.client.check("d") is None
    assert len(rig.auth.asked) == 2
    assert POSITIVE <= 30


async def test_r45_the_30_seconds_count_from_the_question_not_from_its_answer(rig: Rig) -> None:
    """R45: auth read the key at some moment between the two; a revoke after it must not get the answer's way on top."""
    rig.auth.valid["d"] = a_caller()
    rig.auth.gate = asyncio.Event()
    asking = asyncio.create_task(rig.client.check("d"))
    await eventually(lambda: rig.auth.asked)
    del rig.auth.valid["d"]
    rig.clock.now += 20
    rig.auth.gate.set()
    assert await asking == a_caller()
    rig.clock.now += POSITIVE - 20 - 0.1
    assert rig.client.cached("d") == a_caller()
    rig.clock.now += 0.2
    assert rig.client.cached("d") is None


async def test_r45_a_revoke_on_the_bus_ends_a_key_at_once(rig: Rig) -> None:
    rig.auth.valid["d"] = a_caller()
    await rig.client.check("d")
    del rig.auth.valid["d"]
    event = KeyRevoked(digest="d", key_id="key_1")
    await rig.client.handlers[KeyRevoked](event, Delivery(envelope=Envelope.of(event), attempt=1, last=False))
    assert await rig.client.check("d") is None


async def test_r45_after_a_gap_on_the_bus_every_key_is_asked_again(rig: Rig) -> None:
    rig.auth.valid |= {"a": a_caller("acc_a"), "b": a_caller("acc_b")}
    await rig.client.check("a")
    await rig.client.check("b")
    del rig.auth.valid["a"]
    rig.client.flush()
    assert await rig.client.check("a") is None
    assert await rig.client.check("b") == a_caller("acc_b")


class Held(AuthClient):
    """Answers its own look-ups when the test says so, with what was true when they began."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(InternalCalls("http://unused", TOKEN), clock=clock)
        self.valid = True
        self.waiting: list[tuple[asyncio.Future[None], bool]] = []

    async def _ask(self, _question: bytes) -> Caller | None:
        self.calls += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        was_valid = self.valid
        self.waiting.append((future, was_valid))
        await future
        return a_caller() if was_valid else None

    def answer(self) -> None:
        if self.waiting:
            self.waiting.pop(0)[0].set_result(None)


STEPS = st.lists(st.sampled_from(["check", "answer", "revoke", "flush", "breathe"]), min_size=3, max_size=14)


@settings(max_examples=500, deadline=None)
@given(before=STEPS, after=STEPS)
def test_r46_a_revoke_is_never_overwritten_by_an_older_answer(before: list[str], after: list[str]) -> None:
    """R46: whatever the order, once the revoke was heard nobody who asks is told that the key is valid."""
    asyncio.run(interleave(before, after))


async def interleave(before: list[str], after: list[str]) -> None:
    client = Held(Clock())
    early: list[asyncio.Task[Caller | None]] = []
    late: list[asyncio.Task[Caller | None]] = []
    for step in before:
        await take(step, client, early)
    client.valid = False
    client.evict("d")
    for step in after:
        await take(step, client, late)
    while any(not task.done() for task in early + late):
        client.answer()
        await asyncio.sleep(0)
    results = [task.result() if task.exception() is None else task.exception() for task in late]
    assert all(result is None or isinstance(result, Unavailable) for result in results)
    assert client.cached("d") is None
    await asyncio.gather(*early, return_exceptions=True)


async def take(step: str, client: Held, checks: list[asyncio.Task[Caller | None]]) -> None:
    if step == "check":
        checks.append(asyncio.create_task(client.check("d")))
    elif step == "answer":
        client.answer()
    elif step == "revoke":
        client.evict("d")
    elif step == "flush":
        client.flush()
    await asyncio.sleep(0)


async def test_r47_a_thousand_at_once_with_a_cold_key_make_one_call(rig: Rig) -> None:
    """R47: and later ones none."""
    rig.auth.valid["d"] = a_caller()
    answers = await asyncio.gather(*(rig.client.check("d") for _ in range(1000)))
    assert set(answers) == {a_caller()}
    assert len(rig.auth.asked) == 1


async def test_r47_when_the_first_to_ask_goes_away_the_others_are_answered(rig: Rig) -> None:
    """R47: the look-up belongs to nobody."""
    rig.auth.valid["d"] = a_caller()
    rig.auth.gate = asyncio.Event()
    leader = asyncio.create_task(rig.client.check("d"))
    others = [asyncio.create_task(rig.client.check("d")) for _ in range(999)]
    await eventually(lambda: bool(rig.auth.asked), every=0.005)
    leader.cancel()
    rig.auth.gate.set()
    assert set(await asyncio.gather(*others)) == {a_caller()}
    assert len(rig.auth.asked) == 1
    assert leader.cancelled()


async def test_r48_a_wrong_checksum_is_refused_without_a_call(rig: Rig) -> None:
    """R48: nor does any other malformed header ask auth."""
    key = credentials.mint()
    typo = key[:-1] + ("A" if key[-1] != "A" else "B")
    for header in (f"Bearer {typo}", "Bearer inv_x", "Basic abc", "Bearer", "", f"Bearer  {key}"):
        request = make_mocked_request("GET", "/", headers={"Authorization": header})
        with pytest.raises(Unauthorized):
            await callers.authenticate(request, rig.client)
    with pytest.raises(Unauthorized):
        await callers.authenticate(make_mocked_request("GET", "/"), rig.client)
    assert rig.auth.asked == []


async def test_r48_invalid_keys_are_remembered_shortly_and_in_bounds(rig: Rig) -> None:
    """R48: a key made just after a miss works when that is forgotten; inventions push out no real key."""
    assert NEGATIVE <= 10
    assert await rig.client.check("d") is None
    rig.auth.valid["d"] = a_caller()
    assert await rig.client.check("d") is None
    assert len(rig.auth.asked) == 1
    rig.clock.now += NEGATIVE + 0.1
    assert await rig.client.check("d") == a_caller()

    for number in range(MAX_INVALID + 500):
        rig.client._remember(f"x{number}", None, rig.clock())
    assert len(rig.client._invalid) == MAX_INVALID == 10_000
    before = len(rig.auth.asked)
    assert await rig.client.check("d") == a_caller()
    assert len(rig.auth.asked) == before


async def test_r49_a_key_seen_valid_outlives_auth_by_300_seconds(rig: Rig) -> None:
    """R49: then it is 503 like an unknown one, never 401."""
    rig.auth.valid["d"] = a_caller()
    await rig.client.check("d")
    await rig.stop()  # type: ignore[misc]
    rig.clock.now += GRACE - 1
    assert await rig.client.check("d") == a_caller()
    rig.clock.now += 2
    with pytest.raises(Unavailable):
        await rig.client.check("d")


@pytest.mark.parametrize("status", [401, 500, 503])
async def test_r49_an_auth_that_answers_nonsense_is_an_auth_that_is_away(rig: Rig, status: int) -> None:
    """R49: a wrong service token must not log everybody out."""
    rig.auth.valid["d"] = a_caller()
    await rig.client.check("d")
    rig.auth.status = status
    rig.clock.now += POSITIVE + 1
    assert await rig.client.check("d") == a_caller()
    with pytest.raises(Unavailable):
        await rig.client.check("unknown")


async def test_r49_an_unknown_key_is_unavailable_within_a_second_when_auth_hangs(rig: Rig) -> None:
    """R49: with Retry-After, for all who wait."""
    rig.auth.gate = asyncio.Event()

    async def ask() -> None:
        results = await asyncio.gather(*(rig.client.check("d") for _ in range(10)), return_exceptions=True)
        assert all(isinstance(result, Unavailable) and result.retry_after for result in results)

    await once_within(1, lambda: seconds(ask))


async def test_r49_a_revoked_key_is_not_revived_while_auth_is_away(rig: Rig) -> None:
    """R49: what the bus ended stays ended, also when the revoke arrives during the failing look-up."""
    rig.auth.valid["d"] = a_caller()
    await rig.client.check("d")
    rig.auth.status = 500
    rig.client.evict("d")
    with pytest.raises(Unavailable):
        await rig.client.check("d")

    rig.auth.status = 200
    await rig.client.check("d")
    rig.clock.now += POSITIVE + 1
    rig.auth.status, rig.auth.gate, asked = 500, asyncio.Event(), len(rig.auth.asked)
    check = asyncio.create_task(rig.client.check("d"))
    await eventually(lambda: len(rig.auth.asked) > asked, every=0.005)
    rig.client.evict("d")
    rig.auth.gate.set()
    with pytest.raises(Unavailable):
        await check
