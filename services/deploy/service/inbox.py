"""What owners see of what visitors sent, and decide about it: lists, marks, deletion, figures, files."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from services.deploy.blobs import Blobs
from services.deploy.received import STATUSES, Listed, Received, SubmissionNotFound
from services.deploy.service.telling import Telling
from services.deploy.store import arrivals, inbox, ledgers, marks, traces
from services.deploy.store.inbox import Filter, Place
from services.deploy.store.ledgers import Totals
from services.deploy.store.traces import Upload
from services.deploy.traces import Hop
from shared import db, logs
from shared.auth_client import Caller
from shared.errors import Conflict

log = logs.get(__name__)

#: Seconds between two batches of a deletion: visitors come first.
BREATH: Final = 0.005
#: Submissions that a stream which comes back is told of at most.
MISSED: Final = 200
#: Before every submission.
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TestStaysTest(Conflict):
    """A test was to be marked as something else."""

    code = "test_submission"
    message = "This submission is a test"
    hint = "Tests are neither accepted nor spam. They go by themselves after 30 days, or delete it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A submission and what became of it."""

    submission: Received
    hops: Sequence[Hop]
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What came on a day (UTC), and what became of it."""

    day: date
    #: By outcome: accepted, held, dropped.
    counts: dict[str, int]
    #: By outcome and reason: `held.honeypot`.
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The figures of a site's forms."""

    #: Oldest first, those on which nothing came too.
    days: Sequence[Day]
    #: Names of forms; empty for the one without.
    forms: Sequence[str]
    totals: Totals


class Inbox:
    """The use cases of owners about submissions; every method takes who calls. Raise DeploymentNotFound."""

    def __init__(self, pool: db.Pool, telling: Telling, blobs: Blobs) -> None:
        self._pool = pool
        self._telling = telling
        self._blobs = blobs

    async def list(self, caller: Caller, given: Filter, *, limit: int, page: int, before: Place | None) -> Listed:
        """Return one page, counted from `before` where that is given."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, given.deployment_id)
            return await inbox.list_page(conn, given, limit=limit, offset=(page - 1) * limit, before=before)

    async def read(self, caller: Caller, deployment_id: str, submission_id: str) -> Traced:
        """Return one submission with its trace. Raise SubmissionNotFound."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await traces.find(conn, deployment_id, submission_id)
            hops, request_id = await traces.trace(conn, submission_id)
        return Traced(submission=found, hops=hops, request_id=request_id)

    async def change(
        self, caller: Caller, deployment_id: str, submission_id: str, *, status: str | None, read: bool | None
    ) -> Received:
        """Mark one submission, and return it. Raise SubmissionNotFound, TestStaysTest."""
        async with db.transaction(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await traces.find(conn, deployment_id, submission_id)
            if found.status == "test" and status is not None:
                raise TestStaysTest
            await marks.change(conn, deployment_id, [submission_id], status=status, read=read)
            return await traces.find(conn, deployment_id, submission_id)

    async def change_many(
        self, caller: Caller, deployment_id: str, ids: Sequence[str], *, status: str | None, read: bool | None
    ) -> int:
        """Mark submissions, and return how many were found; tests keep their status."""
        async with db.transaction(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            return await marks.change(conn, deployment_id, ids, status=status, read=read)

    async def delete(self, caller: Caller, deployment_id: str, submission_id: str) -> datetime:
        """Delete one submission and all that goes with it; return when that was. Raise SubmissionNotFound."""
        if not await self.delete_many(caller, deployment_id, [submission_id]):
            raise SubmissionNotFound
        return datetime.now(UTC)

    async def delete_many(self, caller: Caller, deployment_id: str, ids: Sequence[str]) -> int:
        """Delete submissions, and return how many were there."""
        async with db.transaction(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            deleted = await marks.delete(conn, deployment_id, ids)
        log.info("submissions.deleted", deployment=deployment_id, count=deleted)
        return deleted

    async def delete_all(
        self, caller: Caller, deployment_id: str, *, status: str | None, until: datetime, seconds: float
    ) -> tuple[int, bool]:
        """Delete what came before a time, perhaps of one status alone, in small transactions as long as time lasts.

        Return how many were deleted, and whether there may be more.
        """
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
        end, deleted = time.monotonic() + seconds, 0
        for each in [status] if status else STATUSES:
            place: Place | None = (_FIRST, "")
            while place is not None:
                async with db.transaction(self._pool) as conn:
                    gone, place = await marks.delete_some(conn, deployment_id, each, until, place)
                deleted += gone
                if place is not None and time.monotonic() > end:
                    log.info("submissions.deleted", deployment=deployment_id, count=deleted, more=True)
                    return deleted, True
                await asyncio.sleep(BREATH)
        log.info("submissions.deleted", deployment=deployment_id, count=deleted)
        return deleted, False

    async def stats(self, caller: Caller, deployment_id: str, *, count: int, form: str | None) -> Stats:
        """Return what came on the last days, today among them, and how many there are now."""
        today = datetime.now(UTC).date()
        first = today - timedelta(days=count - 1)
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            rows = await ledgers.days(conn, deployment_id, first, form)
            forms = await ledgers.forms(conn, deployment_id)
            totals = await ledgers.totals(conn, deployment_id)
        found = {
            day: Day(day=day, counts=dict.fromkeys(("accepted", "held", "dropped"), 0), reasons={})
            for day in (first + timedelta(days=number) for number in range(count))
        }
        for row in rows:
            if (day := found.get(row["day"])) is not None:
                day.counts[row["outcome"]] += row["count"]
                if row["reason"]:
                    day.reasons[f"{row['outcome']}.{row['reason']}"] = row["count"]
        return Stats(days=tuple(found.values()), forms=forms, totals=totals)

    async def file(
        self, caller: Caller, deployment_id: str, submission_id: str, upload_id: str
    ) -> tuple[str, AsyncGenerator[bytes, None]]:
        """Return a file's name and its bytes in pieces. Raise SubmissionNotFound."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await traces.upload(conn, deployment_id, submission_id, upload_id)
        return found.name, self._bytes(found)

    async def _bytes(self, upload: Upload) -> AsyncGenerator[bytes, None]:
        if not upload.size:
            yield b""
            return
        async for piece in self._blobs.stream(upload.blob):
            yield piece

    async def since(self, deployment_id: str, status: str, submission_id: str) -> AsyncGenerator[Received, None]:
        """Yield what came next after a submission, oldest first: at most `MISSED`."""
        for _ in range(0, MISSED, arrivals.ROWS):
            async with db.acquire(self._pool) as conn:
                rows = await arrivals.after(conn, deployment_id, status, submission_id)
            for row in rows:
                yield row
            if len(rows) < arrivals.ROWS:
                return
            submission_id = rows[-1].id

    async def owned(self, caller: Caller, deployment_id: str) -> str:
        """Return the slug of the caller's site."""
        async with db.acquire(self._pool) as conn:
            return await self._telling.owned(conn, caller, deployment_id)

    async def trace(self, submission_id: str) -> Sequence[Hop]:
        """Return what became of a submission until now. Raise SubmissionNotFound."""
        async with db.acquire(self._pool) as conn:
            hops, _ = await traces.trace(conn, submission_id)
        return hops
