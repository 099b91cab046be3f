"""Mails as files: bounded in number, and readable however odd they are."""

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.standalone.mail_files import MailFiles, parse

SOME_ID = f"{1:016x}00000000"
ODD = [
    b"",
    b"\r\n",
    b"no header at all",
    b"Subject: =?bogus?q?x?=\r\nTo: <<<>,;\r\nDate: x\r\nFrom: \xff\xfe\r\n\r\n\x00\xff",
    b"Content-Type: text/plain; charset=klingon\r\n\r\n\xe9t\xe9",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n\r\n--x--",
    b"Content-Type: multipart/alternative\r\n\r\n--",
    b'Content-Type: text/html; charset="\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%=',
    b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx",
    b'Message-ID: <\r\nTo: "a" <[x@\r\nReply-To: :;\r\nContent-Disposition: =?utf-8?q?\r\n\r\n',
    "Subject: Grüße\r\nX-Ünicode: ja\r\n\r\nGrüße".encode(),
]
lines = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"To", b"From", b"Subject", b"Date", b"Content-Type", b"Message-ID", b"Reply-To"]).flatmap(
        lambda name: st.binary(max_size=60).map(lambda value: name + b": " + value)
    ),
    st.sampled_from([b"", b"--x", b"--x--", b"Content-Type: multipart/mixed; boundary=x", b"Content-Type: text/html"]),
)


def suffixes(directory: Path) -> list[str]:
    return [path.suffix for path in directory.iterdir()]


async def test_only_the_newest_mails_are_kept(tmp_path: Path) -> None:
    files = MailFiles(tmp_path, limit=3)
    for number in range(5):
        await files.add(f"Subject: {number}\r\n\r\n".encode())
    assert [mail.subject for mail in files.newest(0, 9)] == ["4", "3", "2"]
    assert suffixes(tmp_path) == [".eml"] * 3


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.lists(lines, max_size=12).map(b"\r\n".join))
@example(raw=ODD[3])
def test_no_mail_is_too_odd_to_be_read(raw: bytes) -> None:
    mail = parse(SOME_ID, raw)
    for text in (mail.subject, mail.text, mail.html, mail.message_id, mail.snippet, *mail.headers):
        text.encode()
