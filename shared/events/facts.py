"""What happened, for services that have to know: accounts, credentials, sites, and the audit trail."""

from datetime import datetime
from typing import Any

from shared.events.base import Event


class KeyRevoked(Event):
    """A key ends now: every cache drops it."""

    type = "key.revoked"
    broadcast = True
    #: Lowercase hex SHA-256 of the key.
    digest: str
    key_id: str


class CredentialsChanged(Event):
    """What caches know of these keys and browser sessions is old, or they have ended: every cache drops them."""

    type = "credentials.changed"
    broadcast = True
    account_id: str
    #: Lowercase hex SHA-256 of each.
    digests: tuple[str, ...]


class AccountChanged(Event):
    """An account's address or plan is another one now, or it has come back after its deletion."""

    type = "account.changed"
    account_id: str
    email: str
    plan: str
    #: Counts an account's changes: what is older than the known one is no news.
    revision: int


class AccountDeleted(Event):
    """An account was deleted: its sites go at `ends_at`, unless it comes back before."""

    type = "account.deleted"
    account_id: str
    revision: int
    ends_at: datetime


class Audited(Event):
    """Something happened to an account's things elsewhere that belongs in its audit trail, which auth keeps."""

    type = "audit.recorded"
    account_id: str
    at: datetime
    #: `noun.verb`
    action: str
    #: Id of the credential it was done with, or a word for who has none.
    actor: str
    key_id: str | None
    ip: str | None
    detail: dict[str, Any]


class SiteChanged(Event):
    """A site's live version, status or settings changed: every cache drops the host."""

    type = "site.changed"
    broadcast = True
    deployment_id: str
    slug: str
    #: Its custom domains, those that it had until now too.
    domains: tuple[str, ...] = ()


class MailSettled(Event):
    """The mailer is done with a message that asked for a receipt."""

    type = "receipt.settled"
    message_id: str
    #: `sent`, `refused`, `suppressed` or `expired`.
    result: str
    #: Why it was not sent, in the words of whoever refused it.
    reason: str | None
    at: datetime


class AddressSuppressed(Event):
    """The mailer sends nothing to an address any more."""

    type = "address.suppressed"
    #: In lower case.
    email: str
    #: `bounce` or `complaint`.
    reason: str
    detail: str
    #: When that was; of two facts about an address the later one stands.
    at: datetime


class AddressLifted(Event):
    """The suppression of an address is lifted; the mailer and deploy hear it, whichever of them says so."""

    type = "address.lifted"
    email: str
    #: When the lifted one began, by the mailer's clock: a later one stays.
    suppressed_at: datetime
