"""The development mailbox: takes every mail over SMTP, keeps it, and shows it on a page."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.standalone.mail_files import MailFiles
from services.standalone.mailbox_pages import application
from shared import logs
from shared.http import MIB

log = logs.get(__name__)

#: Bytes of one mail.
MAX_SIZE: Final = 10 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An open mailbox: the application to mount below `/mailbox`, and the port that takes mails."""

    app: web.Application
    smtp_port: int


class _Intake:
    """What aiosmtpd asks."""

    def __init__(self, mails: MailFiles) -> None:
        self._mails = mails

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Take a mail: it is on disk when the sender hears 250."""
        content = envelope.content
        try:
            await self._mails.add(content if isinstance(content, bytes) else (content or "").encode())
        except OSError as error:
            log.error("mailbox.not_written", error=type(error).__name__)  # noqa: TRY400 - its name says all
            return "452 4.3.1 The mail could not be written"
        return "250 2.0.0 Ok"


@asynccontextmanager
async def open_mailbox(directory: Path, *, smtp_port: int = 0) -> AsyncIterator[Mailbox]:
    """Take mails on loopback into `directory` while the context is open; those of earlier runs are there too."""
    mails = MailFiles(directory)
    intake = _Intake(mails)
    loop = asyncio.get_running_loop()
    connections: weakref.WeakSet[SMTP] = weakref.WeakSet()

    def connect() -> SMTP:
        made = SMTP(intake, hostname="localhost", loop=loop, enable_SMTPUTF8=True, data_size_limit=MAX_SIZE)
        connections.add(made)
        return made

    server = await loop.create_server(connect, "127.0.0.1", smtp_port)
    try:
        yield Mailbox(app=application(mails), smtp_port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)  # lets the connections hear it
