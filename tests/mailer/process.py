"""A mailer as a process of its own, on a bus in a hurry: to be killed. Its settings are the environment's.

The first argument is the bus's prefix.
"""

import asyncio
import sys

from services.mailer.app import open_service
from services.mailer.config import Config
from shared import config, logs, rabbitmq, server

#: One attempt soon after the claim of a killed mailer has ended, others for a machine that is busy.
RETRY_DELAYS = (0.4, 0.8, 1.6, 4.0, 6.4)
DEADLINE, LEASE = 6.0, 6.3


async def run(prefix: str) -> None:
    settings = config.load(Config)
    async with (
        rabbitmq.connect(settings.amqp_url.get_secret_value(), prefix=prefix, retry_delays=RETRY_DELAYS) as bus,
        open_service(settings, bus, deadline=DEADLINE, lease=LEASE) as service,
    ):
        await server.run(settings, service)


if __name__ == "__main__":
    logs.configure("mailer")
    asyncio.run(run(sys.argv[1]))
