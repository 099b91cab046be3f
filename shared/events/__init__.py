"""What the services say to each other: one frozen model per message, and the envelope it travels in."""

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared import ids, logs
from shared.events.base import Event
from shared.events.facts import (
    AccountChanged,
    AccountDeleted,
    AddressLifted,
    AddressSuppressed,
    Audited,
    CredentialsChanged,
    KeyRevoked,
    MailSettled,
    SiteChanged,
)
from shared.events.mails import (
    AccountDeletedMail,
    DomainSuspendedMail,
    EmailChangedMail,
    EmailCodeMail,
    KeyCreatedMail,
    KeyExpiringMail,
    KeyRotatedMail,
    KeysRevokedMail,
    LoginCodeMail,
    RecipientConfirmMail,
    SiteReinstatedMail,
    SiteReportedMail,
    SiteTakenDownMail,
    SubmissionMail,
    SubmissionsMail,
    Told,
    WebhookDisabledMail,
)

__all__ = [
    "EVENTS",
    "AccountChanged",
    "AccountDeleted",
    "AccountDeletedMail",
    "AddressLifted",
    "AddressSuppressed",
    "Audited",
    "CredentialsChanged",
    "DomainSuspendedMail",
    "EmailChangedMail",
    "EmailCodeMail",
    "Envelope",
    "Event",
    "KeyCreatedMail",
    "KeyExpiringMail",
    "KeyRevoked",
    "KeyRotatedMail",
    "KeysRevokedMail",
    "LoginCodeMail",
    "MailSettled",
    "RecipientConfirmMail",
    "SiteChanged",
    "SiteReinstatedMail",
    "SiteReportedMail",
    "SiteTakenDownMail",
    "SubmissionMail",
    "SubmissionsMail",
    "Told",
    "WebhookDisabledMail",
]

EVENTS: Final[dict[str, type[Event]]] = {
    event.type: event
    for event in (
        KeyRevoked,
        CredentialsChanged,
        AccountChanged,
        AccountDeleted,
        Audited,
        SiteChanged,
        MailSettled,
        AddressSuppressed,
        AddressLifted,
        LoginCodeMail,
        KeyCreatedMail,
        KeyRotatedMail,
        KeysRevokedMail,
        KeyExpiringMail,
        EmailCodeMail,
        EmailChangedMail,
        AccountDeletedMail,
        SubmissionMail,
        SubmissionsMail,
        RecipientConfirmMail,
        SiteTakenDownMail,
        SiteReinstatedMail,
        DomainSuspendedMail,
        SiteReportedMail,
        WebhookDisabledMail,
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
    def of(
        cls,
        event: Event,
        *,
        expires_at: datetime | None = None,
        message_id: str | None = None,
        correlation_id: str | None = None,
    ) -> "Envelope":
        """Wrap an event in a new envelope that carries the current request's id, unless another one is given."""
        return cls(
            id=message_id or ids.new_id("msg"),
            type=event.type,
            version=event.version,
            at=datetime.now(UTC),
            correlation_id=correlation_id or logs.request_id.get(),
            expires_at=expires_at,
            data=event.model_dump(mode="json"),
        )

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
