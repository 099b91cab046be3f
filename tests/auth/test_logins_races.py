"""Two hundred at once: codes, links and deliveries are spent once, and guesses are counted one by one."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.auth import logins
from shared.events import KeyCreatedMail
from tests.support.auth import Auth, Started, an_address, gathered, link_path, running_auth
from tests.support.client import Answer
from tests.support.eventually import eventually


@pytest.fixture
async def proxied(database_url: str) -> AsyncIterator[Auth]:
    """Give the service behind one proxy of ours: a caller's address is what that says."""
    async with running_auth(database_url, trusted_proxies=1) as running:
        yield running


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give a list of what is compared with a code or user code from here on."""
    seen: list[str] = []

    def counting(compare: Callable[..., bool]) -> Callable[..., bool]:
        def count(stored: object, typed: str) -> bool:
            seen.append(typed)
            return compare(stored, typed)

        return count

    for name in ("matches", "same_user_code"):
        monkeypatch.setattr(logins, name, counting(getattr(logins, name)))
    return seen


def from_everywhere(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"198.51.{number % 100}.{number}"}


async def test_r55_of_200_right_codes_at_once_one_succeeds(auth: Auth) -> None:
    """R55: the code is spent by one conditional UPDATE, and nothing of the 199 is in the trail as a success."""
    email, login = an_address(), await auth.start()
    await auth.send_code(login, email)
    code = (await auth.mail(email)).code
    answers = await gathered([auth.verify(login, code) for _ in range(200)])
    assert sorted(answer.status for answer in answers) == [200] + [400] * 199
    assert await auth.db.fetchval("SELECT count(*) FROM audit WHERE action = 'login.succeeded'") == 1


async def test_r55_of_200_right_links_at_once_one_succeeds(auth: Auth) -> None:
    """R55: the same for the link's page."""
    email, login = an_address(), await auth.start()
    await auth.send_code(login, email)
    path = link_path(await auth.mail(email))
    answers = await gathered([auth.browser().post(path, {"user_code": login.user_code}) for _ in range(200)])
    assert sorted(answer.status for answer in answers) == [200] + [410] * 199


async def test_r55_code_and_link_at_once_approve_once(auth: Auth) -> None:
    """R55: they are one mail, spent together."""
    email, login = an_address(), await auth.start()
    await auth.send_code(login, email)
    mail = await auth.mail(email)
    by_code = [auth.verify(login, mail.code) for _ in range(3)]
    by_link = [auth.browser().post(link_path(mail), {"user_code": login.user_code}) for _ in range(3)]
    answers = await gathered([*by_code, *by_link])
    assert [answer.status for answer in answers].count(200) == 1


async def test_r55_of_200_wrong_codes_at_once_five_are_compared(proxied: Auth, compared: list[str]) -> None:
    """R55: over four logins for one address and 200 networks; four of the codes are void by then. No limits here."""
    email, started = an_address(), [await proxied.start() for _ in range(4)]
    for login in started:
        assert (await proxied.send_code(login, email)).status == 202
    right = (await proxied.mail(email, 4)).code
    wrong = [f"{(int(right) + 1 + n) % 1_000_000:06d}" for n in range(200)]
    answers = await gathered([guess(proxied, started[n % 4], code, n) for n, code in enumerate(wrong)])
    assert {(answer.status, answer.json["error"]) for answer in answers} == {(400, "Invalid or expired code")}
    assert len(compared) == 5
    assert await proxied.db.fetchval("SELECT sum(code_tries) FROM login_codes") == 5
    assert (await proxied.verify(started[-1], right)).status == 400, "locked for the right one too"
    assert await proxied.db.fetchval("SELECT count(*) FROM audit WHERE action = 'login.failed'") == 5


async def guess(auth: Auth, login: Started, code: str, number: int) -> Answer:
    body = {"session_id": login.session_id, "code": code}
    return await auth.call("POST", "/auth/verify", json=body, headers=from_everywhere(number))


async def test_r55_of_200_wrong_user_codes_at_once_five_are_compared(proxied: Auth, compared: list[str]) -> None:
    """R55: whoever has the link has five tries at what the other screen shows; then the link is over."""
    email, login = an_address(), await proxied.start()
    await proxied.send_code(login, email)
    path = link_path(await proxied.mail(email))
    wrong = [logins.new_user_code() for _ in range(200)]
    answers = await gathered(
        [proxied.browser().post(path, {"user_code": code}, **from_everywhere(n)) for n, code in enumerate(wrong)]
    )
    assert {answer.status for answer in answers} <= {400, 410}
    assert len(compared) == 5
    assert (await proxied.browser().post(path, {"user_code": login.user_code})).status == 410
    assert (await proxied.poll(login)).status == 202
    failed = await proxied.db.fetch("SELECT ip FROM audit WHERE action = 'login.failed'")
    assert len({row["ip"] for row in failed}) == 5


async def test_a_link_says_what_was_wrong_until_its_tries_are_used_up(auth: Auth) -> None:
    email, guesser = an_address(), auth.browser()
    login = await auth.start()
    await auth.send_code(login, email)
    path = link_path(await auth.mail(email))
    statuses = [(await guesser.post(path, {"user_code": "BBBB-BBBB"})).status for _ in range(6)]
    assert statuses[:4] == [400] * 4
    assert statuses[4:] == [410, 410]
    assert (await guesser.get(path)).status == 410


async def test_r58_of_200_polls_at_once_one_gets_the_key(auth: Auth) -> None:
    """R58: the delivery is taken by one conditional UPDATE, and one key is made in its transaction."""
    email, login = an_address(), await auth.start()
    await auth.send_code(login, email)
    await auth.verify(login, (await auth.mail(email)).code)
    answers = await gathered([auth.poll(login) for _ in range(200)])
    assert sorted(answer.status for answer in answers) == [200] + [410] * 199
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 1
    await eventually(lambda: len(auth.bus.events(KeyCreatedMail)) == 1)
    assert "revoked there" in answers[-1].json["hint"] or "revoked there" in answers[0].json["hint"]


async def test_r55_two_codes_asked_for_at_once_leave_one_that_works(auth: Auth) -> None:
    """R56: ten logins ask for codes to one address at the same time; the mailbox's lock puts them in order."""
    email, started = an_address(), [await auth.start() for _ in range(10)]
    assert {answer.status for answer in await gathered([auth.send_code(login, email) for login in started])} == {202}
    live = "SELECT count(*) FROM login_codes WHERE voided_at IS NULL AND used_at IS NULL"
    assert await auth.db.fetchval(live) == 1
