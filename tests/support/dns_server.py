"""A name server in this process, over UDP: what a test says is what resolvers hear."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer(asyncio.DatagramProtocol):
    """Answers A, AAAA and TXT questions; names that it does not know do not exist."""

    def __init__(self) -> None:
        self.records: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        #: Decides an A record anew for each question: a name server that changes its mind.
        self.changing: dict[str, Callable[[], str]] = {}
        self.silent = False
        self.questions: list[tuple[str, str, float]] = []
        #: Where it is asked.
        self.address: tuple[str, int] = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    def a(self, name: str, *addresses: str) -> None:
        """Let the name lead to these addresses alone."""
        self.records[name]["A"] = list(addresses)

    def txt(self, name: str, *values: str) -> None:
        """Let the name have these TXT records alone."""
        self.records[name]["TXT"] = [f'"{value}"' for value in values]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.silent and self._transport is not None:
            self._transport.sendto(self._answer(dns.message.from_wire(data)).to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name, kind, time.monotonic()))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if name not in self.records and name not in self.changing:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        found = [self.changing[name]()] if kind == "A" and name in self.changing else self.records[name][kind]
        if found:
            answer.answer.append(dns.rrset.from_text_list(question.name, 0, "IN", kind, found))
        return answer


@asynccontextmanager
async def serving() -> AsyncIterator[NameServer]:
    """Run a name server; give it."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    try:
        server.address = transport.get_extra_info("sockname")[:2]
        yield server
    finally:
        transport.close()
