"""Many actors at many logins, in any order: what must come of each step, and what must never happen (R89)."""

import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.auth.accounts import parse_address
from services.auth.logins import Client, Kind, Login, new_verifier
from services.auth.service.logins import Delivered
from shared import credentials
from shared.errors import AppError
from tests.support.login_world import World

T = TypeVar("T")

#: As the contract has them: written here again, so that a change of the service's own is seen.
CODE_LIFE, LOGIN_LIFE, LOGIN_MAX, TAKE_LIFE, TRIES, POLL = 600, 600, 1800, 300, 5, 1.5
#: The first two are one account.
ADDRESSES = ("anna@example.com", "ANNA@EXAMPLE.com", "bob@example.com", "anna+x@example.com")
#: One code shown on two screens would be a chance in 20⁸; a code that is guessed, one in 10⁶ and is looked out for.
WRONG_USER_CODES = ("", "BBBB-BBBB", "000000")
#: Which of many a step is about: see `pick`.
PICKS = st.integers(0, 31)


@dataclass(eq=False)
class Started:
    """A login as its starter and an observer of everything know it."""

    id: str
    kind: Kind
    verifier: str
    user_code: str
    at: float
    expires: float
    state: str = "pending"
    #: The account that a right code was given for, and how often something was delivered.
    account: str | None = None
    deliveries: int = 0
    polled: float = float("-inf")
    polled_really: float = 0.0

    def open(self, now: float) -> bool:
        return self.state == "pending" and now < self.expires

    def due(self, now: float) -> bool:
        """Whether something is there to be taken."""
        return self.state == "approved" and now < self.expires


@dataclass(eq=False)
class Mail:
    """A mail that somebody can read."""

    login: Started
    account: str
    code: str
    link: str
    at: float
    over: bool = False
    code_tries: int = 0
    link_tries: int = 0

    def live(self, now: float) -> bool:
        return not self.over and now - self.at < CODE_LIFE and self.login.open(now)


