"""Answers to visitors, worked out once for each file of a version, and the fast way to send a whole one."""

from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from services.deploy import versions
from services.deploy.store.sites import Site
from services.deploy.versions import File
from shared import logs

#: For a site on the app's own origin: none of the origin's rights (contract, section 4).
SANDBOX: Final = "sandbox allow-forms allow-scripts allow-popups"


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """An answer worked out: everything but the bytes."""

    #: The file, as the log has it.
    name: str
    file: File
    status: int
    etag: str
    headers: CIMultiDict[str]
    #: Status line and headers of a 200 as they are sent, but for those that differ each time.
    head: bytes


def make_ready(site: Site, found: versions.Found) -> Ready:
    """Work out how a file of a site is answered."""
    file = site.manifest[found.path]
    etag = f'"{file.sha256}"'
    headers = CIMultiDict(
        {
            hdrs.CONTENT_TYPE: file.type,
            hdrs.ETAG: etag,
            hdrs.CACHE_CONTROL: "public, max-age=0, must-revalidate",
            hdrs.SERVER: "invoker",
            "X-Content-Type-Options": "nosniff",
            "X-Invoker-Version": str(site.version),
        }
    )
    if file.type == versions.OCTETS:
        headers[hdrs.CONTENT_DISPOSITION] = "attachment"
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = f"HTTP/1.1 200 OK\r\n{''.join(lines)}{hdrs.CONTENT_LENGTH}: {file.size}\r\n".encode()
    return Ready(logs.redact(f"/{found.path}"), file, found.status, etag, headers, head)


def matches(tags: str, etag: str) -> bool:
    """Tell whether an If-None-Match names the tag, by weak comparison (RFC 9110 13.1.2)."""
    return tags.strip() == "*" or any(tag.strip().removeprefix("W/") == etag for tag in tags.split(","))


def sandboxed(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers of the same answer on the app's own origin."""
    return CIMultiDict([*headers.items(), ("Content-Security-Policy", SANDBOX)])


def not_modified(headers: CIMultiDict[str]) -> web.Response:
    """Answer that the visitor has it."""
    response = web.Response(status=304, headers=headers)
    response.headers.popall(hdrs.CONTENT_TYPE, None)
    return response


class Whole(web.StreamResponse):
    """A 200 with all its bytes, for a request that `takes_whole`.

    It is written in one piece: aiohttp would put the same headers together anew for each visitor, which costs a
    fifth of all the time that serving a page takes.
    """

    def __init__(self, ready: Ready, body: bytes, request_id: str) -> None:
        super().__init__()
        self._head = ready.head
        self._bytes = body
        self._request_id = request_id
        self._keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        last = f"{hdrs.DATE}: {rfc822_formatted_time()}\r\nX-Request-ID: {self._request_id}\r\n\r\n"
        transport.writelines((self._head, last.encode(), self._bytes))
        # a visitor who does not read must not pile up pages here
        await request._payload_writer.drain()  # noqa: SLF001 - as StreamResponse does
        return None

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - the base's signature
        """It has been sent."""
        self._eof_sent = True


def takes_whole(request: web.BaseRequest) -> bool:
    """Tell whether a request can be answered by a `Whole`: nothing about it is special."""
    return (
        request.method == "GET"
        and request.version == HttpVersion11
        and request.keep_alive
        and hdrs.IF_NONE_MATCH not in request.headers
    )
