"""Who is mailed what visitors send: states of an address, the links that it gets, and what cannot be done to one."""

import base64
import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from shared import ids
from shared.errors import Conflict, Invalid, NotFound, RateLimited

#: Beside the account's own.
MAX_RECIPIENTS: Final = 10
#: Mails a day that ask an address whether it wants them: of one site, of one account, and of all (R60: nobody is
#: flooded with them, however many sites and accounts ask).
ASKS_OF_SITE: Final = 3
ASKS_OF_ACCOUNT: Final = 20
ASKS_OF_ADDRESS: Final = 10

State = Literal["active", "unconfirmed", "unsubscribed", "suppressed"]
Purpose = Literal["confirm", "unsubscribe"]

#: Sets what is signed here apart from all else that the same secret may sign.
_CONTEXT: Final = b"invoker.recipients.v1\0"


class RecipientNotFound(NotFound):
    """The site has no such recipient."""

    code = "recipient_not_found"
    message = "Recipient not found"


class LinkNotValid(NotFound):
    """A mail's link is not one of ours, or not any more."""

    code = "link_not_valid"
    message = "This link is not valid any more"


class RecipientLimitReached(Conflict):
    """The site has as many recipients as it may have."""

    code = "recipient_limit_reached"
    message = f"A site has {MAX_RECIPIENTS} recipients at most"
    hint = "Remove one that is not needed any more."


class OwnAddress(Conflict):
    """It was asked of the account's own address."""

    code = "own_address"
    message = "This is the account's own address"
    hint = "It is not removed and needs no confirmation. The setting notify_email switches all mails of the site off."


class NotUnsubscribed(Conflict):
    """Only the account's own address, once it has unsubscribed, can be subscribed again by its owner."""

    code = "not_unsubscribed"
    message = "Only the account's own address, when it is unsubscribed, is subscribed again like this"
    hint = "Another address says yes by itself: send it the mail with the link again (…/confirm)."


class NotSuppressed(Conflict):
    """Mails go to this address."""

    code = "not_suppressed"
    message = "This address is not suppressed"


class Complained(Conflict):
    """Whoever reads the address called a mail unwanted, and has never said yes to this site's."""

    code = "complained"
    message = "Whoever reads this address has called a mail unwanted"
    hint = "Mails are not forced on anybody. Ask them to write to whoever runs this system."


class NoAddress(Invalid):
    """What was given is no address that mail could go to."""

    code = "invalid_email"
    message = "email: must be one address such as ada@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Why an address gets no mails."""

    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One address of a site."""

    id: str
    deployment_id: str
    slug: str
    email: str
    #: The account's own address.
    owner: bool
    created_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None
    suppressed: Suppression | None = None

    @property
    def state(self) -> State:
        """Whether mails go there, and if not, why."""
        if self.unsubscribed_at is not None:
            return "unsubscribed"
        if self.suppressed is not None:
            return "suppressed"
        return "active" if self.confirmed_at is not None else "unconfirmed"


def address(text: str) -> str:
    """Return an address in the one form that it is kept and compared in. Raise NoAddress."""
    # for the first recipient, not for every start
    from email_validator import EmailNotValidError, validate_email

    if "=?" in text:  # allowed in an address, but headers would decode it
        raise NoAddress
    try:
        valid = validate_email(text.strip(), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        raise NoAddress from None
    local, _, domain = valid.normalized.rpartition("@")
    return f"{unicodedata.normalize('NFC', local.lower())}@{domain}"


def too_many_asks(seconds: float) -> RateLimited:
    """Return what says that an address was asked often enough today."""
    hint = (
        f"An address gets {ASKS_OF_SITE} such mails a day from one site and {ASKS_OF_ADDRESS} from all; an account"
        f" sends {ASKS_OF_ACCOUNT}. Nothing was changed."
    )
    return RateLimited(hint=hint, retry_after=seconds)


def token(secret: str, purpose: Purpose, deployment_id: str, recipient_id: str, email: str) -> str:
    """Return what a mail's link ends in: it names a recipient, and only its mails have it. Nothing is stored."""
    signed = f"{purpose}\0{deployment_id}\0{recipient_id}\0{email.lower()}"
    mac = hmac.digest(secret.encode(), _CONTEXT + signed.encode(), "sha256")
    return f"{recipient_id}.{base64.urlsafe_b64encode(mac[:24]).decode()}"


def named(given: str) -> str:
    """Return the recipient that a link's token names, whether it is right or not. Raise LinkNotValid."""
    recipient_id = given.partition(".")[0]
    if not ids.is_id(recipient_id, "rcp"):
        raise LinkNotValid
    return recipient_id


def require(secret: str, purpose: Purpose, recipient: Recipient, given: str) -> None:
    """Raise LinkNotValid unless the token was made for this address."""
    right = token(secret, purpose, recipient.deployment_id, recipient.id, recipient.email)
    if not hmac.compare_digest(right.encode(), given.encode("utf-8", "surrogateescape")):
        raise LinkNotValid
