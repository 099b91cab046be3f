"""Which hosts are ours, and which requests of a browser come from our own pages."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from yarl import URL

from shared.errors import Forbidden, UnknownHost
from shared.http import Handler

#: Names of one's own machine; whoever configured one means all of them.
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: What the browser itself says of a request from our own page, or of one that no page made.
_OWN: Final = frozenset({"same-origin", "none"})


class CrossSite(Forbidden):
    """A page of somebody else made a browser send this, or nothing says that it did not (R62)."""

    code = "cross_site"
    message = "This request did not come from our own page"
    hint = "Open the page again and send it from there."


def names(*urls: str) -> frozenset[str]:
    """Return the host names that mean these URLs, without ports; `localhost` has three, and `api.localhost`."""
    found = {(URL(url).raw_host or "").lower() for url in urls}
    found = {f"[{name}]" if ":" in name else name for name in found}
    return frozenset(found | LOCAL | {"api.localhost"} if "localhost" in found else found)


def host(request: web.BaseRequest) -> str:
    """Return the host that the request names, lowercase, without its port and the root's dot."""
    return without_port(request.headers.get(hdrs.HOST, ""))


def without_port(given: str) -> str:
    """Return a Host header's name: `LOCALHOST.:8080` and `localhost` are the same."""
    name, colon, port = given.lower().rpartition(":")
    return (name if colon and port.isdigit() else given.lower()).removesuffix(".")


def known_hosts(*urls: str) -> Middleware:
    """Return a middleware that refuses requests for hosts other than these URLs' (R61). Raise UnknownHost."""
    ours = names(*urls)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if host(request) not in ours:
            raise UnknownHost
        return await handler(request)

    return check


def require_same_origin(request: web.BaseRequest, app_url: str) -> None:
    """Refuse what a page of another origin made a browser send. Raise CrossSite.

    Fetch Metadata says it; older browsers have Origin; a request with neither is no browser's that we know. An Origin
    that is named is ours in any case; "null" names none: a page without a Referrer sends it to its own origin too.
    """
    origin = request.headers.get(hdrs.ORIGIN, "")
    if site := request.headers.get("Sec-Fetch-Site"):
        if site.lower() not in _OWN:
            raise CrossSite
        if origin in {"", "null"}:
            return
    if not _is_origin(origin, URL(app_url)):
        raise CrossSite


def _is_origin(given: str, app: URL) -> bool:
    try:
        origin = URL(given)
    except ValueError:
        return False
    return (origin.scheme, origin.port) == (app.scheme, app.port) and f"{origin.host}" in {
        name.strip("[]") for name in names(str(app.origin()))
    } - {"api.localhost"}
