"""Submissions that arrive together are committed together: one statement, one commit, for all that wait.

Nobody waits to be joined: a write begins at once, and what arrives while it runs is the next one. So a busy form
costs the database a commit for dozens of posts, and a quiet one gets its answer as fast as ever.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.deploy import submissions
from services.deploy.submissions import Arrival
from shared import db
from shared.errors import AppError, Unavailable

#: Submissions of one statement, of 256 KiB at most.
MAX_TOGETHER: Final = 64
#: Statements under way at once: a second one halves the first, and each costs as much as a dozen posts (measured).
WRITES: Final = 1

_Waiting = tuple[Arrival, "asyncio.Future[bool]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearers:
    """Who is told at once, in this process, that something was committed; others look by themselves."""

    #: Of each site that something was stored for.
    stored: Callable[[str], None] = lambda _site: None
    #: That webhooks wait.
    queued: Callable[[], None] = lambda: None
    #: That somebody is to be told of something.
    told: Callable[[], None] = lambda: None


_NOBODY: Final = Hearers()


class Writer:
    """Stores submissions and the messages about them; one per process."""

    def __init__(self, pool: db.Pool, hearers: Hearers = _NOBODY) -> None:
        self._pool = pool
        self._hearers = hearers
        self._waiting: list[_Waiting] = []
        self._writes: set[asyncio.Task[None]] = set()

    async def add(self, given: Arrival) -> bool:
        """Return when the submission and what goes with it are committed; false when its idempotency key came before.

        Raise Unavailable when they could not be. Whoever is cancelled while waiting leaves the write itself alone.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((given, done))
        if len(self._writes) < WRITES:
            write = asyncio.create_task(self._run())
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)
        return await done

    async def _run(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
            try:
                await self._write(together)
            except Exception:  # noqa: BLE001 - whatever one of them did must not cost the others their place
                for each in together:
                    await self._write_alone(each)

    async def _write_alone(self, one: _Waiting) -> None:
        try:
            await self._write([one])
        except Exception as error:  # noqa: BLE001 - it is raised where the submission came from
            if not one[1].done():
                one[1].set_exception(error)

    async def _write(self, together: list[_Waiting]) -> None:
        failure: type[AppError] | None = None
        try:
            async with db.acquire(self._pool) as conn:
                stored = await submissions.add_all(conn, [given for given, _ in together])
        except Unavailable:
            failure, stored = Unavailable, {}
        if any(stored.values()):
            self._hearers.queued()
        for given, done in together:
            if given.submission.id in stored:
                self._hearers.stored(given.submission.deployment_id)
            if done.done():
                continue
            if failure is None:
                done.set_result(given.submission.id in stored)
            else:
                done.set_exception(failure())
