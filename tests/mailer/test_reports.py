"""What is read in reports of bounces and complaints, and in servers' answers: only what is sure ends an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mailer import reports, statuses
from services.mailer.reports import NoReport
from tests.support.reports import bounce, complaint

ID = "msg_0123456789abcdef"


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_bounce_names_the_mail_that_came_back(*, headers_only: bool) -> None:
    found = reports.read(bounce(ID, headers_only=headers_only))
    assert (found.message_id, found.kind, found.final) == (ID, "bounce", True)
    assert found.detail == "5.1.1 smtp; 550 5.1.1 <…>: no such user"


@pytest.mark.parametrize(
    "given, final",
    [
        ({"status": "5.1.10"}, True),
        ({"status": "5.0.0", "said": "smtp; 550 5.1.1 unknown"}, True),
        ({"status": "5.0.0", "said": "smtp; 550 No such user here"}, True),
        ({"status": "5.0.0", "said": "x-unix; it broke"}, False),
        ({"status": "5.2.2", "said": "smtp; 552 5.2.2 mailbox full"}, False),
        ({"status": "5.7.1", "said": "smtp; 550 5.7.1 message content rejected"}, False),
        ({"status": "4.4.1", "said": "smtp; 450 no answer"}, False),
        ({"status": "4.4.1", "action": "delayed"}, False),
        ({"status": "5.1.1", "action": "delayed"}, False),
        ({"status": "2.0.0", "action": "relayed"}, False),
    ],
)
def test_only_an_address_without_a_mailbox_is_ended(given: dict[str, str], final: bool) -> None:  # noqa: FBT001 - a case
    said = {"said": "smtp; 250 fine"} | given
    assert reports.read(bounce(ID, **said)).final is final  # type: ignore[arg-type]


@pytest.mark.parametrize("kind, final", [("abuse", True), ("fraud", True), ("not-spam", False), ("virus", False)])
def test_a_complaint_names_the_mail_that_was_not_wanted(kind: str, final: bool) -> None:  # noqa: FBT001 - a case
    found = reports.read(complaint(ID, kind=kind))
    assert (found.message_id, found.kind, found.final, found.detail) == (ID, "complaint", final, kind)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: hello\r\n\r\nhi",
        b"\xff\x00" * 100,
        bounce("msg_1> <evil@x.y"),
        bounce("x" * 200),
        bounce(ID).replace(b"Message-ID", b"X-Message-ID"),
        bounce(ID).replace(b"message/delivery-status", b"text/plain"),
        b"Message-ID: <msg_1@invoker.example>\r\n" + bounce("").replace(b"Message-ID: <@", b"X: <@"),
    ],
)
def test_what_is_no_report_about_a_mail_is_refused(raw: bytes) -> None:
    with pytest.raises(NoReport):
        reports.read(raw)


@settings(max_examples=300, deadline=None)
@given(cut=st.integers(0, 900), noise=st.binary(max_size=40), report=st.sampled_from([bounce(ID), complaint(ID)]))
def test_a_broken_report_is_refused_or_read_and_nothing_else(cut: int, noise: bytes, report: bytes) -> None:
    try:
        found = reports.read(report[:cut] + noise + report[cut:])
    except NoReport:
        return
    assert found.detail.isprintable()
    assert len(found.detail) <= reports.DETAIL_LENGTH


@pytest.mark.parametrize(
    "answer, ends",
    [
        ((550, "5.1.1 no such user"), True),
        ((550, "5.1.10 null MX"), True),
        ((551, "5.1.6 moved"), True),
        ((553, "5.1.3 bad address"), True),
        ((550, "No such user here"), True),
        ((551, "User not local"), True),
        ((450, "4.1.1 try again"), False),
        ((550, "4.1.1 confused"), False),
        ((552, "5.2.2 mailbox full"), False),
        ((550, "5.2.1 mailbox disabled"), False),
        ((550, "5.7.1 blocked"), False),
        ((554, "5.7.1 content"), False),
        ((554, "no such user"), False),
        ((550, "Blocked: see http://bl.example"), False),
        ((550, "Sender verify failed"), False),
        ((550, "SPF check failed"), False),
        ((550, "Mailbox quota exceeded"), False),
        ((550, "relaying denied"), False),
        ((550, "listed at 5.1.1.2"), False),
    ],
)
def test_answers_to_rcpt(answer: tuple[int, str], ends: bool) -> None:  # noqa: FBT001 - a case
    """R38: 5.1.x of the address; never what says policy, content, size or later."""
    assert statuses.no_mailbox(*answer) is ends
