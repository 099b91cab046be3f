"""Handing mails to the SMTP server: kept connections, one deadline, and what its answers mean.

A connection is used for one mail at a time and kept for a few seconds after it: opening one takes longer than the mail.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiosmtplib

from services.mailer import statuses
from services.mailer.config import SmtpServer

#: Seconds for the whole of one mail: connection, encryption, login, transfer.
DEADLINE: Final = 30.0
#: Seconds that an unused connection is kept; servers hang up after minutes.
KEEP: Final = 15.0
#: Mails over one connection; some servers hang up at a hundred.
MAX_USES: Final = 50
#: Seconds for a kept connection to show that it is alive.
PROBE_TIMEOUT: Final = 2.0
#: Seconds for a polite goodbye.
QUIT_TIMEOUT: Final = 1.0
#: Characters of a server's answer that are kept as a reason.
REASON_LENGTH: Final = 200

_ADDRESS: Final = re.compile(r"[^\s<>]+@[^\s<>]+")


class Refused(Exception):
    """The server will never take this mail for this recipient (5xx); the text is its answer, without addresses."""

    def __init__(self, reason: str, *, no_mailbox: bool = False) -> None:
        super().__init__(reason)
        #: No mail will ever reach this address.
        self.no_mailbox = no_mailbox


class Undelivered(Exception):
    """The server did not take the mail now; a later attempt may go well."""


class Connection:
    """A connection to the server and how often it was used."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.uses = 0

    async def alive(self) -> bool:
        """Tell whether the server still listens; a lost link shows here, not in the middle of a mail."""
        if not self.client.is_connected:
            return False
        try:
            await self.client.rset(timeout=PROBE_TIMEOUT)
        except (aiosmtplib.SMTPException, OSError):
            self.client.close()
            return False
        except BaseException:
            self.client.close()
            raise
        return True

    async def close(self) -> None:
        """Say goodbye and hang up."""
        with suppress(aiosmtplib.SMTPException, OSError):
            await self.client.quit(timeout=QUIT_TIMEOUT)
        self.client.close()


class Transport:
    """Sends mails; any number at a time, each over a connection of its own."""

    def __init__(self, server: SmtpServer, *, greeting: str, deadline: float = DEADLINE, keep: float = KEEP) -> None:
        self._server = server
        self._greeting = greeting
        self._deadline = deadline
        self._keep = keep
        self._tls = ssl.create_default_context() if server.tls != "none" else None
        self._idle: list[Connection] = []
        self._closing: set[asyncio.Task[None]] = set()

    async def send(
        self, message: bytes, *, sender: str, recipient: str, still_wanted: Callable[[], bool] = lambda: True
    ) -> bool:
        """Hand over one mail; returns once the server has taken it, False when it is no longer wanted.

        `still_wanted` is asked at the last moment, when the connection is there. Raise Refused or Undelivered, the
        latter after at most the deadline. Undelivered after the mail's last byte may mean that the server has it all
        the same: nobody can know (RFC 1047).
        """
        try:
            async with asyncio.timeout(self._deadline):
                connection = await self._take()
                try:
                    if wanted := still_wanted():
                        await self._transfer(connection, message, sender, recipient)
                except BaseException:
                    # its state on the server is unknown: never used again
                    connection.client.close()
                    raise
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _judge(error, self._deadline) from error
        self._give_back(connection)
        return wanted

    async def close(self) -> None:
        """Hang up every connection that is kept."""
        for connection in self._idle:
            self._retire(connection)
        self._idle.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if await connection.alive():
                return connection
        return await self._open()

    async def _open(self) -> Connection:
        client = aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=self._server.password,
            local_hostname=self._greeting,
            timeout=self._deadline,
            use_tls=self._server.tls == "implicit",
            # never "if it is offered": whoever can strip the offer could read the mail (R41)
            start_tls=self._server.tls == "starttls",
            tls_context=self._tls,
        )
        await client.connect()
        return Connection(client)

    async def _transfer(self, connection: Connection, message: bytes, sender: str, recipient: str) -> None:
        connection.uses += 1
        options = [] if recipient.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
        await connection.client.sendmail(sender, [recipient], message, mail_options=options)

    def _give_back(self, connection: Connection) -> None:
        if connection.uses >= MAX_USES or not connection.client.is_connected:
            self._retire(connection)
            return
        self._idle.append(connection)
        asyncio.get_running_loop().call_later(self._keep, self._expire, connection, connection.uses)

    def _expire(self, connection: Connection, uses: int) -> None:
        if connection in self._idle and connection.uses == uses:
            self._idle.remove(connection)
            self._retire(connection)

    def _retire(self, connection: Connection) -> None:
        task = asyncio.create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


@asynccontextmanager
async def transport(server: SmtpServer, *, greeting: str, deadline: float = DEADLINE) -> AsyncIterator[Transport]:
    """Open a transport; it connects with the first mail."""
    opened = Transport(server, greeting=greeting, deadline=deadline)
    try:
        yield opened
    finally:
        await opened.close()


def _judge(error: Exception, deadline: float) -> Refused | Undelivered:
    """Tell whether trying again can help.

    Only an answer about this recipient or this mail is final. A refused login, sender or encryption is a fault of the
    configuration, which somebody will mend: those mails are worth keeping.
    """
    no_mailbox = False
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            code, text, final = first.code, first.message, True
            no_mailbox = statuses.no_mailbox(code, text)
        case aiosmtplib.SMTPDataError():
            code, text, final = error.code, error.message, True
        case aiosmtplib.SMTPSenderRefused(code=552):  # the mail's size is announced with its sender
            code, text, final = error.code, error.message, True
        case aiosmtplib.SMTPResponseException():
            code, text, final = error.code, error.message, False
        case aiosmtplib.SMTPNotSupported() if "SMTPUTF8" in str(error):
            return Refused("the server takes no addresses outside ASCII")
        case aiosmtplib.SMTPException() | OSError():
            what = f"no answer within {deadline:g} s" if isinstance(error, TimeoutError) else type(error).__name__
            return Undelivered(what)
        case _:
            return Undelivered(type(error).__name__)
    reason = f"{code} {_ADDRESS.sub('…', ' '.join(text.split()))}"[:REASON_LENGTH]
    return Refused(reason, no_mailbox=no_mailbox) if final and code >= 500 else Undelivered(reason)
