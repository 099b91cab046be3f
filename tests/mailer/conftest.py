"""What the mailer's tests share: an SMTP server, and mailers on a database and a bus of the test's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from services.mailer.app import open_service
from services.mailer.config import Config
from shared import config, rabbitmq, server
from tests.support.smtp import SmtpServer, smtp_server

#: A bus in a hurry: the same number of retries, sooner.
RETRY_DELAYS = (0.2, 0.4, 0.8, 1.6)

Running = tuple[rabbitmq.RabbitMQ, server.Service]
OpenMailer = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as running:
        yield running


@pytest.fixture
def settings(database_url: str, smtp: SmtpServer) -> Config:
    return config.load(
        Config,
        database_url=database_url,
        service_token="t" * 20,
        smtp_url=smtp.url,
        mail_from="Invoker <login@invoker.example>",
    )


@pytest.fixture
def open_mailer(settings: Config, amqp_url: str, bus_prefix: str) -> OpenMailer:
    """Give a function that opens a mailer with a bus of its own, on the same queue as every other."""

    @asynccontextmanager
    async def opened(url: str = amqp_url, **options: Any) -> AsyncIterator[Running]:
        options = {"deadline": 5.0, "lease": 5.5} | options
        async with (
            rabbitmq.connect(url, prefix=bus_prefix, retry_delays=RETRY_DELAYS) as bus,
            open_service(settings, bus, **options) as service,
        ):
            yield bus, service

    return opened
