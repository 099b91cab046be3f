"""Deliveries: one submission on its way to one webhook, when it is tried again, what its log shows. Pure functions."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

#: Seconds from an attempt to the next one; after the last there is none.
DELAYS: Final = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
#: So that what failed together does not come back together.
JITTER: Final = 0.2
#: What a receiver may ask for.
LONGEST: Final = timedelta(hours=24)
#: Characters of an answer that are kept.
KEPT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is to be attempted now, with all that the attempt needs."""

    id: str
    webhook_id: str
    deployment_id: str
    submission_id: str
    #: Attempts so far.
    attempts: int
    #: Until then it is this process's; what the attempt comes to is written only if that is still so.
    leased_until: datetime
    url: str
    type: str
    #: The newest first.
    secrets: Sequence[str]
    failing_since: datetime | None
    slug: str
    form: str | None
    #: Of the submission, as what follows; it may have no request's id.
    status: str
    data: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]]
    created_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one attempt."""

    id: str
    due: Due
    at: datetime
    #: None: no answer, and `error` says why.
    status: int | None
    latency_ms: float
    answer: str
    error: str | None
    #: None: it is the last one.
    next_at: datetime | None
    request_id: str

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == 410

    @property
    def state(self) -> str:
        """The delivery's, after this."""
        if self.delivered:
            return "delivered"
        return "pending" if self.next_at is not None else "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """An attempt as its log shows it; `attempt` 0: a delivery that has had none."""

    id: str
    delivery_id: str
    submission_id: str
    attempt: int
    #: None: there was none yet.
    at: datetime | None
    #: Where it is in the list.
    created_at: datetime
    status: int | None
    latency_ms: float | None
    answer: str
    error: str | None
    next_at: datetime | None
    test: bool
    request_id: str | None
    state: str


def next_at(attempt: int, status: int | None, retry_after: str | None, now: datetime) -> datetime | None:
    """Return when to try again after so many attempts, None for never."""
    if status == 410 or attempt > len(DELAYS):
        return None
    delay = DELAYS[attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    return now + max(timedelta(seconds=delay), _asked(retry_after, now))


def _asked(retry_after: str | None, now: datetime) -> timedelta:
    """Read a Retry-After, a number of seconds or a date: at most 24 hours, and nothing for what is neither."""
    text = (retry_after or "").strip()
    try:
        if text.isascii() and text.isdigit():
            return timedelta(seconds=min(int(text[:9]), LONGEST.total_seconds()))
        moment = parsedate_to_datetime(text)
        return min(moment.astimezone(UTC) - now, LONGEST)
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta(0)


def kept(body: bytes) -> str:
    """Return what is kept of an answer; the database has no NUL."""
    return body[:KEPT].decode("utf-8", "replace").replace("\0", "\ufffd")
