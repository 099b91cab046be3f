"""How a site's notices are grouped: one by one while few come, together while many do. Pure functions."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

#: Submissions of one window that are told one by one: a quiet form's owner hears of each at once.
BURST: Final = 5
#: How long a window is, and so the least time between two mails about a busy form.
WINDOW: Final = timedelta(minutes=5)
#: Submissions that a mail about many shows, fields of each, and characters of a field: a glance, not the inbox.
SHOWN: Final = 10
SHOWN_FIELDS: Final = 8
SHOWN_LENGTH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Five minutes of a site, from the first mail in them."""

    ends_at: datetime
    #: How many were told one by one.
    mailed: int
    #: None is told one by one: what comes waits for the end.
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about a site's notices now."""

    #: So many are told one by one, the oldest first.
    singles: int = 0
    #: All that wait are told in one mail.
    together: bool = False
    #: What holds from now on; None for a site that is quiet.
    window: Window | None


def plan(window: Window | None, waiting: int, now: datetime) -> Plan:
    """Decide about a site of which `waiting` submissions are untold.

    Within a window from its first mail, five are told one by one. What comes beyond that is told together when it ends,
    and then again every five minutes for as long as more than five come in each.
    """
    over = window is not None and window.ends_at <= now
    if window is not None and not over:
        singles = 0 if window.busy else min(BURST - window.mailed, waiting)
        return Plan(singles=singles, window=replace(window, mailed=window.mailed + singles))
    if not waiting:
        return Plan(window=None)
    if window is None or (not window.busy and window.mailed + waiting <= BURST):
        singles = min(BURST, waiting)
        return Plan(singles=singles, window=Window(ends_at=now + WINDOW, mailed=singles))
    came = waiting if window.busy else window.mailed + waiting
    busy = came > BURST
    return Plan(together=True, window=Window(ends_at=now + WINDOW, mailed=0 if busy else 1, busy=busy))


def in_short(data: dict[str, object]) -> dict[str, str]:
    """Return the first fields of a submission as a mail about many shows them."""
    return {name[:SHOWN_LENGTH]: _text(value)[:SHOWN_LENGTH] for name, value in list(data.items())[:SHOWN_FIELDS]}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
