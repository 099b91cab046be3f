"""What mails about submissions say: of one, of a test, of many at once."""

import string
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mailer.test_mails import parsed, part
from tests.support.mail_events import LINKS, a_submission_mail, a_submissions_mail, a_told


def both(message: EmailMessage) -> tuple[str, str]:
    return part(message, "plain"), part(message, "html")


def test_it_has_every_field_and_replies_go_to_the_visitor() -> None:
    message = parsed(a_submission_mail())
    assert message["Reply-To"] == "grace@example.org"
    facts = (
        "Grace Hopper", "Two loaves, please.", "Thank you!", "sub_0123456789abcdef", "bakery", "The Corner Bakery",
        "orders", "cake.jpg", "1.2 MB", "120 bytes", *LINKS.values(),
    )  # fmt: skip
    for text in both(message):
        assert not [fact for fact in facts if fact not in text]


@pytest.mark.parametrize(
    "facts, subject",
    [
        ({"form": None}, "[bakery] New submission"),
        ({"form": "orders"}, "[bakery] New submission: orders"),
        ({"subject": "  A cake\r\nBcc: evil@x.y "}, "[bakery] A cake Bcc: evil@x.y"),
        ({"subject": "=?utf-8?q?a?="}, "[bakery] = ?utf-8?q?a?="),
        ({"subject": "\u200b\u202e"}, "[bakery] New submission: orders"),
        ({"subject": "Hi", "test": True}, "[Test] [bakery] Hi"),
    ],
)
def test_the_subject_begins_with_the_site_whatever_the_form_would_have(facts: dict[str, Any], subject: str) -> None:
    """R39: what a visitor can choose of it comes behind, cleaned."""
    assert parsed(a_submission_mail(**facts))["Subject"] == subject


def test_a_long_subject_keeps_the_site_in_front() -> None:
    subject = str(parsed(a_submission_mail(subject="é" * 5000))["Subject"])
    assert subject.startswith("[bakery] éé")
    assert len(subject) <= 150


@pytest.mark.parametrize("make", [a_submission_mail, a_submissions_mail])
def test_mail_programs_end_it_with_one_request(make: Any) -> None:
    """RFC 8058: both headers, the address unfolded and unencoded."""
    message = parsed(make())
    assert message["List-Unsubscribe"] == f"<{LINKS['unsubscribe_url']}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "https://x.y/>, <https://evil.y/", "https://x.y/\r\nBcc: a"]
)
def test_what_is_no_address_of_a_page_is_no_header_and_no_link(url: str) -> None:
    message = parsed(a_submission_mail(unsubscribe_url=url, inbox_url=url))
    assert message["List-Unsubscribe"] is None
    assert "javascript:" not in part(message, "html")
    assert "Unsubscribe" not in part(message, "plain")


def test_a_test_says_so() -> None:
    message = parsed(a_submission_mail(test=True))
    assert part(message, "plain").startswith("TEST:")
    assert "Test submission on" in part(message, "html")


def test_many_are_told_in_short_with_their_count() -> None:
    message = parsed(a_submissions_mail())
    assert message["Subject"] == "[bakery] 1,234 new submissions"
    assert message["Reply-To"] is None
    for text in both(message):
        for fact in ("Visitor 0", "Visitor 9", "1,224 more", "11:55 UTC", "12:00 UTC", *LINKS.values()):
            assert fact in text


def test_many_that_are_all_told_leave_none_over() -> None:
    for text in both(parsed(a_submissions_mail(count=1, told=(a_told(data={}),)))):
        assert "more in the inbox" not in text
        assert "without any field" in text


@pytest.mark.parametrize("value", ["", [], ["a", "b"], 7, None, {"x": 1}, "\x00\x1b[31m", "\U0001f600" * 10])
def test_every_value_of_a_field_can_be_shown(value: Any) -> None:
    parsed(a_submission_mail(data={"field": value, "": value}))


def test_submission_without_fields_says_so() -> None:
    assert "without any field" in part(parsed(a_submission_mail(data={})), "plain")


def test_a_long_value_is_cut_and_says_so() -> None:
    text = part(parsed(a_submission_mail(data={"message": "x" * 250_000})), "plain")
    assert "(245,000 more characters in the dashboard)" in text


@given(text=st.text(alphabet=string.printable, max_size=40))
@settings(max_examples=50, deadline=None)
def test_html_is_escaped(text: str) -> None:
    html = part(parsed(a_submission_mail(slug="s", data={f"<b>{text}": f"<script>alert(1)</script>{text}"})), "html")
    assert "<script" not in html
    assert "<b>" not in html
