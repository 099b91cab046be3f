"""A real SMTP server in the test's own loop, that can be told to be difficult."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that the server took, or would have: it was there to the last byte."""

    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())


@dataclass(slots=True)
class SmtpServer:
    """What the server received, and what it shall do next; answers and stalls are by recipient."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    #: Answers to RCPT and to DATA, used up in order; without one it is 250.
    at_rcpt: dict[str, list[str]] = field(default_factory=dict)
    at_data: dict[str, list[str]] = field(default_factory=dict)
    #: Mails to these wait here before they are answered.
    stalls: dict[str, asyncio.Event] = field(default_factory=dict)
    #: Mails to these are taken and then lost with their connection, once each.
    drops: set[str] = field(default_factory=set)
    #: Seconds before the answer to a mail.
    pause: Callable[[], float] = lambda: 0.0
    connections: list[SMTP] = field(default_factory=list)
    #: RCPT commands seen, by recipient: one for each transaction.
    transactions: list[str] = field(default_factory=list)
    #: What each transaction asked for beside its sender.
    mail_options: list[list[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    def to(self, recipient: str) -> list[Received]:
        return [mail for mail in self.received if mail.recipient == recipient]

    def hang_up(self) -> None:
        """Close every connection."""
        for connection in self.connections:
            if connection.transport is not None:
                connection.transport.close()
        self.connections.clear()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.mail_options.append(options)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.transactions.append(address)
        answer = _next(self.at_rcpt, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        recipient = envelope.rcpt_tos[0]
        assert isinstance(envelope.content, bytes)
        if stall := self.stalls.get(recipient):
            await stall.wait()
        await asyncio.sleep(self.pause())
        answer = _next(self.at_data, recipient)
        if answer.startswith("250"):
            self.received.append(Received(recipient, envelope.content))
        if recipient in self.drops:
            self.drops.remove(recipient)
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer


def _next(answers: dict[str, list[str]], recipient: str) -> str:
    waiting = answers.get(recipient)
    return waiting.pop(0) if waiting else "250 OK"


@asynccontextmanager
async def smtp_server(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, port: int = 0, **options: Any
) -> AsyncIterator[SmtpServer]:
    """Run a server on loopback; `tls` offers STARTTLS, or with `implicit` encrypts from the first byte."""
    state = SmtpServer()
    loop = asyncio.get_running_loop()

    def connect() -> SMTP:
        made = SMTP(
            state,
            hostname="smtp.test",
            loop=loop,
            tls_context=None if implicit else tls,
            **{"enable_SMTPUTF8": True} | options,
        )
        state.connections.append(made)
        return made

    server = await loop.create_server(connect, "127.0.0.1", port, ssl=tls if implicit else None)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        state.hang_up()
        await asyncio.sleep(0)
