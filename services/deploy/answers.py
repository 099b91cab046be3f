"""Answers to visitors, worked out once for each file of a version and each coding of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from services.deploy import negotiation, rules, versions
from services.deploy.store.sites import Site
from services.deploy.versions import File
from shared import logs

#: For a site on the app's own origin: none of the origin's rights (contract, section 4).
SANDBOX: Final = "sandbox allow-forms allow-scripts allow-popups"

REVALIDATE: Final = "public, max-age=0, must-revalidate"
FOR_EVER: Final = "public, max-age=31536000, immutable"
#: Behind a password: for nobody's cache.
PRIVATE: Final = "private, no-store"


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One coding of a file: where its bytes are, and how they are answered."""

    #: In the store.
    name: str
    size: int
    etag: str
    headers: CIMultiDict[str]
    #: Status line and headers of a 200 and a 304 as they are sent, but for those that differ each time.
    ok: bytes
    unchanged: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """An answer worked out: everything but the bytes."""

    #: The file, as the log has it.
    name: str
    file: File
    status: int
    plain: Body
    coded: Mapping[str, Body]

    def choose(self, accepted: str | None) -> Body:
        """Return the coding that suits an Accept-Encoding best; the bytes as they are when none does."""
        if self.coded and accepted:
            for coding in negotiation.codings(accepted):
                if (body := self.coded.get(coding)) is not None:
                    return body
        return self.plain


def make_ready(site: Site, found: versions.Found, path: str, *, cdn_max_age: int = 0) -> Ready:
    """Work out how a file of a site is answered to who asks for the decoded path."""
    file = site.manifest[found.path]
    headers = _headers(site, found, file, cdn_max_age)
    for name, value in rules.headers_for(site.rules, path).items():
        # what is for nobody's cache stays so
        if name.lower() != "cache-control" or headers[hdrs.CACHE_CONTROL] != PRIVATE:
            headers[name] = value
    coded: dict[str, Body] = {}
    if file.br or file.gzip:
        headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        for coding, ending, size in (("br", "br", file.br), ("gzip", "gz", file.gzip)):
            if size:
                encoded = CIMultiDict([*headers.items(), (hdrs.CONTENT_ENCODING, coding)])
                coded[coding] = _body(f"{file.sha256}.{ending}", size, f'"{file.sha256}-{ending}"', encoded)
    if found.status == 200:
        headers[hdrs.ACCEPT_RANGES] = "bytes"
    plain = _body(file.sha256, file.size, f'"{file.sha256}"', headers)
    return Ready(logs.redact(f"/{found.path}"), file, found.status, plain, coded)


def _headers(site: Site, found: versions.Found, file: File, cdn_max_age: int) -> CIMultiDict[str]:
    headers = CIMultiDict(
        {
            hdrs.CONTENT_TYPE: file.type,
            hdrs.CACHE_CONTROL: _lifetime(site, found, cdn_max_age),
            hdrs.SERVER: "invoker",
            "X-Content-Type-Options": "nosniff",
            "X-Invoker-Version": str(site.version),
        }
    )
    if file.type == versions.OCTETS:
        headers[hdrs.CONTENT_DISPOSITION] = "attachment"
    if site.noindex:
        headers["X-Robots-Tag"] = "noindex"
    return headers


def _lifetime(site: Site, found: versions.Found, cdn_max_age: int) -> str:
    if site.password_hash is not None or (site.clears and versions.is_html(site.manifest[found.path].type)):
        return PRIVATE
    if site.preview:
        # nobody tells a CDN of every version when a site is taken down
        return REVALIDATE
    kept = FOR_EVER if found.status == 200 and versions.has_content_hash(found.path) else REVALIDATE
    return f"{kept}, s-maxage={cdn_max_age}" if cdn_max_age else kept


def _body(name: str, size: int, etag: str, headers: CIMultiDict[str]) -> Body:
    headers = CIMultiDict([*headers.items(), (hdrs.ETAG, etag)])
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    ok = f"HTTP/1.1 200 OK\r\n{''.join(lines)}{hdrs.CONTENT_LENGTH}: {size}\r\n".encode()
    kept = [f"{name}: {value}\r\n" for name, value in unchanged(headers).items()]
    return Body(name, size, etag, headers, ok, f"HTTP/1.1 304 Not Modified\r\n{''.join(kept)}".encode())


def unchanged(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers of the 304 that stands for an answer: not those of the bytes it does not send."""
    gone = {"content-type", "content-encoding", "content-disposition", "accept-ranges", "content-length"}
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in gone)


def confine(headers: CIMultiDict[str], *, secret: bool) -> None:
    """Take a site's answer on the app's own origin all of the origin's rights.

    A page without an origin may load its own modules, fonts and data only where everybody may. Where the path is
    `secret`, no link tells it.
    """
    headers.add("Content-Security-Policy", SANDBOX)
    # a CDN is told of sites' own hosts alone
    if (lifetime := headers.get(hdrs.CACHE_CONTROL)) is not None:
        headers[hdrs.CACHE_CONTROL] = lifetime.partition(", s-maxage=")[0]
    headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
    if secret:
        headers["Referrer-Policy"] = "no-referrer"


class Quick(web.StreamResponse):
    """A plain answer with all its bytes, for a request that is `quick`.

    It is written in one piece: aiohttp would put the same headers together anew for each visitor, which costs a
    fifth of all the time that serving a page takes.
    """

    def __init__(self, status: int, head: bytes, body: bytes, request_id: str) -> None:  # no parts of the base's
        self._status = status
        self._head = head
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


def quick(request: web.BaseRequest) -> bool:
    """Tell whether a request can be answered by a `Quick`: nothing about it is special."""
    return (
        request.version == HttpVersion11
        and request.keep_alive
        and request.method in {"GET", "HEAD"}
        and hdrs.RANGE not in request.headers
        and hdrs.IF_MATCH not in request.headers
    )
