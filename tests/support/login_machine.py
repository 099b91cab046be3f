"""Many actors at many logins, in any order: what must come of each step, and what must never happen (R89)."""

import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from services.auth.accounts import parse_address
from services.auth.logins import Client, Kind, Login, new_verifier
from services.auth.service.logins import Delivered
from shared import credentials
from shared.errors import AppError
from tests.support.login_world import World

#: As the contract has them: written here again, so that a change of the service's own is seen.
CODE_LIFE, LOGIN_LIFE, LOGIN_MAX, TAKE_LIFE, TRIES, POLL = 600, 600, 1800, 300, 5, 1.5
#: The first two are one account.
ADDRESSES = ("anna@example.com", "ANNA@EXAMPLE.com", "bob@example.com", "anna+x@example.com")
#: One code shown on two screens would be a chance in 20⁸; a code that is guessed, one in 10⁶ and is looked out for.
WRONG_USER_CODES = ("", "BBBB-BBBB", "000000")


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
    started = Bundle("started")
    mails = Bundle("mails")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.all_logins: list[Started] = []
        self.all_mails: list[Mail] = []

    def outcome(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Return what a call gives, or the name of its refusal."""
        self.world.compared.clear()
        try:
            return self.world.run(call)
        except AppError as error:
            return type(error).__name__

    @initialize()
    def begin(self) -> None:
        self.world.begin()

    @rule(target=started, kind=st.sampled_from(["client", "client", "browser"]))
    def start(self, kind: Kind) -> Started:
        verifier = new_verifier()
        digest = credentials.digest(verifier)
        login: Login = self.outcome(self.world.service.start(kind, digest, Client(name="x"), ip="192.0.2.1"))
        made = Started(login.id, kind, verifier, login.user_code, self.now, self.now + LOGIN_LIFE)
        self.all_logins.append(made)
        return made

    @rule(target=mails, login=started, typed=st.sampled_from(ADDRESSES))
    def send(self, login: Started, typed: str) -> Mail:
        address = parse_address(typed)
        sent = self.outcome(self.world.service.send_code(login.id, address, ip="192.0.2.1"))
        assert sent == (None if login.open(self.now) else "LoginOver")
        mail = Mail(login, address.account, "", "lnk_none", self.now, over=sent is not None)
        if sent is None:
            login.expires = min(login.at + LOGIN_MAX, max(login.expires, self.now + CODE_LIFE))
            for older in self.all_mails:
                older.over = older.over or older.login is login or older.account == address.account
            secrets = self.world.mailed[-1]
            mail.code, mail.link = secrets.code, secrets.link
        self.all_mails.append(mail)
        return mail

    def try_code(self, login: Started, code: str) -> None:
        mail = next((mail for mail in self.all_mails if mail.login is login and mail.live(self.now)), None)
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

    @rule(login=started, mail=mails)
    def type_any_mails_code(self, login: Started, mail: Mail) -> None:
        self.try_code(login, mail.code or "000000")

    @rule(mail=mails)
    def type_the_code(self, mail: Mail) -> None:
        self.try_code(mail.login, mail.code or "000000")

    @rule(login=started, first=st.integers(0, 999_999), times=st.integers(1, 6))
    def guess(self, login: Started, first: int, times: int) -> None:
        for number in range(times):
            self.try_code(login, f"{(first + number) % 1_000_000:06d}")

    @rule(mail=mails)
    def look(self, mail: Mail) -> None:
        seen = self.outcome(self.world.service.get_by_link(mail.link))
        if mail.live(self.now) and mail.link_tries < TRIES:
            assert seen.user_code == mail.login.user_code
        else:
            assert seen == "LoginOver"

    @rule(mail=mails, typed=st.sampled_from(WRONG_USER_CODES), times=st.integers(1, 6))
    def press_with_a_wrong_user_code(self, mail: Mail, typed: str, times: int) -> None:
        for _ in range(times):
            self.press(mail, typed)

    @rule(mail=mails, login=started)
    def press_with_a_user_code(self, mail: Mail, login: Started) -> None:
        self.press(mail, login.user_code)

    @rule(mail=mails)
    def press_with_the_user_code(self, mail: Mail) -> None:
        self.press(mail, mail.login.user_code.lower())

    def press(self, mail: Mail, typed: str) -> None:
        tried = mail.live(self.now) and mail.link_tries < TRIES
        right = tried and typed.upper() == mail.login.user_code
        answer = self.outcome(self.world.service.approve_by_link(mail.link, typed, ip="192.0.2.3"))
        assert len(self.world.compared) == (1 if tried else 0), "a link has five tries, while it lives"
        assert getattr(answer, "id", answer) == (mail.login.id if right else "WrongUserCode" if tried else "LoginOver")
        mail.link_tries += tried
        if right:
            self.approve(mail)

    @rule(mail=mails)
    def deny(self, mail: Mail) -> None:
        answer = self.outcome(self.world.service.deny(mail.link, ip="192.0.2.4"))
        self.denied(mail.login, answer, may=mail.live(self.now))

    @rule(login=started)
    def deny_here(self, login: Started) -> None:
        answer = self.outcome(self.world.service.deny_here(login.id, ip="192.0.2.4"))
        self.denied(login, answer, may=login.kind == "client" and login.open(self.now))

    def denied(self, login: Started, answer: object, *, may: bool) -> None:
        assert answer == (None if may else "LoginOver")
        if may:
            login.state = "denied"

    @rule(login=started)
    def poll(self, login: Started) -> None:
        really, hurried = time.monotonic(), self.now - login.polled < POLL
        answer = self.outcome(self.world.service.poll(login.id, login.verifier, ip="192.0.2.1"))
        if login.kind == "browser":
            assert answer == "LoginNotFound"
        elif login.state == "approved" and self.now < login.expires:
            assert isinstance(answer, Delivered)
            assert answer.email == login.account
            login.state = "delivered"
            login.deliveries += 1
        elif login.state in {"denied", "delivered"} or self.now >= login.expires:
            assert answer == "LoginOver"
        elif answer is None:
            # the real clock runs on as well
            assert not hurried or time.monotonic() - login.polled_really > 1
            login.polled, login.polled_really = self.now, really
        else:
            assert answer == "SlowDown"
            assert hurried

    @rule(login=started, other=started)
    def poll_with_anothers_verifier(self, login: Started, other: Started) -> None:
        if login is not other:
            answer = self.outcome(self.world.service.poll(login.id, other.verifier, ip="192.0.2.5"))
            assert answer == "LoginNotFound"

    @rule(login=started, other=started)
    def enter(self, login: Started, other: Started) -> None:
        entering = self.world.service.enter(login.id, other.verifier, ip="192.0.2.1", client="", old=None)
        cookie = self.outcome(entering)
        due = login.kind == "browser" and login.state == "approved" and self.now < login.expires
        assert (cookie is not None) == (due and login is other)
        if cookie is not None:
            login.state = "delivered"
            login.deliveries += 1

    # a step of time is seconds longer than any run of a machine's steps, and apart from what it could reach
    @rule(seconds=st.sampled_from([5, 30, 60, 300, 570, 600]))
    def tick(self, seconds: int) -> None:
        self.now += seconds
        self.world.pass_time(seconds)

    @invariant()
    def what_must_never_happen(self) -> None:
        for login in self.all_logins:
            assert login.deliveries <= 1
            assert not login.deliveries or login.account is not None
        for mail in self.all_mails:
            assert mail.code_tries <= TRIES
            assert mail.link_tries <= TRIES
