"""A site with readers, what visitors send to it, and a notifier whose clock is moved by hand."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.deploy import submissions
from services.deploy.service.notices import Notices
from services.deploy.submissions import Arrival, Submission
from shared import db, ids, outbox
from shared.events import Envelope, Event, SubmissionMail, SubmissionsMail
from shared.relay import Relay
from tests.support.deploying import settings
from tests.support.fake_bus import FakeBus

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(slots=True)
class Desk:
    """Sites and their notices in deploy's tables; `round` does what a process does at a look."""

    pool: db.Pool
    messages: outbox.Outbox
    database_url: str
    now: datetime = START
    notices: Notices = field(init=False)

    def __post_init__(self) -> None:
        self.notices = self.another()

    def another(self) -> Notices:
        """Return what another process would have."""
        config = settings(self.database_url, Path("blobs").absolute(), "http://127.0.0.1:1")
        return Notices(self.pool, self.messages, config, clock=lambda: self.now)

    async def site(self, *others: str, email: str | None = "owner@example.com", **settings: Any) -> str:
        """Make a site of an account with this address, and further readers who have said yes."""
        site, account = ids.new_id("dep"), ids.new_id("acc")
        await self.pool.execute(
            "INSERT INTO accounts (id, email, plan) VALUES ($1, $2, 'free')", account, email or ""
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO deployments (id, account_id, slug, last_version, settings) VALUES ($1, $2, $3, 1, $4)",
            site, account, site[4:].lower(), settings,
        )  # fmt: skip
        for other in others:
            await self.pool.execute(
                "INSERT INTO recipients (id, deployment_id, email, confirmed_at) VALUES ($1, $2, $3, now())",
                ids.new_id("rcp"), site, other,
            )  # fmt: skip
        return site

    async def arrive(self, site: str, count: int = 1, *, status: str = "accepted", **facts: Any) -> list[str]:
        """Have visitors send something, and return the ids."""
        given = []
        for number in range(count):
            moment = self.now + timedelta(milliseconds=number)
            values = {"form": None, "data": {"n": number}, "request_id": "req_12345678"} | facts
            one = Submission(
                id=ids.new_id("sub"), deployment_id=site, status=status, version=1, created_at=moment, **values
            )
            given.append(Arrival(submission=one, words="", told=True))
        async with db.acquire(self.pool) as conn:
            await submissions.add_all(conn, given)
        return [each.submission.id for each in given]

    async def told(self) -> list[SubmissionMail | SubmissionsMail]:
        """Tell all there is to tell now, and return the mails, oldest first."""
        while await self.notices.round():
            pass
        return [event for event in await self.events() if isinstance(event, SubmissionMail | SubmissionsMail)]

    async def events(self) -> list[Event]:
        """Take what is in the outbox."""
        rows = await self.pool.fetch("WITH gone AS (DELETE FROM outbox RETURNING id, envelope) TABLE gone ORDER BY id")
        return [Envelope.model_validate(row["envelope"]).event() for row in rows]

    def later(self, **by: float) -> None:
        """Move the clock."""
        self.now += timedelta(**by)

    async def one(self, sql: str, *values: object) -> Mapping[str, Any]:
        """Return the one row of a query."""
        row = await self.pool.fetchrow(sql, *values)
        assert row is not None
        return dict(row)


@asynccontextmanager
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """Open a desk whose outbox is sent by nobody: its bus is away."""
    bus = FakeBus()
    bus.away = True
    async with db.pool(database_url, "deploy", size=4) as pool:
        yield Desk(pool, outbox.Outbox(pool, Relay(pool, bus)), database_url)
