"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2026, 11, 23, tzinfo=UTC)


class Clock:
    """Seconds, as `time.monotonic` counts them, and the moment that goes with them; `now` is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def moment(self) -> datetime:
        """Return the time of day."""
        return self.at(self.now)

    def at(self, seconds: float) -> datetime:
        """Return the time of day that goes with a reading."""
        return _EPOCH + timedelta(seconds=seconds)
