"""Whom an address means: the account it names, and the mailbox its mails are counted by. Pure functions."""

import unicodedata
from dataclasses import dataclass

from shared.errors import Invalid

#: Characters of an address that are read at all; RFC 5321 allows 254.
MAX_EMAIL = 320


class InvalidEmail(Invalid):
    """What was given is no address that mail could go to."""

    code = "invalid_email"
    message = "This is not a valid email address"


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
