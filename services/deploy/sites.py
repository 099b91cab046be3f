"""Visitors: which site a Host names, and its files as HTTP lets them be asked for; the hot path, past the application.

A page that is known and small is answered without waiting for anything: two look-ups, headers worked out before.
"""

import asyncio
import time
import urllib.parse
from typing import Final

from aiohttp import hdrs, web

from services.deploy import hosts, negotiation, pages, versions
from services.deploy.answers import Quick, Ready, confine, make_ready, quick
from services.deploy.blobs import SMALL, Blobs
from services.deploy.config import Config
from services.deploy.delivery import deliver
from services.deploy.gate import OWN_HOST, TICKET, Gate, Place
from services.deploy.live import LiveSites
from services.deploy.rules import Redirect, match_redirect
from services.deploy.store.sites import Site
from services.deploy.transfer import quick_file
from shared import http, logs
from shared.errors import AppError, BadRequest, MethodNotAllowed, NotFound
from shared.server import Answer

#: Seconds for finding a page, and for its bytes (R24).
DEADLINE: Final = 10.0

_METHODS: Final = "GET, HEAD"


class Expired(AppError):
    """The site was there for a limited time."""

    status = 410
    code = "expired"
    message = "This site has expired"


class TakenDown(AppError):
    """The operator took the site down."""

    status = 451
    code = "taken_down"
    message = "This site was taken down"


class Sites:
    """Serves live sites and their versions; one per process."""

    def __init__(self, live: LiveSites, blobs: Blobs, config: Config) -> None:
        self._live = live
        self._blobs = blobs
        self._gate = Gate(config)
        self._name_of = hosts.reader(config)
        self._cdn_max_age = config.cdn_max_age

    def front(self, rest: Answer) -> Answer:
        """Return what answers requests: those for a site's host here, the others by `rest`."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            name = self._name_of(request.headers.get(hdrs.HOST, ""))
            return await rest(request) if name is None else await self.visit(request, name)

        return answer

    async def visit(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        """Answer a request for a host that is a site's, or nobody's, and log it."""
        started = time.perf_counter()
        request_id = http.take_request_id(request.headers)
        ready, response = self._at_hand(request, name, request_id) or await self._answer(request, name)
        logs.access(
            method=request.method,
            path=ready.name if ready else "(none)",
            status=response.status,
            ms=(time.perf_counter() - started) * 1000,
            site=name or None,
        )
        return response

    def _at_hand(self, request: web.BaseRequest, name: str, request_id: str) -> tuple[Ready, web.StreamResponse] | None:
        """Return the answer if it is plain, worked out, and its bytes are at hand: nothing is waited for."""
        site = self._live.fresh(name)
        if site is None or site.password_hash is not None or site.clears or not quick(request):
            return None
        ready: Ready | None = site.memo.get(request.raw_path)
        if ready is None:
            return None
        headers = request.headers
        body = ready.choose(headers.get(hdrs.ACCEPT_ENCODING))
        tags = headers.get(hdrs.IF_NONE_MATCH)
        if tags is not None and negotiation.matches(tags, body.etag):
            return ready, Quick(304, body.unchanged, b"", request_id)
        if request.method == "HEAD":
            return ready, Quick(200, body.ok, b"", request_id)
        if (content := self._blobs.cached(body.name)) is not None:
            return ready, Quick(200, body.ok, content, request_id)
        file = quick_file(request, self._blobs, body, request_id) if body.size > SMALL else None
        return None if file is None else (ready, file)

    async def _answer(self, request: web.BaseRequest, name: str) -> tuple[Ready | None, web.StreamResponse]:
        try:
            ready, response = await self.show(request, name, request.raw_path)
        except BaseException as error:  # noqa: BLE001 - every way out is judged in one place
            ready, response = None, failure(http.meant(error))
        response.headers[hdrs.SERVER] = "invoker"
        response.headers["X-Request-ID"] = logs.request_id.get()
        return ready, response

    async def show(
        self, request: web.BaseRequest, name: str, target: str, place: Place = OWN_HOST
    ) -> tuple[Ready | None, web.StreamResponse]:
        """Answer with what is at `target` (path and query, still encoded) of the site, and say which file that was.

        Below the app a site has none of the origin's rights.
        Raise NotFound, MethodNotAllowed, BadRequest, Expired, TakenDown, RateLimited.
        """
        async with asyncio.timeout(DEADLINE):
            site = await self._site(name)
            if admitted := self._gate.admits(request, site, place):
                ready, response = await self._page(request, site, target, place.prefix)
            else:
                ready, response = None, await self._gate.stop(request, site, target, place)
        if place.below:
            if ready is not None:
                confine(response.headers, secret=bool(place.ticket))
        elif site.clears and not (admitted and site.password_hash) and _clears(request, ready, response):
            response.headers["Clear-Site-Data"] = '"*"'
        return ready, response

    async def _site(self, name: str) -> Site:
        site = await self._live.find(name)
        if site is None:
            # R61: whatever is asked of a host that is nobody's, there is nothing
            raise NotFound
        if site.status == "taken_down":
            raise TakenDown
        if site.status == "expired":
            raise Expired
        return site

    async def _page(
        self, request: web.BaseRequest, site: Site, target: str, prefix: str
    ) -> tuple[Ready | None, web.StreamResponse]:
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed
        path, _, query = target.partition("?")
        ready = site.memo.get(path) or self._find(site, path)
        if isinstance(ready, Redirect):
            return None, _redirect(site, ready, prefix, query)
        if ready is None:
            return None, failure(NotFound())
        return ready, await deliver(request, self._blobs, ready)

    def _find(self, site: Site, path: str) -> Ready | Redirect | None:
        """Return what to show for the encoded path, or where to go instead. Raise NotFound, BadRequest."""
        decoded = _decode(path)
        found = _resolve(site, decoded)
        if not isinstance(found, versions.Found):
            return found
        ready = make_ready(site, found, decoded, cdn_max_age=self._cdn_max_age)
        # a page has many addresses (`/%61`, and any at all in an SPA): they are kept as long as there are not too many,
        # and cannot keep out its own one
        own = path in {f"/{found.path}", f"/{found.path.removesuffix(versions.INDEX)}"}
        if found.status == 200 and (own or len(site.memo) < 2 * len(site.manifest)):
            site.memo[path] = ready
        return ready


def _resolve(site: Site, path: str) -> versions.Found | Redirect | None:
    """Return what the decoded path leads to: a file wins over the site's rules, unless they say that they do."""
    exact = None
    led = match_redirect(site.rules, path, forced=True)
    if led is None:
        exact = versions.resolve(site.manifest, path, is_spa=False)
        if exact is None or exact.status == 404:
            led = match_redirect(site.rules, path)
    if led is not None:
        return _shown(site, led) if led.rewrites else led
    if exact is None or exact.status == 404:
        exact = versions.resolve(site.manifest, path, is_spa=site.is_spa)
    return Redirect(urllib.parse.quote(exact.path), 308) if exact and exact.redirect else exact


