"""What a login is: its states and times, codes and links, and how often a code may be mailed. Pure functions."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from shared.errors import BadRequest, Gone, NotFound, RateLimited
from shared.ids import random_base62
from shared.parsing import visible

Kind = Literal["client", "browser"]
State = Literal["pending", "approved", "denied", "delivered"]

#: A code's life, and a login's without one; asking for a code prolongs the login, up to `LOGIN_MAX` in all.
CODE_LIFE: Final = timedelta(minutes=10)
LOGIN_LIFE: Final = timedelta(minutes=10)
LOGIN_MAX: Final = timedelta(minutes=30)

#: An approval comes in time when its code did: from then on the client or browser has this long to take what it is for.
TAKE_LIFE: Final = timedelta(minutes=5)

#: Tries per code, and per link, by whomever (R55).
TRIES: Final = 5
#: Mails per mailbox, as number and window (R60).
MAIL_LIMITS: Final = ((3, timedelta(minutes=15)), (10, timedelta(days=1)))
MAIL_WINDOW: Final = MAIL_LIMITS[-1][1]

#: Seconds between polls that are asked for, and what counts as too fast: a network delivers none evenly.
POLL_INTERVAL: Final = 2
POLL_MINIMUM: Final = timedelta(seconds=1.5)

#: No vowels, so that no word appears, and nothing that looks like a digit (RFC 8628, 6.1).
USER_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"

#: Characters of a client's host that people are shown: what it says of itself stands in our mails.
HOST_SHOWN: Final = 40
NAMELESS: Final = "A program without a name"
#: Mail programs make links of what has these in it.
_LINKING: Final = re.compile(r"[:/\\@]+")


class LoginNotFound(NotFound):
    """No login has this id, or not with this verifier: nobody is told which (R58)."""

    code = "login_not_found"
    message = "Login not found"
    hint = "Start again with POST /auth/session."


class LoginOver(Gone):
    """The login was finished, refused, or took too long."""

    code = "login_over"
    message = "This login is over"
    hint = (
        "Start again with POST /auth/session. A key is delivered once: one whose delivery got lost is listed in the"
        " dashboard, to be revoked there."
    )


class SlowDown(RateLimited):
    """Polled faster than the interval."""

    code = "slow_down"
    retry_after = float(POLL_INTERVAL)
    hint = "Wait poll_interval seconds between two requests."


class WrongCode(BadRequest):
    """Whatever is wrong with a code: nobody is told what."""

    code = "invalid_code"
    message = "Invalid or expired code"
    hint = "Ask for a new code if this one is older than ten minutes or was tried five times."


class WrongUserCode(WrongCode):
    """What was typed on the link's page is not what the other screen shows (R57)."""

    message = "This is not the code that the other screen shows"
    hint = "It has eight letters, such as BCDF-GHJK, and stands where the login was started."


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who says to be starting a login. Nobody vouches for any of it: `of` makes it fit to be shown."""

    name: str
    version: str = ""
    host: str = ""

    @classmethod
    def of(cls, name: str, version: str = "", host: str = "") -> "Client":
        """Return a client without anything that hides, turns round or links text."""
        return cls(name=_shown(name) or NAMELESS, version=_shown(version), host=_shown(host))

    @property
    def title(self) -> str:
        """Return it as a person reads it: `invoker 1.0 on laptop`."""
        named = f"{self.name} {self.version}".strip()
        host = self.host if len(self.host) <= HOST_SHOWN else f"{self.host[: HOST_SHOWN - 1]}…"
        return f"{named} on {host}" if host else named


def _shown(text: str) -> str:
    """Return text as a person sees it, without what mail programs make links of."""
    return visible(_LINKING.sub(" ", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login as the pages show it."""

    id: str
    kind: Kind
    state: State
    verifier_digest: str
    user_code: str
    client: Client
    ip: str
    email: str | None
    created_at: datetime
    expires_at: datetime
    expired: bool

    @property
    def open(self) -> bool:
        """Whether it can still be approved."""
        return self.state == "pending" and not self.expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that was just tried, and what it is compared with."""

    id: int
    login_id: str
    email: str
    salt: bytes
    code_digest: str
    #: Of its login: who started that, and what its screen shows.
    client: Client
    user_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """The secrets of one mail; only their digests are stored."""

    code: str = field(repr=False)
    link: str = field(repr=False)
    salt: bytes = field(repr=False)


def new_code() -> NewCode:
    """Draw six digits and a link token of 256 bits (R56)."""
    return NewCode(
        code=f"{secrets.randbelow(1_000_000):06d}", link=f"lnk_{random_base62(43)}", salt=secrets.token_bytes(16)
    )


def code_digest(salt: bytes, code: str) -> str:
    """Return what is stored of a code. The salt keeps one table of a million digests from opening all rows."""
    return hashlib.sha256(salt + code.encode()).hexdigest()


def matches(stored: Code, code: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(stored.code_digest, code_digest(stored.salt, code))


def plain_code(text: str) -> str | None:
    """Return the six digits of what was typed or pasted, None when there are none."""
    digits = "".join(text.split()).replace("-", "")
    return digits if len(digits) == 6 and digits.isascii() and digits.isdigit() else None


def new_user_code() -> str:
    """Draw a code to be compared and typed by eye: `BCDF-GHJK`."""
    letters = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def same_user_code(shown: str, typed: str) -> bool:
    """Compare without regard to case, spaces and dashes."""
    letters = "".join(letter for letter in typed.upper() if letter.isalnum())
    return hmac.compare_digest(shown.replace("-", "").encode(), letters.encode())


def new_verifier() -> str:
    """Draw what a browser keeps, as a client does: 32 bytes in base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def wait_for_mail(ages: Sequence[timedelta]) -> timedelta:
    """Return how long a mailbox has to wait for its next mail; `ages` are its last mails', newest first."""
    waits = [window - ages[count - 1] for count, window in MAIL_LIMITS if len(ages) >= count]
    return max([*waits, timedelta(0)])
