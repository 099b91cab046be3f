"""wrk: a load generator that a server in C does not outrun; all sides of a comparison get the same."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp

from tests.support.servers import MissingServerError
from tests.support.servers.machine import apt_install, can_install

CONNECTIONS: Final = 32
#: Rounds in which everybody has a turn. Neighbours on the machine take from a round and never add to it: each side's
#: figure is its best.
ROUNDS: Final = 7


def wrk() -> str:
    """Find wrk, or install it. Raise MissingServerError."""
    if shutil.which("wrk") is None and can_install():
        apt_install("wrk")
    if (found := shutil.which("wrk")) is None:
        raise MissingServerError("no wrk: it is a package of Debian, Ubuntu and Homebrew")
    return found


async def rate(
    url: str, headers: Mapping[str, str], *, connections: int = CONNECTIONS, seconds: int = 1, status: int = 200
) -> float:
    """Ask for a page over and over, and return the answers in a second. Raise AssertionError for a wrong status."""
    async with (
        aiohttp.ClientSession(skip_auto_headers=["Accept-Encoding"]) as session,
        session.get(url, headers=headers) as answer,
    ):
        assert answer.status == status, f"{url}: {answer.status} instead of {status}"
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    process = await asyncio.create_subprocess_exec(
        wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", *given, url, stdout=asyncio.subprocess.PIPE
    )
    said = (await process.communicate())[0].decode()
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    found = re.search(r"Requests/sec:\s*([0-9.]+)", said)
    assert found is not None, said
    return float(found[1])


async def in_turns(sides: Mapping[str, Callable[[], Awaitable[float]]], rounds: int = ROUNDS) -> dict[str, float]:
    """Let everybody have a turn in each round, in an order that turns round; return each one's best."""
    best = dict.fromkeys(sides, 0.0)
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            best[name] = max(best[name], await sides[name]())
    return best
