"""What the SMTP server's answers mean, and how connections are used."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from services.mailer.config import SmtpServer as Server
from services.mailer.config import Tls, parse_smtp_url
from services.mailer.smtp import MAX_USES, Refused, Transport, Undelivered, transport
from tests.support.smtp import SmtpServer, smtp_server

CERTIFICATE = Path(__file__).parent.parent / "data" / "localhost.pem"
MESSAGE = b"From: a@example.com\r\nSubject: hi\r\n\r\n.\r\nhello\r\n"


@pytest.fixture
async def outgoing(smtp: SmtpServer) -> AsyncIterator[Transport]:
    async with transport(parse_smtp_url(smtp.url), greeting="invoker.example", deadline=2) as opened:
        yield opened


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def send(outgoing: Transport, recipient: str = "ada@example.com") -> bool:
    return await outgoing.send(MESSAGE, sender="a@example.com", recipient=recipient)


async def test_a_mail_arrives_as_it_was_written(smtp: SmtpServer, outgoing: Transport) -> None:
    assert await send(outgoing)
    assert [(mail.recipient, mail.raw) for mail in smtp.received] == [("ada@example.com", MESSAGE)]


async def test_a_connection_is_kept_for_the_next_mail(smtp: SmtpServer, outgoing: Transport) -> None:
    for _ in range(3):
        await send(outgoing)
    assert (len(smtp.connections), len(smtp.received)) == (1, 3)


async def test_a_connection_carries_one_mail_at_a_time(smtp: SmtpServer, outgoing: Transport) -> None:
    await asyncio.gather(*(send(outgoing) for _ in range(5)))
    assert (len(smtp.connections), len(smtp.received)) == (5, 5)


async def test_a_connection_is_not_used_for_ever(smtp: SmtpServer, outgoing: Transport) -> None:
    for _ in range(MAX_USES + 1):
        await send(outgoing)
    assert len(smtp.connections) == 2


async def test_an_unused_connection_is_closed(smtp: SmtpServer) -> None:
    outgoing = Transport(parse_smtp_url(smtp.url), greeting="invoker.example", keep=0.01)
    await send(outgoing)
    await asyncio.sleep(0.05)
    await send(outgoing)
    assert len(smtp.connections) == 2
    await outgoing.close()


async def test_a_kept_connection_that_died_is_replaced_unseen(smtp: SmtpServer, outgoing: Transport) -> None:
    await send(outgoing)
    smtp.hang_up()
    assert await send(outgoing)
    assert len(smtp.received) == 2


@pytest.mark.parametrize("answer", ["550 5.1.1 <ada@example.com>: no such user", "553 no", "552 5.2.2 mailbox full"])
async def test_5xx_about_the_recipient_is_final(smtp: SmtpServer, outgoing: Transport, answer: str) -> None:
    smtp.at_rcpt["ada@example.com"] = [answer]
    with pytest.raises(Refused) as refused:
        await send(outgoing)
    assert str(refused.value).startswith(answer[:3])
    assert "ada@" not in str(refused.value)


async def test_5xx_about_the_mail_is_final(smtp: SmtpServer, outgoing: Transport) -> None:
    smtp.at_data["ada@example.com"] = ["554 5.6.0 we do not want this"]
    with pytest.raises(Refused, match="554"):
        await send(outgoing)


@pytest.mark.parametrize("answer", ["421 4.3.2 going down", "450 4.2.1 later", "451 4.7.1 greylisted", "452 full"])
async def test_4xx_is_worth_another_try(smtp: SmtpServer, outgoing: Transport, answer: str) -> None:
    smtp.at_rcpt["ada@example.com"] = [answer]
    smtp.at_data["bob@example.com"] = [answer]
    for recipient in ("ada@example.com", "bob@example.com"):
        with pytest.raises(Undelivered, match=answer[:3]):
            await send(outgoing, recipient)
        assert await send(outgoing, recipient)


async def test_a_connection_lost_after_data_is_worth_another_try(smtp: SmtpServer, outgoing: Transport) -> None:
    smtp.drops.add("ada@example.com")
    with pytest.raises(Undelivered):
        await send(outgoing)


async def test_a_stall_ends_at_the_deadline(smtp: SmtpServer) -> None:
    smtp.stalls["ada@example.com"] = asyncio.Event()
    async with transport(parse_smtp_url(smtp.url), greeting="invoker.example", deadline=0.2) as outgoing:
        with pytest.raises(Undelivered, match="no answer within"):
            await send(outgoing)


async def test_a_server_that_is_away_is_worth_another_try(smtp: SmtpServer) -> None:
    async with transport(Server(host="127.0.0.1", port=1, tls="none"), greeting="invoker.example") as outgoing:
        with pytest.raises(Undelivered, match="SMTPConnectError"):
            await send(outgoing)


async def test_what_is_not_wanted_any_more_at_the_last_moment_is_not_sent(
    smtp: SmtpServer, outgoing: Transport
) -> None:
    sent = await outgoing.send(MESSAGE, sender="a@b.example", recipient="c@d.example", still_wanted=lambda: False)
    assert not sent
    assert smtp.transactions == []


async def test_a_stripped_starttls_sends_nothing_r41(smtp: SmtpServer) -> None:
    """R41: no mail and no password in clear when encryption was asked for and is not offered."""
    server = Server(host="127.0.0.1", port=smtp.port, tls="starttls", username="user", password="secret")
    async with transport(server, greeting="invoker.example") as outgoing:
        with pytest.raises(Undelivered):
            await send(outgoing)
    assert smtp.transactions == []


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
async def test_an_encrypted_connection_needs_a_trusted_certificate(server_tls: ssl.SSLContext, kind: Tls) -> None:
    async with smtp_server(tls=server_tls, implicit=kind == "implicit") as smtp:
        server = Server(host="localhost", port=smtp.port, tls=kind)
        async with transport(server, greeting="invoker.example") as outgoing:
            with pytest.raises(Undelivered):
                await send(outgoing)
        assert smtp.transactions == []


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
async def test_an_encrypted_connection_logs_in_and_sends(
    server_tls: ssl.SSLContext, kind: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    seen: list[LoginPassword] = []

    def authenticate(
        _server: SMTP, _session: object, _envelope: object, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        seen.append(data)
        return AuthResult(success=True)

    implicit = kind == "implicit"
    # aiosmtpd only knows of encryption that it began itself
    asks: dict[str, Any] = {"authenticator": authenticate, "auth_require_tls": not implicit}
    async with smtp_server(tls=server_tls, implicit=implicit, **asks) as smtp:
        server = parse_smtp_url(f"smtp://user:p%40ss@localhost:{smtp.port}?tls={kind}")
        async with transport(server, greeting="invoker.example") as outgoing:
            assert await send(outgoing)
            assert await send(outgoing)
        assert len(smtp.received) == 2
        assert [(login.login, login.password) for login in seen] == [(b"user", b"p@ss")]
