"""A bounded dictionary whose entries expire: what the key check is remembered in, on the path of every request."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """Keeps at most `size` entries for `ttl` seconds each.

    All live equally long, so a dictionary's order of insertion is close to their order of expiry: off by no more than
    what `since` lies back, and only about when an entry is thrown away, as `get` looks at each one's own age. A look-up
    is one dictionary access; keeping an order of use would cost several times the rest of a check.
    """

    def __init__(self, size: int, ttl: float, clock: Callable[[], float]) -> None:
        self._size, self._ttl, self._clock = size, ttl, clock
        self._entries: dict[K, tuple[V, float]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> tuple[V, float] | None:
        """Return a value and its age in seconds, None when there is none or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = self._clock() - entry[1]
        return (entry[0], age) if age < self._ttl else None

    def put(self, key: K, value: V, *, since: float | None = None) -> None:
        """Keep a value that was true at the clock's `since`, or is now; the first of those here makes room."""
        entries, now = self._entries, self._clock()
        entries.pop(key, None)
        while entries:
            oldest = next(iter(entries))
            if len(entries) < self._size and now - entries[oldest][1] < self._ttl:
                break
            del entries[oldest]
        entries[key] = (value, now if since is None else since)

    def pop(self, key: K) -> None:
        """Forget a key."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
