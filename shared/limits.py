"""Rate limits: how often somebody may do something; counted in this process."""

import ipaddress
import time
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from shared.errors import RateLimited

__all__ = ["Limiter", "network"]

_CACHE: Final[dict[str, RateLimitItem]] = {}


def network(address: str) -> str:
    """Return what limits count an address by: an IPv4 address itself, an IPv6 address's /64."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    # how a socket for both kinds shows IPv4: one /64 for all of the old internet
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


class Limiter:
    """Counts hits in windows that begin with somebody's first; switched off as a whole by configuration."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        # one counter a key, from its first hit on, and an exact Retry-After. The library's exact log of hits is swept
        # key by key in threads: callers with many addresses could make that expensive
        self._strategy = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, limit: str, *who: str) -> None:
        """Count one hit of `who` against a limit such as `5/minute`. Raise RateLimited when it is used up."""
        if not self._enabled:
            return
        item = _CACHE.get(limit) or _CACHE.setdefault(limit, parse(limit))
        if not await self._strategy.hit(item, *who):
            window = await self._strategy.get_window_stats(item, *who)
            raise RateLimited(retry_after=max(1.0, window.reset_time - time.time()))
