"""What the mailer is to send: one message for each kind of mail, with all that its text needs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.events.base import Event


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
    """Tell somebody what was sent through a site's form."""

    type = "mail.submission"
    receipt = True
    to: str
    slug: str
    #: What its owner calls the site.
    title: str | None = None
    site_url: str
    submission_id: str
    #: Name of the form, where a page has several.
    form: str | None = None
    #: What the form would have in the subject.
    subject: str | None = None
    #: Field name to value or values, in the form's order.
    data: dict[str, Any]
    #: Name and size in bytes of each file.
    files: tuple[tuple[str, int], ...] = ()
    #: An address from the form that a reply should go to, or none.
    reply_to: str | None
    received_at: datetime
    #: Sent by the owner, to try the form.
    test: bool = False
    #: Where all of them are seen, and where whoever reads this ends it; empty in messages of earlier versions.
    inbox_url: str = ""
    unsubscribe_url: str = ""


class Told(BaseModel):
    """One submission of several in a mail, in short."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    submission_id: str
    form: str | None
    #: The first of its fields, each cut.
    data: dict[str, str]
    received_at: datetime


class SubmissionsMail(Event):
    """Tell somebody of several submissions at once, because many came."""

    type = "mail.submissions"
    receipt = True
    to: str
    slug: str
    title: str | None
    site_url: str
    #: How many there are.
    count: int
    #: When the first and the last of them came.
    since: datetime
    until: datetime
    #: The first few.
    told: tuple[Told, ...]
    inbox_url: str
    unsubscribe_url: str


class RecipientConfirmMail(Event):
    """Ask an address whether it wants to be mailed what visitors of a site send."""

    type = "mail.recipient_confirm"
    to: str
    slug: str
    site_url: str
    #: Address of the account that asks for it.
    owner: str
    confirm_url: str


class SiteTakenDownMail(Event):
    """Tell a site's owner that the operator took it down."""

    type = "mail.site_taken_down"
    to: str
    slug: str
    site_url: str
    #: Why, in the operator's words.
    reason: str
    taken_down_at: datetime
    #: The operator's address, or none: a reply goes there.
    reply_to: str | None


class SiteReinstatedMail(Event):
    """Tell a site's owner that it is up again."""

    type = "mail.site_reinstated"
    to: str
    slug: str
    site_url: str
    reinstated_at: datetime


class DomainSuspendedMail(Event):
    """Tell a site's owner that a custom domain has led elsewhere for a week, and is no longer served."""

    type = "mail.domain_suspended"
    to: str
    domain: str
    slug: str
    site_url: str
    #: What the last look found.
    problem: str
    suspended_at: datetime
    dashboard_url: str


class WebhookDisabledMail(Event):
    """Tell a site's owner that a webhook gets nothing any more."""

    type = "mail.webhook_disabled"
    to: str
    slug: str
    site_url: str
    #: Where it led, without what may be a secret.
    url: str
    #: Why, in a sentence.
    why: str
    disabled_at: datetime
    dashboard_url: str


class SiteReportedMail(Event):
    """Tell the operator what a visitor reported."""

    type = "mail.site_reported"
    to: str
    report_id: str
    url: str
    #: Id and slug of the site, where the address is one's.
    deployment_id: str | None
    slug: str | None
    #: What kind of thing is wrong, and what the visitor wrote.
    reason: str
    details: str
    #: An address for questions, or none.
    reply_to: str | None
    reported_at: datetime
