"""Addresses outside ASCII, over SMTP: a domain travels as every server reads it, a local part needs SMTPUTF8."""

from collections.abc import Callable

import pytest

from services.mailer import mails
from services.mailer.config import Sender, parse_smtp_url
from services.mailer.smtp import Refused, transport
from shared.events import Event
from tests.mailer.conftest import OpenMailer
from tests.mailer.test_mailer import publish
from tests.support.eventually import eventually
from tests.support.mail_events import NOON, a_login_mail, a_message, a_submission_mail
from tests.support.smtp import SmtpServer, smtp_server

SENDER = Sender(name="Invoker", address="login@invoker.example")


@pytest.mark.parametrize("make", [a_login_mail, a_submission_mail])
async def test_a_local_part_outside_ascii_is_sent_as_smtputf8(
    open_mailer: OpenMailer, smtp: SmtpServer, make: Callable[..., Event]
) -> None:
    async with open_mailer() as (bus, _):
        await publish(bus, a_message(make(to="jörg@müller.example")))
        await eventually(lambda: smtp.received)
    (mail,) = smtp.to("jörg@müller.example")
    assert "\r\nTo: jörg@müller.example\r\n" in mail.raw.decode()
    assert "SMTPUTF8" in smtp.mail_options[0]


async def test_a_domain_outside_ascii_needs_nothing_of_the_server() -> None:
    async with smtp_server(enable_SMTPUTF8=False) as plain:
        event = a_submission_mail(to="ada@müller.example", reply_to="jörg@müller.example")
        mail = mails.mail(a_message(event), event, sender=SENDER)
        async with transport(parse_smtp_url(plain.url), greeting="invoker.example", deadline=2) as outgoing:
            raw = mails.to_bytes(mail, sender=SENDER, now=NOON)
            assert await outgoing.send(raw, sender=SENDER.address, recipient=mail.to)
    (received,) = plain.to("ada@xn--mller-kva.example")
    assert received.raw.isascii()
    assert "SMTPUTF8" not in plain.mail_options[0]


async def test_a_server_without_smtputf8_refuses_for_good_and_nothing_is_sent() -> None:
    async with smtp_server(enable_SMTPUTF8=False) as plain:
        event = a_login_mail(to="jörg@müller.example")
        mail = mails.mail(a_message(event), event, sender=SENDER)
        async with transport(parse_smtp_url(plain.url), greeting="invoker.example", deadline=2) as outgoing:
            raw = mails.to_bytes(mail, sender=SENDER, now=NOON)
            with pytest.raises(Refused, match="outside ASCII"):
                await outgoing.send(raw, sender=SENDER.address, recipient=mail.to)
        assert plain.received == []
