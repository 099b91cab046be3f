"""Mailers that are killed in the middle of their work."""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.mailer.app import PREFETCH
from shared import rabbitmq
from shared.bus import BusError
from shared.events import Envelope
from tests.mailer.process import RETRY_DELAYS
from tests.support.eventually import eventually
from tests.support.mail_events import a_message
from tests.support.smtp import SmtpServer

JOBS, KILLS = 200, 3
ROOT = Path(__file__).parent.parent.parent

Start = Callable[[], Coroutine[Any, Any, asyncio.subprocess.Process]]


@pytest.fixture
async def start(
    database_url: str, amqp_url: str, bus_prefix: str, smtp: SmtpServer, tmp_path: Path
) -> AsyncIterator[Start]:
    """Give a function that starts a mailer process; those that still run at the end are ended."""
    environment = os.environ | {
        "INVOKER_DATABASE_URL": database_url,
        "INVOKER_AMQP_URL": amqp_url,
        "INVOKER_SMTP_URL": smtp.url,
        "INVOKER_SERVICE_TOKEN": "t" * 20,
        "INVOKER_INTERNAL_PORT": "0",
        "PYTHONPATH": str(ROOT),
    }
    started: list[asyncio.subprocess.Process] = []

    async def run() -> asyncio.subprocess.Process:
        with (tmp_path / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.mailer.process",
                bus_prefix,
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def published(jobs: int, amqp_url: str, prefix: str) -> list[str]:
    """Publish login mails, as soon as there is a queue for them, and give their message ids."""
    messages = [a_message() for _ in range(jobs)]
    async with rabbitmq.connect(amqp_url, prefix=prefix, retry_delays=RETRY_DELAYS) as bus:

        async def publish(message: Envelope) -> bool:
            try:
                await bus.publish(message)
            except BusError:
                return False
            return True

        await eventually(lambda: publish(messages[0]), every=0.1)
        await asyncio.gather(*(bus.publish(message) for message in messages[1:]))
    return [f"<{message.id}@localhost>" for message in messages]


async def test_killed_mailers_lose_nothing_and_repeat_next_to_nothing_r34(
    start: Start, amqp_url: str, bus_prefix: str, smtp: SmtpServer
) -> None:
    """R34: kill -9 in the middle of the work: lost 0, duplicates at most the kills, with the same Message-ID.

    A busy machine widens the moment between a mail and its note, so each kill is allowed two; none that it had not in
    hand is sent again.
    """
    smtp.pause = lambda: random.uniform(0.05, 0.6)
    process, in_hand = await start(), set[str]()
    expected = set(await published(JOBS, amqp_url, bus_prefix))
    for round_ in range(1, KILLS + 1):
        aim = round_ * JOBS // (KILLS + 2) + random.randint(0, 9)
        await eventually(partial(reached, smtp, aim))
        # not right after a mail: any moment is as good as another
        await asyncio.sleep(random.uniform(0, 0.1))
        process.kill()
        await process.wait()
        in_hand |= {mail.message_id for mail in smtp.received[-2 * PREFETCH :]}
        process = await start()
    await eventually(lambda: reached(smtp, JOBS) and message_ids(smtp) == expected, every=0.2)
    process.terminate()
    assert await process.wait() == 0
    sent = Counter(mail.message_id for mail in smtp.received)
    assert sent.total() - JOBS <= 2 * KILLS
    assert {mail for mail, times in sent.items() if times > 1} <= in_hand


def message_ids(smtp: SmtpServer) -> set[str]:
    return {mail.message_id for mail in smtp.received}


def reached(smtp: SmtpServer, count: int) -> bool:
    return len(smtp.received) >= count
