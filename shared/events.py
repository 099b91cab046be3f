"""What the services say to each other: one frozen model per message, and the envelope it travels in."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from shared import ids, logs


class Event(BaseModel):
    """Something that happened; a subclass is one kind of message and knows its routing key."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    #: Routing key and type: `noun.verb`, or `mail.<template>` for what the mailer is to send.
    type: ClassVar[str]
    #: Raised when a field changes its meaning; consumers refuse what is newer than they know.
    version: ClassVar[int] = 1
    #: Heard by every replica that runs now; one that hears nothing needs nothing, so no queue keeps it.
    broadcast: ClassVar[bool] = False


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


class LoginCodeMail(Event):
    """Send the code and link of a login."""

    type = "mail.login_code"
    to: str
    code: str
    link: str
    #: Who asks: the client's name and host as it gave them, and its address.
    client: str
    ip: str
    requested_at: datetime


class KeyCreatedMail(Event):
    """Tell an account that a key was created."""

    type = "mail.key_created"
    to: str
    name: str
    hint: str
    created_via: str
    ip: str
    created_at: datetime
    dashboard_url: str


class KeyRotatedMail(Event):
    """Tell an account that a key got a successor."""

    type = "mail.key_rotated"
    to: str
    name: str
    #: Of the old key and of the new one.
    old_hint: str
    hint: str
    #: When the old key ends.
    ends_at: datetime
    ip: str
    rotated_at: datetime
    dashboard_url: str


class KeysRevokedMail(Event):
    """Tell an account that keys were revoked from elsewhere: by whoever held one, by another key, or all at once."""

    type = "mail.keys_revoked"
    to: str
    #: Name and hint of each; the first few of many.
    keys: tuple[tuple[str, str], ...]
    count: int
    #: How, in words: "by somebody who holds it".
    how: str
    ip: str
    revoked_at: datetime
    dashboard_url: str


class KeyExpiringMail(Event):
    """Tell an account that a key ends within a week."""

    type = "mail.key_expiring"
    to: str
    name: str
    hint: str
    expires_at: datetime
    dashboard_url: str


class EmailCodeMail(Event):
    """Send one of the two codes of a change of address."""

    type = "mail.email_code"
    to: str
    code: str
    #: Whether `to` is the address that the account is to have, or the one it has.
    new: bool
    #: The address that the account is to have.
    new_email: str
    ip: str
    requested_at: datetime


class EmailChangedMail(Event):
    """Tell an account's old address that it is no longer the account's."""

    type = "mail.email_changed"
    to: str
    new_email: str
    ip: str
    changed_at: datetime


class AccountDeletedMail(Event):
    """Tell an account that it was deleted, and how it comes back."""

    type = "mail.account_deleted"
    to: str
    ip: str
    deleted_at: datetime
    ends_at: datetime
    login_url: str


class SubmissionMail(Event):
    """Tell a site's owner what somebody sent through its form."""

    type = "mail.submission"
    to: str
    slug: str
    site_url: str
    submission_id: str
    #: Field name to value or values, in the form's order.
    data: dict[str, Any]
    #: An address from the form that a reply should go to, or none.
    reply_to: str | None
    received_at: datetime


EVENTS: Final[dict[str, type[Event]]] = {
    event.type: event
    for event in (
        KeyRevoked,
        CredentialsChanged,
        AccountChanged,
        AccountDeleted,
        Audited,
        SiteChanged,
        LoginCodeMail,
        KeyCreatedMail,
        KeyRotatedMail,
        KeysRevokedMail,
        KeyExpiringMail,
        EmailCodeMail,
        EmailChangedMail,
        AccountDeletedMail,
        SubmissionMail,
    )
}


class Envelope(BaseModel):
    """A message on its way: `id` is what consumers dedupe by, `correlation_id` the request it came from."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    type: str
    version: int
    at: datetime
    correlation_id: str
    #: After this it is noise: consumers drop it unhandled.
    expires_at: datetime | None = None
    data: dict[str, Any] = Field(repr=False)

    @classmethod
    def of(cls, event: Event, *, expires_at: datetime | None = None) -> "Envelope":
        """Wrap an event in a new envelope that carries the current request's id."""
        return cls(
            id=ids.new_id("msg"),
            type=event.type,
            version=event.version,
            at=datetime.now(UTC),
            correlation_id=logs.request_id.get(),
            expires_at=expires_at,
            data=event.model_dump(mode="json"),
        )

    @staticmethod
    def row(event: Event, *, message_id: str, at: datetime) -> dict[str, Any]:
        """Return a new envelope as the outbox stores it, for a path that is too hot to build the model first."""
        return {
            "id": message_id,
            "type": event.type,
            "version": event.version,
            "at": at,
            "correlation_id": logs.request_id.get(),
            "expires_at": None,
            "data": event.model_dump(),
        }

    def event(self) -> Event:
        """Return the event inside. Raise KeyError for an unknown type, ValueError for one that does not fit."""
        kind = EVENTS[self.type]
        if self.version > kind.version:
            raise ValueError(f"{self.type} version {self.version} is newer than this service knows")
        return kind.model_validate(self.data)

    def expired(self, now: datetime) -> bool:
        """Tell whether the message has outlived its use."""
        return self.expires_at is not None and now >= self.expires_at

    def to_bytes(self) -> bytes:
        """Return the JSON that travels."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Envelope":
        """Read an envelope. Raise ValueError when it is none."""
        return cls.model_validate_json(raw)
