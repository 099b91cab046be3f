"""Addresses that are mailed no more: after which answers and reports, what others hear of it, and the way back."""

from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from services.mailer import commands
from services.mailer.config import Config
from services.mailer.service import NoAddress, NotSuppressed
from shared import rabbitmq, server
from shared.bus import Delivery, Handlers
from shared.events import AddressLifted, AddressSuppressed, Envelope, Event, MailSettled
from tests.mailer.conftest import OpenMailer
from tests.mailer.test_mailer import count, publish
from tests.support.eventually import eventually
from tests.support.mail_events import a_login_mail, a_message, a_submission_mail
from tests.support.reports import bounce, complaint
from tests.support.smtp import SmtpServer

#: What the mailer says of mails and addresses.
SAID: tuple[type[Event], ...] = (MailSettled, AddressSuppressed, AddressLifted)


@dataclass(slots=True)
class World:
    """A mailer, its internal port, and what deploy hears of it."""

    bus: rabbitmq.RabbitMQ
    url: str
    session: aiohttp.ClientSession
    heard: list[Any] = field(default_factory=list)

    async def hear(self, event: Any, _delivery: Delivery) -> None:
        self.heard.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def report(self, body: Any, *, token: str = "t" * 20) -> tuple[int, Any]:
        """Send a report to the internal port."""
        given: dict[str, Any] = {"json": body}
        headers = {"Authorization": f"Bearer {token}"}
        if isinstance(body, bytes):
            given, headers = {"data": body}, headers | {"Content-Type": "message/rfc822"}
        async with self.session.post(f"{self.url}/internal/reports", headers=headers, **given) as answer:
            return answer.status, await answer.json()

    async def settled(self, message: Envelope) -> MailSettled:
        """Wait for a message's receipt."""
        found = await eventually(lambda: [each for each in self.of(MailSettled) if each.message_id == message.id])
        receipt: MailSettled = found[0]
        return receipt


@pytest.fixture
def opened(open_mailer: OpenMailer) -> Any:
    @asynccontextmanager
    async def run() -> AsyncIterator[World]:
        async with open_mailer() as (bus, service), aiohttp.ClientSession() as session:
            taken = server.bind("127.0.0.1", 0)
            world = World(bus, f"http://127.0.0.1:{taken.getsockname()[1]}", session)
            hearing: Handlers = dict.fromkeys(SAID, world.hear)
            async with server.listening(service.internal, taken), bus.consume("deploy", hearing):
                yield world

    return run


async def test_r38_after_no_such_user_nothing_goes_there_login_codes_too(opened: Any, smtp: SmtpServer) -> None:
    """R38: the mailer's part: after one refusal no mail to the address, however it is written, meets the server."""
    smtp.at_rcpt["ada@example.com"] = ["550 5.1.1 <ada@example.com>: no such user"]
    async with opened() as world:
        first, second = a_message(a_submission_mail()), a_message(a_submission_mail(to="ADA@example.com"))
        await publish(world.bus, first)
        refused = await world.settled(first)
        assert (refused.result, refused.reason) == ("refused", "550 5.1.1 <…>: no such user")
        (event,) = await eventually(lambda: world.of(AddressSuppressed))
        assert (event.email, event.reason) == ("ada@example.com", "bounce")
        before = count("suppressed")
        await publish(world.bus, second, a_message(), a_message(a_login_mail(to="bob@example.com")))
        assert (await world.settled(second)).result == "suppressed"
        await eventually(lambda: count("suppressed") == before + 1)
        await eventually(lambda: smtp.to("bob@example.com"))
        assert len(world.of(AddressSuppressed)) == 1
    assert smtp.transactions.count("ada@example.com") == 1


@pytest.mark.parametrize(
    "answer", ["552 5.2.2 mailbox full", "550 5.7.1 blocked", "554 5.6.0 content", "550 SPF failed"]
)
async def test_other_refusals_end_one_mail_and_no_address(opened: Any, smtp: SmtpServer, answer: str) -> None:
    smtp.at_rcpt["ada@example.com"] = [answer]
    async with opened() as world:
        first, second = a_message(a_submission_mail()), a_message(a_submission_mail())
        await publish(world.bus, first)
        assert (await world.settled(first)).result == "refused"
        await publish(world.bus, second)
        assert (await world.settled(second)).result == "sent"
        assert world.of(AddressSuppressed) == []


