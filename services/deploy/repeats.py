"""What this process has seen lately of each site's forms: how busy they are, and what came before."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

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
        self._posts: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, deployment_id: str) -> bool:
        """Note a post; tell whether there were more than `HOT` within the last minute, this one among them."""
        posts = self._posts.get(deployment_id)
        if posts is None:
            posts = self._posts[deployment_id] = deque(maxlen=HOT + 1)
            if len(self._posts) > MAX_SITES:
                self._posts.popitem(last=False)
        else:
            self._posts.move_to_end(deployment_id)
        now = self._clock()
        posts.append(now)
        return len(posts) > HOT and now - posts[0] < MINUTE


class Repeats:
    """How often the same was sent to a site; one per process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: How often, and when last; what was last longest ago comes first.
        self._seen: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def note(self, deployment_id: str, digest: str) -> int:
        """Note a submission; return how often it came within the day before."""
        now, key = self._clock(), (deployment_id, digest)
        before, last = self._seen.pop(key, (0, now))
        if now - last >= DAY:
            before = 0
        self._seen[key] = (before + 1, now)
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return before

    def take_back(self, deployment_id: str, digest: str) -> None:
        """Forget one: it was the same request again."""
        if (known := self._seen.get((deployment_id, digest))) is not None and known[0] > 0:
            self._seen[deployment_id, digest] = (known[0] - 1, known[1])
