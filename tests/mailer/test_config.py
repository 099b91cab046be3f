"""What the mailer takes from the environment, and what it refuses."""

import pytest

from services.mailer.config import Config, Sender, SmtpServer, parse_smtp_url
from shared import config

GOOD = {"database_url": "postgresql://x/y", "service_token": "t" * 20, "smtp_url": "smtp://mail.example"}


@pytest.mark.parametrize(
    "url,server",
    [
        ("smtp://mail.example", SmtpServer(host="mail.example", port=587, tls="starttls")),
        ("smtp://mail.example?tls=implicit", SmtpServer(host="mail.example", port=465, tls="implicit")),
        ("smtp://[::1]:1025/?tls=none", SmtpServer(host="::1", port=1025, tls="none")),
        (
            "smtp://us%40er:p%2Fss@mail.example:2525?tls=starttls",
            SmtpServer(host="mail.example", port=2525, tls="starttls", username="us@er", password="p/ss"),
        ),
        (
            "smtp://user:pass@127.0.0.1:25?tls=none",
            SmtpServer(host="127.0.0.1", port=25, tls="none", username="user", password="pass"),
        ),
    ],
)
def test_smtp_url_is_read(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:0",
        "smtp://mail.example:hunter2",
        "smtp://mail.example:99999",
        "smtp://mail.example?tls=maybe",
        "smtp://mail.example?tls=none&tls=starttls",
        "smtp://mail.example?starttls=1",
        "smtp://mail.example/inbox",
        "smtp://hunter2@mail.example",
        "smtp://user:hunter2@mail.example?tls=none",
        "smtp://[hunter2",
    ],
)
def test_wrong_smtp_url_is_refused_by_name_and_not_repeated(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        config.load(Config, **(GOOD | {"smtp_url": url}))
    told = capsys.readouterr().err
    assert "INVOKER_SMTP_URL" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "text",
    ["", "Invoker", "a@b\nBcc: c@d", "=?utf-8?q?x?= <a@b.example>", "a@b.example, c@d.example", "jörg@b.example"],
)
def test_wrong_sender_is_refused_by_name(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        config.load(Config, **(GOOD | {"mail_from": text}))
    assert "INVOKER_MAIL_FROM" in capsys.readouterr().err


def test_sender_is_read() -> None:
    settings = config.load(Config, **(GOOD | {"mail_from": "Invoker, Inc. <login@mail.example>"}))
    assert settings.sender == Sender(name="Invoker, Inc.", address="login@mail.example")
    assert settings.sender.domain == "mail.example"