async def test_only_who_asks_for_a_receipt_gets_one(opened: Any, smtp: SmtpServer) -> None:
    async with opened() as world:
        asked = a_message(a_submission_mail())
        await publish(world.bus, a_message(), asked)
        receipt = await world.settled(asked)
        assert (receipt.result, receipt.reason) == ("sent", None)
        await eventually(lambda: len(smtp.received) == 2)
        assert len(world.of(MailSettled)) == 1


@pytest.mark.parametrize("make, kind", [(bounce, "bounce"), (complaint, "complaint")])
async def test_a_report_ends_the_address_that_its_mail_went_to(
    opened: Any, smtp: SmtpServer, make: Any, kind: str
) -> None:
    """Whatever address it names: nobody ends another's mails by writing to where bounces arrive."""
    async with opened() as world:
        message = a_message(a_submission_mail())
        await publish(world.bus, message)
        await world.settled(message)
        unknown = make("msg_0000000000000000")
        assert (await world.report(unknown))[0] == 422
        report = make(message.id).replace(b"To: ada@example.com", b"To: victim@example.com")
        for _ in range(2):
            assert await world.report(report) == (200, {"kind": kind, "suppressed": True})
        (event,) = await eventually(lambda: world.of(AddressSuppressed))
        assert (event.email, event.reason) == ("ada@example.com", kind)


async def test_a_report_of_a_delay_ends_nothing(opened: Any, smtp: SmtpServer) -> None:
    async with opened() as world:
        message = a_message(a_submission_mail())
        await publish(world.bus, message)
        await world.settled(message)
        delayed = bounce(message.id, action="delayed", status="4.4.1")
        assert await world.report(delayed) == (200, {"kind": "bounce", "suppressed": False})
        assert world.of(AddressSuppressed) == []


async def test_a_providers_webhook_names_the_address(opened: Any) -> None:
    async with opened() as world:
        body = {"email": " Ada@Example.com", "kind": "complaint", "detail": "spam folder"}
        assert (await world.report(body, token="wrong"))[0] == 401
        assert await world.report(body) == (200, {"kind": "complaint", "suppressed": True})
        (event,) = await eventually(lambda: world.of(AddressSuppressed))
        assert (event.email, event.reason, event.detail) == ("ada@example.com", "complaint", "spam folder")
        wrong: Any
        for wrong in ({}, {"email": "nobody", "kind": "bounce"}, {"email": "a@b.example", "kind": "joy"}, []):
            assert (await world.report(wrong))[0] == 422, wrong


async def test_what_is_lifted_is_mailed_again_and_a_later_bounce_stands(opened: Any, smtp: SmtpServer) -> None:
    async with opened() as world:
        await world.report({"email": "ada@example.com", "kind": "bounce"})
        (first,) = await eventually(lambda: world.of(AddressSuppressed))
        lifted = a_message(AddressLifted(email="ada@example.com", suppressed_at=first.at))
        await publish(world.bus, lifted)
        await eventually(lambda: world.of(AddressLifted))
        message = a_message(a_submission_mail())

        async def sent() -> bool:
            again = message.model_copy(update={"id": f"{message.id}{len(smtp.received)}{len(world.heard)}"})
            await publish(world.bus, again)
            return bool((await world.settled(again)).result == "sent")

        await eventually(sent)
        await world.report({"email": "ada@example.com", "kind": "bounce"})
        await eventually(lambda: len(world.of(AddressSuppressed)) == 2)
        await publish(world.bus, lifted)
        await eventually(lambda: len(world.of(AddressLifted)) == 2)
        last = a_message(a_submission_mail())
        await publish(world.bus, last)
        assert (await world.settled(last)).result == "suppressed"


async def test_the_operators_commands(opened: Any, settings: Config) -> None:
    address = Namespace(address="Ada@Example.com", kind="bounce", detail="by the operator")
    async with opened() as world:
        assert await commands.suppressed(settings, Namespace()) == "No address is suppressed."
        assert await commands.suppress(settings, address) == "Ada@Example.com gets no mails."
        assert "before" in await commands.suppress(settings, address)
        assert (await commands.suppressed(settings, Namespace())).startswith("ada@example.com  bounce  2")
        assert await commands.lift(settings, address) == "Ada@Example.com gets mails again."
        await eventually(lambda: world.of(AddressSuppressed) and world.of(AddressLifted))
    with pytest.raises(NotSuppressed):
        await commands.lift(settings, address)
    with pytest.raises(NoAddress):
        await commands.suppress(settings, Namespace(address="nobody", kind="bounce", detail=""))
