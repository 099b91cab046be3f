"""Fixtures of the tests over processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from services.standalone.mailbox import open_mailbox
from shared import server
from tests.support import processes
from tests.support.direct import Direct
from tests.support.ports import free_port


@pytest.fixture
async def direct(database_url: str, amqp_url: str, bus_prefix: str, tmp_path: Path) -> AsyncIterator[Direct]:
    """Give the three processes, started, with a mailbox behind the mailer."""
    async with open_mailbox(tmp_path / "mails") as inbox, server.serving(inbox.app) as web:
        port = free_port()
        smtp_url = f"smtp://127.0.0.1:{inbox.smtp_port}?tls=none"
        async with server.listening(web, server.bind("127.0.0.1", port)), aiohttp.ClientSession() as session:
            system = processes.System(
                tmp_path,
                database_url=database_url,
                amqp_url=amqp_url,
                smtp_url=smtp_url,
                INVOKER_AMQP_PREFIX=bus_prefix.rstrip("."),
            )
            try:
                await asyncio.to_thread(system.start)
                client = Direct(session, system, f"http://127.0.0.1:{port}")
                yield client
            finally:
                for service in system.services:
                    service.close()
