"""What travels: each event's JSON is a file, so that a change of the wire is seen in review."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from shared.events import (
    EVENTS,
    AccountChanged,
    AccountDeleted,
    AccountDeletedMail,
    AddressLifted,
    AddressSuppressed,
    Audited,
    CredentialsChanged,
    DomainSuspendedMail,
    EmailChangedMail,
    EmailCodeMail,
    Envelope,
    Event,
    KeyCreatedMail,
    KeyExpiringMail,
    KeyRevoked,
    KeyRotatedMail,
    KeysRevokedMail,
    LoginCodeMail,
    MailSettled,
    RecipientConfirmMail,
    SiteChanged,
    SiteReinstatedMail,
    SiteReportedMail,
    SiteTakenDownMail,
    SubmissionMail,
    SubmissionsMail,
    Told,
    WebhookDisabledMail,
)

DATA = Path(__file__).parent.parent / "data" / "events"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LINKS = {
    "inbox_url": "http://localhost:8080/dashboard/sites/dep_0000000000000001/inbox",
    "unsubscribe_url": "http://localhost:8080/api/submit/dep_0000000000000001/unsubscribe/rcp_0000000000000001.x",
}
EXAMPLES: dict[type[Event], Event] = {
    KeyRevoked: KeyRevoked(digest="ab" * 32, key_id="key_0000000000000001"),
    CredentialsChanged: CredentialsChanged(account_id="acc_0000000000000001", digests=("ab" * 32, "cd" * 32)),
    AccountChanged: AccountChanged(account_id="acc_0000000000000001", email="ada@example.com", plan="free", revision=2),
    AccountDeleted: AccountDeleted(account_id="acc_0000000000000001", revision=3, ends_at=AT + timedelta(days=7)),
    Audited: Audited(
        account_id="acc_0000000000000001",
        at=AT,
        action="site.published",
        actor="key_0000000000000001",
        key_id="key_0000000000000001",
        ip="203.0.113.7",
        detail={"site": "dep_0000000000000001", "slug": "tidy-otter-42", "version": 3},
    ),
    SiteChanged: SiteChanged(deployment_id="dep_0000000000000001", slug="tidy-otter-42"),
    MailSettled: MailSettled(
        message_id="msg_0000000000000001", result="refused", reason="550 5.1.1 no such user", at=AT
    ),
    AddressSuppressed: AddressSuppressed(
        email="ada@example.com", reason="bounce", detail="550 5.1.1 no such user", at=AT
    ),
    AddressLifted: AddressLifted(email="ada@example.com", suppressed_at=AT),
    LoginCodeMail: LoginCodeMail(
        to="ada@example.com",
        code="123456",
        link="http://localhost:8080/login/verify#lnk",
        client="curl on ada's laptop",
        ip="203.0.113.7",
        requested_at=AT,
    ),
    KeyCreatedMail: KeyCreatedMail(
        to="ada@example.com",
        name="laptop",
        hint="inv_ab…yz",
        created_via="dashboard",
        ip="203.0.113.7",
        created_at=AT,
        dashboard_url="http://localhost:8080/dashboard",
    ),
    KeyRotatedMail: KeyRotatedMail(
        to="ada@example.com",
        name="laptop",
        old_hint="inv_ab…yz",
        hint="inv_cd…wx",
        ends_at=AT + timedelta(hours=1),
        ip="203.0.113.7",
        rotated_at=AT,
        dashboard_url="http://localhost:8080/dashboard",
    ),
    KeysRevokedMail: KeysRevokedMail(
        to="ada@example.com",
        keys=(("laptop", "inv_ab…yz"), ("CI", "inv_cd…wx")),
        count=2,
        how="all at once, with the key CI",
        ip="203.0.113.7",
        revoked_at=AT,
        dashboard_url="http://localhost:8080/dashboard",
    ),
    KeyExpiringMail: KeyExpiringMail(
        to="ada@example.com",
        name="laptop",
        hint="inv_ab…yz",
        expires_at=AT + timedelta(days=7),
        dashboard_url="http://localhost:8080/dashboard",
    ),
    EmailCodeMail: EmailCodeMail(
        to="ada@example.com", code="123456", new=False, new_email="ada@example.org", ip="203.0.113.7", requested_at=AT
    ),
    EmailChangedMail: EmailChangedMail(
        to="ada@example.com", new_email="ada@example.org", ip="203.0.113.7", changed_at=AT
    ),
    AccountDeletedMail: AccountDeletedMail(
        to="ada@example.com",
        ip="203.0.113.7",
        deleted_at=AT,
        ends_at=AT + timedelta(days=7),
        login_url="http://localhost:8080/login",
    ),
    SubmissionMail: SubmissionMail(
        to="ada@example.com",
        slug="tidy-otter-42",
        site_url="http://tidy-otter-42.sites.localhost:8080",
        submission_id="sub_0000000000000001",
        title="Otters",
        form="contact",
        subject="About otters",
        data={"name": "Grace", "topics": ["a", "b"]},
        files=(("otter.jpg", 120_000),),
        reply_to="grace@example.com",
        received_at=AT,
        test=True,
        **LINKS,
    ),
    SubmissionsMail: SubmissionsMail(
        to="ada@example.com",
        slug="tidy-otter-42",
        title=None,
        site_url="http://tidy-otter-42.sites.localhost:8080",
        count=12,
        since=AT,
        until=AT + timedelta(minutes=5),
        told=(Told(submission_id="sub_0000000000000001", form=None, data={"name": "Grace"}, received_at=AT),),
        **LINKS,
    ),
    RecipientConfirmMail: RecipientConfirmMail(
        to="grace@example.com",
        slug="tidy-otter-42",
        site_url="http://tidy-otter-42.sites.localhost:8080",
        owner="ada@example.com",
        confirm_url="http://localhost:8080/api/submit/dep_0000000000000001/confirm/rcp_0000000000000001.x",
    ),
    SiteTakenDownMail: SiteTakenDownMail(
        to="ada@example.com",
        slug="tidy-otter-42",
        site_url="http://tidy-otter-42.sites.localhost:8080",
        reason="It asks for passwords.",
        taken_down_at=AT,
        reply_to="abuse@example.com",
    ),
    SiteReinstatedMail: SiteReinstatedMail(
        to="ada@example.com",
        slug="tidy-otter-42",
        site_url="http://tidy-otter-42.sites.localhost:8080",
        reinstated_at=AT,
    ),
    DomainSuspendedMail: DomainSuspendedMail(
        to="ada@example.com",
        domain="www.example.com",
        slug="tidy-otter-42",
        site_url="http://tidy-otter-42.sites.localhost:8080",
        problem="There is no TXT record at _invoker.www.example.com yet.",
        suspended_at=AT,
        dashboard_url="http://localhost:8080/dashboard",
    ),
    WebhookDisabledMail: WebhookDisabledMail(
        to="ada@example.com",
        slug="tidy-otter-42",
        site_url="http://tidy-otter-42.sites.localhost:8080",
        url="https://hooks.example.com/…",
        why="Every attempt has failed for five days. The last one: no connection.",
        disabled_at=AT,
        dashboard_url="http://localhost:8080/dashboard/sites/dep_0000000000000001/webhooks",
    ),
    SiteReportedMail: SiteReportedMail(
        to="ops@example.com",
        report_id="rep_0000000000000001",
        url="http://tidy-otter-42.sites.localhost:8080/",
        deployment_id="dep_0000000000000001",
        slug="tidy-otter-42",
        reason="It pretends to be somebody else",
        details="My bank looks like this.",
        reply_to="grace@example.com",
        reported_at=AT,
    ),
}


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS.keys())
def test_event_is_its_golden_json(kind: type[Event], update_data: bool) -> None:  # noqa: FBT001 - a fixture
    envelope = Envelope(
        id="msg_0000000000000001",
        type=kind.type,
        version=kind.version,
        at=AT,
        correlation_id="req_0000000000000001",
        expires_at=AT + timedelta(minutes=10),
        data=EXAMPLES[kind].model_dump(mode="json"),
    )
    golden = DATA / f"{kind.type}.json"
    if update_data:
        text = orjson.dumps(orjson.loads(envelope.to_bytes()), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        golden.write_bytes(text)
    assert orjson.loads(envelope.to_bytes()) == orjson.loads(golden.read_bytes())
    assert Envelope.from_bytes(golden.read_bytes()).event() == EXAMPLES[kind]


def test_every_golden_file_belongs_to_an_event() -> None:
    assert {path.stem for path in DATA.glob("*.json")} == set(EVENTS)


def test_a_notice_of_an_earlier_version_is_read() -> None:
    """What lies in a queue while services are replaced has fewer facts."""
    new = ("title", "form", "subject", "files", "test", *LINKS)
    facts = {name: value for name, value in EXAMPLES[SubmissionMail].model_dump(mode="json").items() if name not in new}
    read = Envelope.of(EXAMPLES[SubmissionMail]).model_copy(update={"data": facts}).event()
    assert isinstance(read, SubmissionMail)
    assert (read.title, read.files, read.test, read.unsubscribe_url) == (None, (), False, "")


def test_newer_version_and_unknown_type_are_refused() -> None:
    envelope = Envelope.of(EXAMPLES[KeyRevoked])
    with pytest.raises(ValueError, match="newer than this service knows"):
        envelope.model_copy(update={"version": 2}).event()
    with pytest.raises(KeyError):
        envelope.model_copy(update={"type": "key.unknown"}).event()


def test_errors_and_repr_keep_the_content_to_themselves() -> None:
    envelope = Envelope.of(EXAMPLES[LoginCodeMail])
    assert "123456" not in repr(envelope)
    with pytest.raises(ValueError, match="to") as caught:
        envelope.model_copy(update={"data": envelope.data | {"to": {"secret": "s3cret"}}}).event()
    assert "s3cret" not in str(caught.value)
