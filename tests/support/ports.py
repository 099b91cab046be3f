"""Ports for what a test starts, with other test processes around it."""

import os
import socket
from contextlib import suppress
from itertools import count

#: Below what systems give to outgoing connections, above what services and browsers have a meaning for.
FIRST, LAST = 11_000, 31_999
#: Processes with neighbouring ids begin 100 ports apart; none gives a port twice before it has been all the way round.
_candidates = (FIRST + number % (LAST + 1 - FIRST) for number in count(os.getpid() * 100))


def free_port() -> int:
    """Return a port that nothing listens on now, and that nobody else is about to take."""
    while True:
        port = next(_candidates)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
