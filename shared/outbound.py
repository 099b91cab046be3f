"""Requests to addresses that other people name: public ones only, judged at each connection, and nothing followed.

What a URL or a name server says is not believed: the guard sits where the socket is made, so it sees the address that
is really connected to, for each attempt (R75: a guard in the resolver is passed by every literal address).
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from types import MappingProxyType
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType
from yarl import URL

#: Bytes of an answer that are read.
MAX_ANSWER: Final = 64 * 1024
#: Seconds for a whole exchange, and for its connection.
TIMEOUT: Final = 5.0
CONNECT_TIMEOUT: Final = 3.0

#: What is given out to the public in IPv6; NAT64, 6to4's sites and the like are outside of it.
_PUBLIC_6: Final = IPv6Network("2000::/3")
#: What Python's `is_global` takes for public, and is not (measured): relays that lead to IPv4 of anybody's choice, and
#: addresses at which the machines of a cloud find what only they may know.
_OTHERS_4: Final = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
_OTHERS_6: Final = tuple(map(IPv6Network, ("2001::/23", "2002::/16", "3fff::/20")))


class Unreachable(Exception):
    """No answer; the text says why, in words for whoever named the address."""


class Blocked(OSError):
    """The address is not a public one, and nothing was sent to it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, with its first 64 KiB as they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the internet's: no host's, network's or relay's own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return _is_public_4(parsed.ipv4_mapped)
        return parsed in _PUBLIC_6 and parsed.is_global and not any(parsed in network for network in _OTHERS_6)
    return _is_public_4(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _OTHERS_4)


def guarded_socket(info: AddrInfoType) -> socket.socket:
    """Make the socket of one connection attempt. Raise Blocked unless its address is public."""
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise Blocked("the address is not a public one")
    return _socket(family, kind, protocol)


def any_socket(info: AddrInfoType) -> socket.socket:
    """Make the socket of one connection attempt, wherever it goes: for networks of one's own."""
    family, kind, protocol, _, _ = info
    return _socket(family, kind, protocol)


def _socket(family: int, kind: int, protocol: int) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


class Outbound:
    """Makes requests; one for each process and purpose."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        data: bytes | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the whole exchange's, also while the answer trickles in
    ) -> Fetched:
        """Return the answer, a redirect too: none is followed. Raise Unreachable."""
        given: dict[str, Any] = {"headers": dict(headers), "data": data, "allow_redirects": False}
        try:
            parsed = URL(url)
            if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.user is not None:
                raise Unreachable("it is no http or https address")
            async with asyncio.timeout(timeout), self._session.request(method, parsed, **given) as answer:
                return Fetched(answer.status, answer.headers, await _first(answer.content))
        except aiohttp.ConnectionTimeoutError:
            raise Unreachable("no connection") from None
        except TimeoutError:
            raise Unreachable(f"no answer within {timeout:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(_why(error)) from None


async def _first(content: aiohttp.StreamReader) -> bytes:
    pieces, size = [], 0
    async for piece in content.iter_any():
        pieces.append(piece)
        if (size := size + len(piece)) >= MAX_ANSWER:
            break
    return b"".join(pieces)[:MAX_ANSWER]


def _why(error: Exception) -> str:
    """Say what went wrong without what only our own network knows."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the name has no address"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its certificate is not valid"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, Blocked):
            return str(error.os_error)
        case aiohttp.ClientConnectorError():
            return "no connection"
        case ValueError() | aiohttp.InvalidURL():
            return "the address cannot be read"
        case _:
            return "the connection broke, or what came was not HTTP"


@asynccontextmanager
async def opened(
    *,
    user_agent: str,
    allow_private: bool = False,
    resolver: AbstractResolver | None = None,
    connections: int = 32,
    connect_timeout: float = CONNECT_TIMEOUT,
) -> AsyncIterator[Outbound]:
    """Open a client without cookies, proxies or redirects; `allow_private` lets it go to networks of one's own."""
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        use_dns_cache=False,
        socket_factory=any_socket if allow_private else guarded_socket,
        force_close=True,
        limit=connections,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
        headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
    ) as session:
        yield Outbound(session)