def _shown(site: Site, led: Redirect) -> versions.Found | None:
    """Return the file that a rule shows at another path; a page of the site's own when it is not there."""
    found = versions.resolve(site.manifest, led.to, is_spa=False)
    if found is not None and found.redirect:
        # a directory's page, shown where its slash is missing
        found = versions.Found(f"{found.path[1:]}{versions.INDEX}")
    return found and versions.Found(found.path, led.status if found.status == 200 else found.status)


def _clears(request: web.BaseRequest, ready: Ready | None, response: web.StreamResponse) -> bool:
    """Tell whether this answer is to make a browser forget the name's former holder: pages, and missing workers."""
    if request.headers.get("Service-Worker") == "script":
        return ready is None or ready.status != 200 or versions.is_html(ready.file.type)
    # 303: a cookie of ours comes with it. 304: the browser has this page from the new site, and has forgotten since
    if response.status in {303, 304} or not (ready is None or versions.is_html(ready.file.type)):
        return False
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _decode(path: str) -> str:
    """Return the decoded path. Raise BadRequest for what no browser sends: another form than `/…`, bytes of no text."""
    if not path.startswith("/"):
        raise BadRequest
    try:
        decoded = urllib.parse.unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest from None
    if "\0" in decoded or "\\" in decoded or not {".", ".."}.isdisjoint(decoded.split("/")):
        raise NotFound
    return decoded


def _redirect(site: Site, to: Redirect, prefix: str, query: str) -> web.Response:
    headers = {
        hdrs.LOCATION: (prefix if to.to.startswith("/") else "") + to.location(query),
        hdrs.CACHE_CONTROL: "no-store" if site.password_hash else "no-cache",
        "X-Content-Type-Options": "nosniff",
        "X-Invoker-Version": str(site.version),
    }
    return web.Response(status=to.status, headers=headers)


def failure(error: AppError) -> web.Response:
    """Show a visitor why there is no page."""
    response = pages.failure(error)
    if isinstance(error, MethodNotAllowed):
        response.headers[hdrs.ALLOW] = _METHODS
    return response


# On the app's own origin, where no name of the site's own resolves

SITES: Final = web.AppKey("sites", Sites)
routes = web.RouteTableDef()


def _render(_request: web.Request, error: AppError) -> web.Response:
    return failure(error)


@routes.get("/s/{name:[^/]*}")
@http.rules(render=_render, embeddable=True)
async def to_directory(request: web.Request) -> web.Response:
    """Lead to the site's first page, so that its relative links work."""
    return web.Response(status=308, headers={hdrs.LOCATION: f"{_place(request)[1].prefix}/"})


@routes.route("*", "/s/{name}/{path:.*}")
@http.rules(render=_render, embeddable=True)
async def below_app(request: web.Request) -> web.StreamResponse:
    """Serve a site below `/s/`, with none of the rights of the origin it is on."""
    name, place = _place(request)
    target = request.raw_path
    if not target.startswith(f"{place.prefix}/"):
        raise NotFound
    return (await request.app[SITES].show(request, name, target[len(place.prefix) :], place))[1]


def _place(request: web.Request) -> tuple[str, Place]:
    """Return the site that the path names, or its version, and where that is. Raise NotFound for anything else."""
    name, _, ticket = request.match_info["name"].partition("~")
    found = hosts.read(name)
    if found is None or found.kind != "slug" or (ticket and not TICKET.fullmatch(ticket)):
        raise NotFound
    return name, Place(f"/s/{name}", ticket)
