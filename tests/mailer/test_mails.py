"""What each mail says, and that nobody's text gets where it does not belong."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.mailer import mails
from services.mailer.config import Sender
from shared.events import Envelope, Event
from tests.support.mail_events import (
    KINDS,
    LINKS,
    NOON,
    a_changed_mail,
    a_confirmation_mail,
    a_deletion_mail,
    a_domain_mail,
    a_key_mail,
    a_login_mail,
    a_message,
    a_reinstatement_mail,
    a_report_mail,
    a_revocation_mail,
    a_rotation_mail,
    a_submission_mail,
    a_submissions_mail,
    a_takedown_mail,
    a_told,
    a_webhook_mail,
    an_address_mail,
    an_expiry_mail,
)

SENDER = Sender(name="Invoker", address="login@invoker.example")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Request-ID", "MIME-Version", "Content-Type",
}  # fmt: skip
#: Set headers of their own on Python 3.11.7 (CVE-2024-6923), or would like to.
HOSTILE = [
    "=?UTF-8?Q?hi=0ABcc=3A_evil@x.y?=",
    "=?UTF-8?B?aGkKQmNjOiBldmlsQHgueQ==?=",
    "=\u200b?UTF-8?Q?hi=0ABcc=3A_evil@x.y?\u200b=",
    "a\r\nBcc: evil@x.y",
    "a\u2028Bcc: evil@x.y\x85Cc: evil@x.y\x00\x0b\x0c",
    "evil@x.y, Eve <eve@x.y>",
    "x" * 5000,
    "\ud800",
]


def parsed(event: Event, *, correlation_id: str = "req_12345678") -> EmailMessage:
    envelope = a_message(event).model_copy(update={"correlation_id": correlation_id})
    raw = mails.to_bytes(mails.mail(envelope, event, sender=SENDER), sender=SENDER, now=datetime.now(UTC))
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def assert_harmless(message: EmailMessage, *, reply_to: str | None = None) -> None:
    """Check that the header set is exactly ours, with one recipient."""
    assert set(message.keys()) - HEADERS <= {"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"}
    assert message["List-Unsubscribe"] in {None, f"<{LINKS['unsubscribe_url']}>"}
    assert len(message.keys()) == len(set(message.keys()))
    assert [one.addr_spec for one in message["To"].addresses] == ["ada@example.com"]
    assert [one.addr_spec for one in message["From"].addresses] == [SENDER.address]
    assert message["Reply-To"] is None or [one.addr_spec for one in message["Reply-To"].addresses] == [reply_to]


hostile_text = st.one_of(
    st.text(max_size=80),
    st.sampled_from(HOSTILE),
    st.text(alphabet="=?_QqBbUTF8-:\r\n\t @,<>\"'()\\.aé\u2028\u202e\x00", max_size=60),
    st.builds("{}{}{}".format, st.text(max_size=9), st.sampled_from(HOSTILE), st.text(max_size=9)),
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(hostile_text, min_size=6, max_size=6))
@example(texts=[HOSTILE[0]] * 6)
@example(texts=[HOSTILE[1]] * 6)
@example(texts=[HOSTILE[-1]] * 6)
def test_no_text_of_a_user_reaches_the_headers_r39(texts: list[str]) -> None:
    """R39: fuzzed names, subjects and fields give exactly the expected headers and one recipient."""
    one, two, three, four, five, six = texts
    events = [
        a_login_mail(client=one, code=two, ip=three, link=four),
        a_key_mail(name=one, hint=two, created_via=three, ip=four, dashboard_url=five),
        a_submission_mail(slug=one, site_url=two, submission_id=three, data={four: five, five: [six]}, reply_to=six),
        a_rotation_mail(name=one, old_hint=two, hint=three, ip=four, dashboard_url=five),
        a_revocation_mail(keys=((one, two), (three, four)), how=five, ip=six),
        an_expiry_mail(name=one, hint=two, dashboard_url=three),
        an_address_mail(code=one, new_email=two, ip=three),
        a_changed_mail(new_email=one, ip=two),
        a_deletion_mail(ip=one, login_url=two),
        a_takedown_mail(slug=one, site_url=two, reason=three, reply_to=six),
        a_reinstatement_mail(slug=one, site_url=two),
        a_domain_mail(domain=one, slug=two, site_url=three, problem=four, dashboard_url=five),
        a_report_mail(slug=one, url=two, reason=three, details=four, reply_to=six),
        a_submission_mail(subject=one, title=two, form=three, files=((four, 1),), unsubscribe_url=five, reply_to=six),
        a_submissions_mail(slug=one, title=two, told=(a_told(form=three, data={four: five}),), inbox_url=six),
        a_confirmation_mail(slug=one, site_url=two, owner=three, confirm_url=four),
        a_webhook_mail(slug=one, site_url=two, url=three, why=four, dashboard_url=five),
    ]
    for event in events:
        assert_harmless(parsed(event, correlation_id=six), reply_to=mails.address(six))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_subject_is_cleaned(text: str) -> None:
    subject = mails.one_line(text, mails.SUBJECT_LENGTH)
    assert subject.encode().decode().isprintable()
    assert "=?" not in subject
    assert len(subject) <= mails.SUBJECT_LENGTH


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        "",
        "nobody",
        "Eve <eve@x.example>",
        '"a b"@x.example',
        "a@[127.0.0.1]",
        "a@x.example\n",
        " a@x.example",
        "=?utf-8?q?x?=@x.example",
        f"{'a' * 65}@x.example",
    ],
)
def test_reply_to_is_one_valid_address_or_nothing(text: str) -> None:
    message = parsed(a_submission_mail(reply_to=text))
    assert message["Reply-To"] is None
    assert "gave no address" in part(message, "plain")


@pytest.mark.parametrize("text", ["nobody", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"])
def test_a_recipient_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(mails.InvalidMail):
        parsed(a_login_mail(to=text))


def test_an_address_outside_ascii_stays_one_address() -> None:
    event = a_login_mail(to="jörg@müller.example")
    made = mails.mail(a_message(event), event, sender=SENDER)
    raw = mails.to_bytes(made, sender=SENDER, now=datetime.now(UTC)).decode()
    assert raw.count("jörg@müller.example") == raw.count("\r\nTo: jörg@müller.example\r\n") == 1


def test_a_domain_outside_ascii_is_written_as_every_server_reads_it() -> None:
    assert mails.address("ada@müller.example") == "ada@xn--mller-kva.example"


def test_a_visitors_address_outside_ascii_does_not_make_the_mail_need_smtputf8() -> None:
    message = parsed(a_submission_mail(reply_to="jörg@example.org"))
    assert message["Reply-To"] is None
    for text in (part(message, "plain"), part(message, "html")):
        assert "jörg@example.org" in text
        assert "write to" in text
    assert parsed(a_submission_mail(reply_to="ada@müller.example"))["Reply-To"] == "ada@xn--mller-kva.example"


def test_a_new_address_is_shown_to_its_end() -> None:
    address = f"{'support-of-your-bank.' * 3}x@{'sub.' * 40}evil.example"
    for event in (an_address_mail(new_email=address), a_changed_mail(new_email=address)):
        for text in (part(parsed(event), "plain"), part(parsed(event), "html")):
            assert address in text.replace("\u200b", "")


def test_message_id_comes_from_the_envelope_and_the_request_id_travels() -> None:
    event = a_login_mail()
    envelope = a_message(event).model_copy(update={"correlation_id": "req_12345678"})
    raw = [
        mails.to_bytes(mails.mail(envelope, event, sender=SENDER), sender=SENDER, now=datetime.now(UTC)).decode()
        for _ in range(2)
    ]
    for text in raw:
        assert f"Message-ID: <{envelope.id}@invoker.example>\r\n" in text
        assert "X-Request-ID: req_12345678\r\n" in text
        assert "Auto-Submitted: auto-generated\r\n" in text


def test_an_envelope_id_that_could_break_the_header_is_refused() -> None:
    event = a_login_mail()
    envelope = a_message(event).model_copy(update={"id": "msg_1>\r\nBcc: evil@x.y"})
    with pytest.raises(mails.InvalidMail):
        mails.mail(envelope, event, sender=SENDER)


def test_login_mail_says_what_is_needed_to_judge_it() -> None:
    message = parsed(a_login_mail())
    assert message["Subject"] == "042137 is your Invoker login code"
    for text in (part(message, "plain"), part(message, "html")):
        for fact in ("042137", "lnk_0123456789012345678901", "203.0.113.7", "23 November 2026, 12:00 UTC"):
            assert fact in text
        assert "invoker-mcp 0.3.1 on ada-laptop" in text
        assert "This wasn" in text
        assert "Ignore this mail" in text.replace("ignore", "Ignore")


def test_login_mail_tells_to_go_on_only_with_a_login_of_ones_own_r57() -> None:
    """R57: it says who may go on, and what "this wasn't me" does."""
    message = parsed(a_login_mail())
    for text in (part(message, "plain"), part(message, "html").replace("&#39;", "'")):
        said = " ".join(text.split())
        assert "only if you started this login yourself" in said
        assert "that ends this login, and this code and link stop working" in said


def test_what_a_client_calls_itself_makes_no_link_and_no_speech() -> None:
    name = "Your account is locked. Unlock it at https://evil.example/now " + "or else " * 40
    text = part(parsed(a_login_mail(client=name)), "plain")
    assert "evil.example" not in text
    assert "https://evil" not in text
    assert "or else or else or else" not in text


def test_key_mail_names_the_key_and_the_way_out() -> None:
    message = parsed(a_key_mail())
    for text in (part(message, "plain"), part(message, "html")):
        for fact in ("laptop", "inv_a1b2…wxyz", "dashboard", "203.0.113.7", "https://app.example.com/dashboard"):
            assert fact in text


@pytest.mark.parametrize(
    "event, subject, facts",
    [
        (a_rotation_mail(), "replaced", ["inv_a1b2…wxyz", "inv_c3d4…stuv", "24 November 2026, 12:00 UTC", "dashboard"]),
        (a_rotation_mail(ends_at=NOON), "replaced", ["inv_c3d4…stuv", "no more", "laptop"]),
        (a_revocation_mail(), "5 keys", ["inv_a1b2…wxyz", "CI", "and 3 more", "all at once", "203.0.113.7"]),
        (a_revocation_mail(count=1, keys=(("laptop", "inv_a1b2…wxyz"),)), "A key", ["laptop", "used it"]),
        (an_expiry_mail(), "ends soon", ["laptop", "inv_a1b2…wxyz", "30 November 2026, 12:00 UTC", "Rotate it"]),
        (an_address_mail(new=True), "042137 confirms your new address", ["042137", "present", "gnore this mail"]),
        (an_address_mail(), "042137 confirms the change", ["042137", "ada@example", "other sessions"]),
        (a_changed_mail(), "new address", ["ada@example", "mailbox's password"]),
        (a_deletion_mail(), "was deleted", ["30 November 2026, 12:00 UTC", "https://app.example.com/login", "as they"]),
    ],
)
def test_each_notice_says_what_happened_and_the_way_out(event: Event, subject: str, facts: list[str]) -> None:
    message = parsed(event)
    assert subject in message["Subject"]
    for text in (part(message, "plain"), part(message, "html").replace("&#39;", "'")):
        assert not [fact for fact in facts if fact not in text]


@pytest.mark.parametrize("make", KINDS)
def test_every_kind_of_mail_has_its_three_templates(make: Any) -> None:
    event = make()
    envelope: Envelope = a_message(event)
    assert len(mails.TEMPLATES[envelope.type]) == 3
