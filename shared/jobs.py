"""What a service does by itself: jobs, each now and then, one after the other, in every process.

Any number of replicas may do the same job at the same time: each statement claims the rows it works on.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared import ids, logs
from shared.errors import Unavailable

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to do every so many seconds; it says how many rows it found."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[int]]


@asynccontextmanager
async def working(what: Sequence[Job]) -> AsyncIterator[None]:
    """Do the jobs while the context is open, one after the other, each first at once."""
    task = asyncio.create_task(_work(what), name="worker")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _work(what: Sequence[Job]) -> None:
    loop = asyncio.get_running_loop()
    due = dict.fromkeys(what, loop.time())
    while due:
        job = min(due, key=due.__getitem__)
        await asyncio.sleep(due[job] - loop.time())
        await run(job)
        # spread, so that replicas that were started together do not meet each time
        due[job] = loop.time() + job.seconds * random.uniform(0.9, 1.1)  # noqa: S311 - no secret


async def run(job: Job) -> None:
    """Do a job once. One that fails is logged, and tried again at its next time."""
    logs.request_id.set(ids.new_request_id())
    try:
        count = await job.run()
    except Unavailable:
        log.warning("job.put_off", job=job.name)
    except Exception:  # a job must not end the others
        log.exception("job.failed", job=job.name)
    else:
        if count:
            log.info("job", job=job.name, count=count)
