"""Asking DNS: for addresses, as aiohttp's client does, and for texts; no hosts file, no search domains.

The library is loaded when the first name is asked for: it takes a tenth of a second, and few processes need it.
"""

import socket
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from aiohttp.abc import AbstractResolver, ResolveResult

if TYPE_CHECKING:
    import dns.asyncresolver

#: Seconds for one question, with its tries.
TIMEOUT: Final = 5.0


class NoAnswer(OSError):
    """The name servers did not answer, or not as they should."""


class Resolver(AbstractResolver):
    """Asks these name servers, each an address and a port, or else this machine's."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._servers = servers

    @cached_property
    def _resolver(self) -> "dns.asyncresolver.Resolver":
        import dns.asyncresolver
        import dns.nameserver
        import dns.resolver

        try:
            made = dns.asyncresolver.Resolver(configure=not self._servers)
        except dns.resolver.NoResolverConfiguration:
            # every question then fails, which is what there is to say
            made = dns.asyncresolver.Resolver(configure=False)
        if self._servers:
            made.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._servers]
        made.lifetime = TIMEOUT
        made.search = []
        return made

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records at a name, none when there is no such name. Raise NoAnswer."""
        resolver = self._resolver
        import dns.exception
        import dns.resolver

        try:
            found = await resolver.resolve(f"{name.rstrip('.')}.", "TXT", raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(type(error).__name__) from error
        return [b"".join(row.strings).decode("utf-8", "replace") for row in found.rrset or ()]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return a name's addresses. Raise NoAnswer when it has none."""
        resolver = self._resolver
        import dns.exception

        try:
            found = await resolver.resolve_name(f"{host.rstrip('.')}.", family=family)
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(type(error).__name__) from error
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in found.addresses_and_families()
        ]

    async def close(self) -> None:
        """Nothing is kept open."""
