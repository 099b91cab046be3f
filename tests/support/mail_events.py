"""Messages for the mailer, with what a test does not care about filled in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events import (
    AccountDeletedMail,
    DomainSuspendedMail,
    EmailChangedMail,
    EmailCodeMail,
    Envelope,
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

LINKS = {
    "inbox_url": "https://app.example.com/dashboard/sites/dep_0123456789abcdef/inbox",
    "unsubscribe_url": "https://api.example.com/submit/dep_0123456789abcdef/unsubscribe/"
    "rcp_0123456789abcdef.AbCdEfGhIjKlMnOpQrStUvWxYz-_0123",
}
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_login_mail(**given: Any) -> LoginCodeMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "code": "042137",
        "link": "https://app.example.com/login/lnk_0123456789012345678901",
        "client": "invoker-mcp 0.3.1 on ada-laptop",
        "ip": "203.0.113.7",
        "requested_at": NOON,
    }
    return LoginCodeMail(**facts | given)


def a_key_mail(**given: Any) -> KeyCreatedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "name": "laptop",
        "hint": "inv_a1b2…wxyz",
        "created_via": "dashboard",
        "ip": "203.0.113.7",
        "created_at": NOON,
        "dashboard_url": "https://app.example.com/dashboard",
    }
    return KeyCreatedMail(**facts | given)


def a_rotation_mail(**given: Any) -> KeyRotatedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "name": "laptop",
        "old_hint": "inv_a1b2…wxyz",
        "hint": "inv_c3d4…stuv",
        "ends_at": NOON + timedelta(hours=24),
        "ip": "203.0.113.7",
        "rotated_at": NOON,
        "dashboard_url": "https://app.example.com/dashboard",
    }
    return KeyRotatedMail(**facts | given)


def a_revocation_mail(**given: Any) -> KeysRevokedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "keys": (("laptop", "inv_a1b2…wxyz"), ("CI", "inv_c3d4…stuv")),
        "count": 5,
        "how": "all at once, with the key CI",
        "ip": "203.0.113.7",
        "revoked_at": NOON,
        "dashboard_url": "https://app.example.com/dashboard",
    }
    return KeysRevokedMail(**facts | given)


def an_expiry_mail(**given: Any) -> KeyExpiringMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "name": "laptop",
        "hint": "inv_a1b2…wxyz",
        "expires_at": NOON + timedelta(days=7),
        "dashboard_url": "https://app.example.com/dashboard",
    }
    return KeyExpiringMail(**facts | given)


def an_address_mail(**given: Any) -> EmailCodeMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "code": "042137",
        "new": False,
        "new_email": "ada@example.org",
        "ip": "203.0.113.7",
        "requested_at": NOON,
    }
    return EmailCodeMail(**facts | given)


def a_changed_mail(**given: Any) -> EmailChangedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com", "new_email": "ada@example.org", "ip": "203.0.113.7", "changed_at": NOON
    }  # fmt: skip
    return EmailChangedMail(**facts | given)


def a_deletion_mail(**given: Any) -> AccountDeletedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "ip": "203.0.113.7",
        "deleted_at": NOON,
        "ends_at": NOON + timedelta(days=7),
        "login_url": "https://app.example.com/login",
    }
    return AccountDeletedMail(**facts | given)


def a_submission_mail(**given: Any) -> SubmissionMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "slug": "bakery",
        "title": "The Corner Bakery",
        "site_url": "https://bakery.sites.example.com",
        "submission_id": "sub_0123456789abcdef",
        "form": "orders",
        "data": {"name": "Grace Hopper", "email": "grace@example.org", "message": "Two loaves, please.\nThank you!"},
        "files": (("cake.jpg", 1_234_567), ("list.txt", 120)),
        "reply_to": "grace@example.org",
        "received_at": NOON,
        **LINKS,
    }
    return SubmissionMail(**facts | given)


def a_told(**given: Any) -> Told:
    facts: dict[str, Any] = {
        "submission_id": "sub_0123456789abcdef",
        "form": None,
        "data": {"name": "Grace Hopper", "message": "Two loaves, please."},
        "received_at": NOON,
    }
    return Told(**facts | given)


def a_submissions_mail(**given: Any) -> SubmissionsMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "slug": "bakery",
        "title": None,
        "site_url": "https://bakery.sites.example.com",
        "count": 1234,
        "since": NOON - timedelta(minutes=5),
        "until": NOON,
        "told": tuple(a_told(data={"name": f"Visitor {number}"}) for number in range(10)),
        **LINKS,
    }
    return SubmissionsMail(**facts | given)


def a_confirmation_mail(**given: Any) -> RecipientConfirmMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "slug": "bakery",
        "site_url": "https://bakery.sites.example.com",
        "owner": "owner@example.com",
        "confirm_url": "https://api.example.com/submit/dep_0123456789abcdef/confirm/rcp_0123456789abcdef.x",
    }
    return RecipientConfirmMail(**facts | given)


def a_takedown_mail(**given: Any) -> SiteTakenDownMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "slug": "bakery",
        "site_url": "https://bakery.sites.example.com",
        "reason": "It asks visitors for the passwords of their bank.",
        "taken_down_at": NOON,
        "reply_to": "abuse@example.com",
    }
    return SiteTakenDownMail(**facts | given)


def a_reinstatement_mail(**given: Any) -> SiteReinstatedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "slug": "bakery",
        "site_url": "https://bakery.sites.example.com",
        "reinstated_at": NOON,
    }
    return SiteReinstatedMail(**facts | given)


def a_domain_mail(**given: Any) -> DomainSuspendedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "domain": "www.bakery.example",
        "slug": "bakery",
        "site_url": "https://bakery.sites.example.com",
        "problem": "There is no TXT record at _invoker.www.bakery.example yet.",
        "suspended_at": NOON,
        "dashboard_url": "https://app.example.com/dashboard",
    }
    return DomainSuspendedMail(**facts | given)


def a_webhook_mail(**given: Any) -> WebhookDisabledMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "slug": "bakery",
        "site_url": "https://bakery.sites.example.com",
        "url": "https://hooks.example.com/…",
        "why": "Every attempt has failed for five days. The last one: no connection.",
        "disabled_at": NOON,
        "dashboard_url": "https://app.example.com/dashboard/sites/dep_0123456789abcdef/webhooks",
    }
    return WebhookDisabledMail(**facts | given)


def a_report_mail(**given: Any) -> SiteReportedMail:
    facts: dict[str, Any] = {
        "to": "ada@example.com",
        "report_id": "rep_0123456789abcdef",
        "url": "https://bakery.sites.example.com/login",
        "deployment_id": "dep_0123456789abcdef",
        "slug": "bakery",
        "reason": "It pretends to be somebody else",
        "details": "This looks like my bank's page.\nIt asked for my card.",
        "reply_to": "grace@example.org",
        "reported_at": NOON,
    }
    return SiteReportedMail(**facts | given)


def a_message(event: Any = None, **given: Any) -> Envelope:
    """Wrap an event (a login mail unless given), as the outbox does."""
    return Envelope.of(event or a_login_mail(), **given)


#: Makers of every kind of mail.
KINDS = [
    a_login_mail, a_key_mail, a_rotation_mail, a_revocation_mail, an_expiry_mail, an_address_mail, a_changed_mail,
    a_deletion_mail, a_submission_mail, a_takedown_mail, a_reinstatement_mail, a_domain_mail, a_report_mail,
    a_webhook_mail, a_submissions_mail, a_confirmation_mail,
]  # fmt: skip