class LoginMachine(RuleBasedStateMachine):
    """Predicts the answer to every step from what was done before, and compares it with the service's."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.logins: list[Started] = []
        self.mails: list[Mail] = []

    def outcome(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Return what a call gives, or the name of its refusal."""
        self.world.pass_time()
        self.world.compared.clear()
        try:
            return self.world.run(call)
        except AppError as error:
            return type(error).__name__

    # most steps are about what can still come to something: of dead logins there is little to be learned

    def login(self, number: int) -> Started:
        alive = [login for login in self.logins if login.open(self.now) or login.due(self.now)]
        return pick(number, alive, self.logins)

    def mail(self, number: int) -> Mail:
        return pick(number, [mail for mail in self.mails if mail.live(self.now)], self.mails)

    def any_alive(self) -> bool:
        return any(login.open(self.now) or login.due(self.now) for login in self.logins)

    def any_mail(self) -> bool:
        return bool(self.mails)

    @initialize()
    def begin(self) -> None:
        self.world.begin()
        self.start("client")

    @precondition(lambda self: sum(login.open(self.now) for login in self.logins) < 3)
    @rule(kind=st.sampled_from(["client", "client", "browser"]))
    def start(self, kind: Kind) -> None:
        verifier = new_verifier()
        digest = credentials.digest(verifier)
        login: Login = self.outcome(self.world.service.start(kind, digest, Client(name="x"), ip="192.0.2.1"))
        self.logins.append(Started(login.id, kind, verifier, login.user_code, self.now, self.now + LOGIN_LIFE))

    @rule(number=PICKS, typed=st.sampled_from(ADDRESSES))
    def send(self, number: int, typed: str) -> None:
        login, address = self.login(number), parse_address(typed)
        sent = self.outcome(self.world.service.send_code(login.id, address, ip="192.0.2.1"))
        assert sent == (None if login.open(self.now) else "LoginOver")
        if sent is None:
            login.expires = min(login.at + LOGIN_MAX, max(login.expires, self.now + CODE_LIFE))
            for older in self.mails:
                older.over = older.over or older.login is login or older.account == address.account
            secrets = self.world.mailed[-1]
            self.mails.append(Mail(login, address.account, secrets.code, secrets.link, self.now))

    def try_code(self, login: Started, code: str) -> None:
        mail = next((mail for mail in self.mails if mail.login is login and mail.live(self.now)), None)
        tried = mail is not None and mail.code_tries < TRIES
        right = mail is not None and tried and code == mail.code
        answer = self.outcome(self.world.service.verify(login.id, code, ip="192.0.2.2"))
        assert len(self.world.compared) == (1 if tried else 0), "a code is compared five times at most, while it lives"
        assert answer == (None if right else "WrongCode")
        if mail is not None:
            mail.code_tries += tried
            if right:
                self.approve(mail)

    def approve(self, mail: Mail) -> None:
        mail.over, login = True, mail.login
        login.state, login.account = "approved", mail.account
        login.expires = max(login.expires, self.now + TAKE_LIFE)

    @precondition(any_mail)
    @rule(number=PICKS)
    def type_the_code(self, number: int) -> None:
        mail = self.mail(number)
        self.try_code(mail.login, mail.code)

    @precondition(any_mail)
    @rule(number=PICKS, other=PICKS)
    def type_the_code_elsewhere(self, number: int, other: int) -> None:
        self.try_code(self.login(number), self.mail(other).code)

    @rule(number=PICKS, first=st.integers(0, 999_999), times=st.integers(1, 6))
    def guess(self, number: int, first: int, times: int) -> None:
        login = self.login(number)
        for more in range(times if login.open(self.now) else 1):
            self.try_code(login, f"{(first + more) % 1_000_000:06d}")

    @precondition(any_mail)
    @rule(number=PICKS)
    def look(self, number: int) -> None:
        mail = self.mail(number)
        seen = self.outcome(self.world.service.get_by_link(mail.link))
        there = mail.live(self.now) and mail.link_tries < TRIES
        assert getattr(seen, "user_code", seen) == (mail.login.user_code if there else "LoginOver")

    @precondition(any_mail)
    @rule(number=PICKS)
    def press(self, number: int) -> None:
        mail = self.mail(number)
        self.try_link(mail, mail.login.user_code.lower())

    @precondition(any_mail)
    @rule(number=PICKS, other=PICKS)
    def press_with_a_user_code_from_elsewhere(self, number: int, other: int) -> None:
        self.try_link(self.mail(number), self.login(other).user_code)

    @precondition(any_mail)
    @rule(number=PICKS, typed=st.sampled_from(WRONG_USER_CODES), times=st.integers(1, 6))
    def press_with_a_wrong_user_code(self, number: int, typed: str, times: int) -> None:
        mail = self.mail(number)
        for _ in range(times if mail.live(self.now) else 1):
            self.try_link(mail, typed)

    def try_link(self, mail: Mail, typed: str) -> None:
        tried = mail.live(self.now) and mail.link_tries < TRIES
        right = tried and typed.upper() == mail.login.user_code
        answer = self.outcome(self.world.service.approve_by_link(mail.link, typed, ip="192.0.2.3"))
        assert len(self.world.compared) == (1 if tried else 0), "a link has five tries, while it lives"
        refusal = "WrongUserCode" if tried else "LoginOver"
        assert getattr(answer, "id", answer) == (mail.login.id if right else refusal)
        mail.link_tries += tried
        if right:
            self.approve(mail)

    @precondition(any_mail)
    @rule(number=PICKS, here=st.booleans())
    def deny(self, number: int, *, here: bool) -> None:
        mail = self.mail(number)
        login = mail.login
        if here:
            answer = self.outcome(self.world.service.deny_here(login.id, ip="192.0.2.4"))
            may = login.kind == "client" and login.open(self.now)
        else:
            answer = self.outcome(self.world.service.deny(mail.link, ip="192.0.2.4"))
            may = mail.live(self.now)
        assert answer == (None if may else "LoginOver")
        if may:
            login.state = "denied"

    @rule(number=PICKS)
    def poll(self, number: int) -> None:
        login = self.login(number)
        really, hurried = time.monotonic(), self.now - login.polled < POLL
        answer = self.outcome(self.world.service.poll(login.id, login.verifier, ip="192.0.2.1"))
        if login.kind == "browser":
            assert answer == "LoginNotFound"
        elif login.due(self.now):
            assert isinstance(answer, Delivered)
            assert answer.email == login.account
            login.state = "delivered"
            login.deliveries += 1
        elif not login.open(self.now):
            assert answer == "LoginOver"
        elif answer is None:
            # the real clock runs on as well
            assert not hurried or time.monotonic() - login.polled_really > 1
            login.polled, login.polled_really = self.now, really
        else:
            assert answer == "SlowDown"
            assert hurried

    @rule(number=PICKS, other=PICKS)
    def poll_with_anothers_verifier(self, number: int, other: int) -> None:
        login, thief = self.login(number), pick(other, [], self.logins)
        if login is not thief:
            answer = self.outcome(self.world.service.poll(login.id, thief.verifier, ip="192.0.2.5"))
            assert answer == "LoginNotFound"

    @rule(number=PICKS, other=PICKS, own=st.booleans())
    def enter(self, number: int, other: int, *, own: bool) -> None:
        login = self.login(number)
        who = login if own else pick(other, [], self.logins)
        cookie = self.outcome(self.world.service.enter(login.id, who.verifier, ip="192.0.2.1", client="", old=None))
        assert (cookie is not None) == (login.kind == "browser" and login.due(self.now) and who is login)
        if cookie is not None:
            login.state = "delivered"
            login.deliveries += 1

    # each is seconds longer than the steps of a machine take, and apart from what it could reach
    @precondition(any_alive)
    @rule(seconds=st.sampled_from([5, 30, 60]))
    def tick(self, seconds: int) -> None:
        self.wait(seconds)

    @precondition(any_alive)
    @rule(seconds=st.sampled_from([300, 570]))
    def tick_long(self, seconds: int) -> None:
        self.wait(seconds)

    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.world.waiting += seconds

    @invariant()
    def what_must_never_happen(self) -> None:
        for login in self.logins:
            assert login.deliveries <= 1
            assert not login.deliveries or login.account is not None
        for mail in self.mails:
            assert mail.code_tries <= TRIES
            assert mail.link_tries <= TRIES


def pick(number: int, preferred: Sequence[T], everything: Sequence[T]) -> T:
    """Return one of those that are preferred, where there are any; one time in four any one."""
    among = preferred if preferred and number % 4 else everything
    return among[number // 4 % len(among)]
