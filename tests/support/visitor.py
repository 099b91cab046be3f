"""A visitor who sends exactly what a test says, over a connection that is kept, and decodes nothing."""

import asyncio
import http.client
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from tests.support.deploying import Deploy


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    def __getitem__(self, name: str) -> str | None:
        return self.headers[name]


class Visitor:
    """Asks one host; blocks, so it belongs into a thread."""

    def __init__(self, deploy: Deploy, host: str) -> None:
        self._host = host
        self._connection = http.client.HTTPConnection("127.0.0.1", urlsplit(deploy.url).port, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Seen:
        """Send a request and read its answer."""
        self._connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": self._host, **(headers or {})}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        answer = self._connection.getresponse()
        return Seen(answer.status, answer.headers, answer.read())


async def raw(deploy: Deploy, data: bytes) -> bytes:
    """Send bytes over a new connection and return what comes until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(deploy.url).port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer
