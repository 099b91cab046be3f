"""Whom an address means, how an account gets another one, and when a deleted account is gone. Pure functions."""

import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from services.auth.logins import WrongCode, code_digest
from shared.errors import Conflict, Invalid
from shared.http import timestamp

#: Characters of an address that are read at all; RFC 5321 allows 254.
MAX_EMAIL: Final = 320
#: For how long a login brings a deleted account back; then its rows go.
RESTORE: Final = timedelta(days=7)
#: Life of the two codes of a change of address, and how often they may be tried.
CHANGE_LIFE: Final = timedelta(minutes=30)
CHANGE_TRIES: Final = 5


class InvalidEmail(Invalid):
    """What was given is no address that mail could go to."""

    code = "invalid_email"
    message = "This is not a valid email address"


class SameEmail(Invalid):
    """The account has this address already."""

    code = "same_email"
    message = "This is the address that the account has"


class EmailTaken(Conflict):
    """The new address, whose mailbox was proven, has an account of its own."""

    code = "email_taken"
    message = "This address has an account of its own"
    hint = "Log in with it and delete that account, or choose another address."


class WrongCodes(WrongCode):
    """Whatever is wrong with the two codes: nobody is told what."""

    hint = "Both mails' codes are needed. Ask again if they are older than half an hour or were tried five times."


class NotConfirmed(Invalid):
    """What was typed is not the address of the account that is to be deleted."""

    code = "not_confirmed"
    message = "confirm: must be the account's address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom keys and sites belong to."""

    id: str
    email: str
    plan: str
    #: Counts its changes.
    revision: int
    created_at: datetime
    deleted_at: datetime | None
    #: It was deleted so long ago that it does not come back.
    over: bool

    def to_json(self) -> dict[str, Any]:
        """Return what an export says of it."""
        return {"id": self.id, "email": self.email, "plan": self.plan, "created_at": timestamp(self.created_at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An email address in its three readings."""

    #: As it was typed, in its normal form: where the mail goes.
    to: str
    #: The account: the same without regard to case. Never two addresses that could be two people's.
    account: str
    #: What mail limits count: the account without its +tag.
    mailbox: str


def parse_address(text: str) -> Address:
    """Read an address, in any script; no DNS is asked. Raise InvalidEmail."""
    # for the first login, not for every start: its tables take as long to read as aiohttp's parser
    from email_validator import EmailNotValidError, validate_email

    try:
        # "test environment" means that names under .test, which exist nowhere, count as well
        to = validate_email(text.strip(), check_deliverability=False, test_environment=True, strict=True).normalized
    except EmailNotValidError as error:
        raise InvalidEmail(hint=str(error)) from None
    local, _, domain = to.rpartition("@")
    # not casefold: it makes fass.de of faß.de, which is somebody else's; the domain has its one form already
    local = unicodedata.normalize("NFC", local.lower())
    return Address(to=to, account=f"{local}@{domain}", mailbox=f"{_untagged(local)}@{domain}")


def _untagged(local: str) -> str:
    """Return the local part of the mailbox: folded further than an account's, for here it only costs a wait."""
    return unicodedata.normalize("NFC", (local.partition("+")[0] or local).casefold())


def masked(email: str) -> str:
    """Return enough of an address to recognise one's own: `a•••@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def is_address(typed: str, account: str) -> bool:
    """Tell whether what somebody typed means the account with this address."""
    try:
        return parse_address(typed).account == account
    except InvalidEmail:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCodes:
    """The secrets of a change of address: one to each mailbox. Only their digests are stored."""

    current: str = field(repr=False)
    new: str = field(repr=False)
    salt: bytes = field(repr=False)


def new_codes() -> NewCodes:
    """Draw two different codes, so that none can stand for the other."""
    current = secrets.randbelow(1_000_000)
    new = (current + 1 + secrets.randbelow(999_999)) % 1_000_000
    return NewCodes(current=f"{current:06d}", new=f"{new:06d}", salt=secrets.token_bytes(16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of address that was just tried, and what its codes are compared with."""

    id: int
    email: str
    salt: bytes
    current_digest: str
    new_digest: str

    def matches(self, current: str, new: str) -> bool:
        """Compare both codes in constant time."""
        first = hmac.compare_digest(self.current_digest, code_digest(self.salt, current))
        second = hmac.compare_digest(self.new_digest, code_digest(self.salt, new))
        return first and second
