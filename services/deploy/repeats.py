"""What this process has seen lately of each site's forms: how busy they are, and what came before."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from cachetools import LRUCache, TTLCache

#: Posts within a minute past which a form is hot.
HOT: Final = 30
MINUTE: Final = 60.0
DAY: Final = 24 * 3600.0
#: Sites whose posts are looked at, and submissions that are remembered, by their digests.
MAX_SITES: Final = 10_000
MAX_SEEN: Final = 100_000


class Heat:
    """How many posts each site gets; one per process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._posts: LRUCache[str, deque[float]] = LRUCache(MAX_SITES)

    def note(self, deployment_id: str) -> bool:
        """Note a post; tell whether there were more than `HOT` within the last minute, this one among them."""
        posts = self._posts.get(deployment_id)
        if posts is None:
            posts = self._posts[deployment_id] = deque(maxlen=HOT + 1)
        now = self._clock()
        posts.append(now)
        return len(posts) > HOT and now - posts[0] < MINUTE


class Repeats:
    """How often the same was sent to a site; one per process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seen: TTLCache[tuple[str, str], int] = TTLCache(MAX_SEEN, DAY, timer=clock)

    def note(self, deployment_id: str, digest: str) -> int:
        """Note a submission; return how often it came within the day before."""
        before = self._seen.get((deployment_id, digest), 0)
        self._seen[deployment_id, digest] = before + 1
        return before

    def take_back(self, deployment_id: str, digest: str) -> None:
        """Forget one: it was the same request again."""
        if (count := self._seen.get((deployment_id, digest), 0)) > 0:
            self._seen[deployment_id, digest] = count - 1
