"""Nobody learns from an answer or its time which addresses have accounts, nor which logins exist."""

import random
import secrets
import time
from collections.abc import Awaitable, Callable

import pytest

from shared import credentials
from tests.support.auth import Auth, an_address
from tests.support.client import Answer
from tests.support.samples import alike, ks_p

#: Calls of each kind, and those in front that find caches cold.
CALLS = 500
WARM = 20

Measured = dict[str, list[float]]
Call = Callable[[str], Awaitable[Answer]]


async def measured(kinds: tuple[str, str], call: Call) -> tuple[Measured, set[tuple[int, str, str]]]:
    """Make calls of two kinds, in turns of random order; return the seconds each took, and the distinct answers."""
    seconds: Measured = {kind: [] for kind in kinds}
    answers = set()
    for number in range(WARM + CALLS):
        for kind in random.sample(kinds, 2):
            began = time.perf_counter()
            answer = await call(kind)
            if number >= WARM:
                seconds[kind].append(time.perf_counter() - began)
            headers = sorted(
                (name, value) for name, value in answer.headers.items() if name not in {"X-Request-ID", "Date"}
            )
            body = answer.text.replace(answer.headers["X-Request-ID"], "")
            answers.add((answer.status, str(headers), body))
    return seconds, answers


async def assert_alike(kinds: tuple[str, str], call: Call) -> set[tuple[int, str, str]]:
    """Measure once, and once more when that tells the kinds apart: a busy machine can do so one time in a hundred."""
    seconds, answers = await measured(kinds, call)
    if not alike(*seconds.values(), within=0.005):
        seconds, more = await measured(kinds, call)
        answers |= more
        assert alike(*seconds.values(), within=0.005), ks_p(*seconds.values())
    return answers


async def many_logins(auth: Auth, number: int) -> list[str]:
    """Start logins past the API: they are not what is measured."""
    ids = [f"ls_{secrets.token_hex(10)}" for _ in range(number)]
    await auth.db.executemany(
        "INSERT INTO logins (id, kind, verifier_digest, user_code, client_name, client_version, client_host, ip,"
        " expires_at) VALUES ($1, 'client', $2, 'BBBB-BBBB', 'x', '', '', '', now() + interval '10 minutes')",
        [(login_id, credentials.digest("v" * 43)) for login_id in ids],
    )
    return ids


@pytest.mark.alone
async def test_r59_known_and_unknown_addresses_get_the_same_answer_in_the_same_time(auth: Auth) -> None:
    """R59: n = 500 each, interleaved; medians within 5 ms, no rejection at p = 0.01. The known ones have logged in."""
    size = 2 * (WARM + CALLS)
    known, unknown = ([an_address("same") for _ in range(size)] for _ in range(2))
    rows = [(f"acc_{number:016}", email) for number, email in enumerate(known)]
    await auth.db.executemany("INSERT INTO accounts (id, email) VALUES ($1, $2)", rows)
    logins, waiting = await many_logins(auth, 4 * size), {"known": iter(known), "unknown": iter(unknown)}
    await auth.db.executemany(
        "INSERT INTO login_codes (login_id, email, salt, code_digest, link_digest, expires_at, used_at)"
        " VALUES ($1, $2, '', '', $1, now(), now())",
        list(zip(logins, known, strict=False)),
    )
    left = iter(logins[size:])

    async def ask(kind: str) -> Answer:
        body = {"session_id": next(left), "email": next(waiting[kind])}
        return await auth.call("POST", "/auth/otp", json=body)

    answers = await assert_alike(("known", "unknown"), ask)
    assert [status for status, _, _ in answers] == [202]


@pytest.mark.alone
async def test_r58_an_unknown_login_and_a_wrong_verifier_look_and_take_the_same(auth: Auth) -> None:
    """R58: whoever stole a login's id learns not even that it exists."""
    logins = {"stolen": await many_logins(auth, 50), "unknown": [f"ls_{secrets.token_hex(10)}" for _ in range(50)]}

    async def poll(kind: str) -> Answer:
        body = {"session_id": random.choice(logins[kind]), "verifier": "w" * 43}
        return await auth.call("POST", "/auth/token", json=body)

    answers = await assert_alike(("stolen", "unknown"), poll)
    assert [status for status, _, _ in answers] == [404]


@pytest.mark.parametrize("shift,same", [(0.0, True), (0.3, False)])
def test_the_test_tells_apart_what_differs(shift: float, *, same: bool) -> None:
    drawn = random.Random(59)
    one, other = ([drawn.gauss(1 + by, 0.5) for _ in range(CALLS)] for by in (0, shift))
    assert (ks_p(one, other) >= 0.01) is same
    assert alike(one, [value + 0.1 for value in one], within=0.01) is False


def test_the_test_agrees_with_a_table() -> None:
    """The critical distance at 0.01 for 500 and 500 is 1.628 · √(2/500) = 0.103."""
    one = [float(n) for n in range(500)]
    assert ks_p(one, one) == 1.0
    assert ks_p(one, [value + 49.5 for value in one]) > 0.01
    assert ks_p(one, [value + 53.5 for value in one]) < 0.01
