"""What every line of the bench stands on: servers to use, processes to start, rounds that take turns."""

import asyncio
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.standalone import postgres
from shared import db
from tests.support import processes
from tests.support.launched import ROOT
from tests.support.minted import minted
from tests.support.ports import free_port

#: In each round ours and the bare limit run one after the other; who is first alternates. Many short rounds: on a
#: shared machine the two halves of a long one meet different neighbours.
ROUNDS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure as it is printed."""

    name: str
    ours: str
    bare: str
    ratio: float
    goal: str
    met: bool


@dataclass(slots=True)
class Sink:
    """An SMTP server that says 250 and remembers when, by recipient."""

    taken: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        for recipient in envelope.rcpt_tos:
            self.taken[recipient] = time.perf_counter()
        self.changed.set()
        return "250 OK"

    async def wait_for(self, recipient: str) -> float:
        """Return the moment of the 250 for this recipient. Raise TimeoutError after 20 s."""
        async with asyncio.timeout(20):
            while recipient not in self.taken:
                self.changed.clear()
                await self.changed.wait()
        return self.taken[recipient]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """The three services as processes, with one account and its key."""

    system: processes.System
    dsn: str
    sink: Sink
    key: str
    account: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Running servers, and a directory for what the processes keep."""

    directory: Path
    database: postgres.Server
    amqp_url: str

    @asynccontextmanager
    async def bed(self, **environment: str) -> AsyncIterator[Bed]:
        """Start auth, deploy and mailer on a fresh database."""
        name = f"bench_{secrets.token_hex(4)}"
        admin = await asyncpg.connect(self.database.dsn(database="postgres"))
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        dsn = self.database.dsn(database=name)
        for service in ("auth", "deploy", "mailer"):
            await db.migrate(dsn, service)
        sink = Sink()
        listening = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), "127.0.0.1", 0)
        sink.port = listening.sockets[0].getsockname()[1]
        directory = self.directory / name
        directory.mkdir()
        system = processes.System(
            directory,
            database_url=dsn,
            amqp_url=self.amqp_url,
            smtp_url=f"smtp://127.0.0.1:{sink.port}?tls=none",
            INVOKER_AMQP_PREFIX=name,
            **environment,
        )
        try:
            await asyncio.to_thread(system.start)
            account, (key,) = await keys(dsn, 1)
            yield Bed(system=system, dsn=dsn, sink=sink, key=key, account=account)
        finally:
            for started in system.services:
                started.close()
            listening.close()


async def keys(dsn: str, count: int) -> tuple[str, list[str]]:
    """Give an account this many keys, straight into auth's tables; return its id and the keys."""
    account, made = await minted(dsn, count)
    return account, [one.key for one in made]


@contextmanager
def process(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m MODULE WHAT PORT …` until the context closes."""
    with serving([sys.executable, "-m", *arguments], int(arguments[2]), log=log) as started:
        yield started


@contextmanager
def serving(command: list[str], port: int, *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the context closes; it is up when its port takes connections.

    Its own log lines are made and written, but to nowhere: this machine's disk is not what is measured.
    """
    with log.open("wb") as errors:
        started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            while not _listens(port):
                assert started.poll() is None, log.read_text()
                time.sleep(0.01)
            yield started
        finally:
            # not killed: nginx's workers would outlive it
            started.terminate()
            started.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def compare(
    ours: Callable[[], Awaitable[float]], bare: Callable[[], Awaitable[float]]
) -> tuple[float, float, float]:
    """Run both in alternating rounds; return the medians of each and of the rounds' ratios."""
    pairs = []
    for number in range(ROUNDS):
        if number % 2:
            second = await bare()
            first = await ours()
        else:
            first = await ours()
            second = await bare()
        pairs.append((first, second))
    return median(p[0] for p in pairs), median(p[1] for p in pairs), median(p[0] / p[1] for p in pairs)


__all__ = ["ROUNDS", "Bed", "Line", "Sink", "Stage", "compare", "free_port", "keys", "process"]
