"""Visitors: which site a Host names, and its files with strong ETags; the hot path, past the application.

A page that is known and small is answered without waiting for anything: two look-ups, headers worked out before.
"""

import asyncio
import time
import urllib.parse
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import lru_cache
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from services.deploy import pages, slugs, versions
from services.deploy.answers import Ready, Whole, make_ready, matches, not_modified, sandboxed, takes_whole
from services.deploy.blobs import SMALL, Blobs
from services.deploy.config import Config
from services.deploy.live import LiveSites
from shared import http, logs, origins
from shared.errors import AppError, BadRequest, MethodNotAllowed, NotFound, Unavailable
from shared.server import Answer

#: Seconds for finding a page, and for sending a large file to a slow visitor (R24).
DEADLINE: Final = 10.0
STREAM_DEADLINE: Final = 300.0

_METHODS: Final = "GET, HEAD"


class Sites:
    """Serves live sites; one per process."""

    def __init__(self, live: LiveSites, blobs: Blobs, config: Config) -> None:
        self._live = live
        self._blobs = blobs
        self._slug_of = host_reader(config)

    def front(self, rest: Answer) -> Answer:
        """Return what answers requests: those for a site's host here, the others by `rest`."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            slug = self._slug_of(request.headers.get(hdrs.HOST, ""))
            return await rest(request) if slug is None else await self.visit(request, slug)

        return answer

    async def visit(self, request: web.BaseRequest, slug: str) -> web.StreamResponse:
        """Answer a request for the site's own host, and log it."""
        started = time.perf_counter()
        request_id = http.take_request_id(request.headers)
        ready, response = self._at_hand(request, slug, request_id) or await self._answer(request, slug)
        logs.access(
            method=request.method,
            path=ready.name if ready else "(none)",
            status=response.status,
            ms=(time.perf_counter() - started) * 1000,
            site=slug or None,
        )
        return response

    def _at_hand(self, request: web.BaseRequest, slug: str, request_id: str) -> tuple[Ready, Whole] | None:
        """Return the answer if it is plain, worked out, and its bytes are in memory: nothing is waited for."""
        if (site := self._live.fresh(slug)) is None or not takes_whole(request):
            return None
        ready: Ready | None = site.memo.get(request.raw_path)
        if ready is None or (body := self._blobs.cached(ready.file.sha256)) is None:
            return None
        return ready, Whole(ready, body, request_id)

    async def _answer(self, request: web.BaseRequest, slug: str) -> tuple[Ready | None, web.StreamResponse]:
        try:
            ready, response = await self.show(request, slug, request.raw_path)
        except BaseException as error:  # noqa: BLE001 - every way out is judged in one place
            ready, response = None, _failure(http.meant(error))
        if not response.prepared:
            response.headers[hdrs.SERVER] = "invoker"
            response.headers["X-Request-ID"] = logs.request_id.get()
        return ready, response

    async def show(
        self, request: web.BaseRequest, slug: str, target: str, prefix: str = ""
    ) -> tuple[Ready | None, web.StreamResponse]:
        """Answer with what is at `target` (path and query, still encoded) of the site, and say which file that was.

        With a `prefix` the site is not on a host of its own: it stands before paths in redirects, and the site has
        none of the host's rights. Raise NotFound, MethodNotAllowed, BadRequest.
        """
        if request.method not in {"GET", "HEAD"}:
            # R61: whatever is asked of a host that is nobody's, there is nothing
            raise MethodNotAllowed if slug else NotFound
        path, _, query = target.partition("?")
        site = self._live.fresh(slug)
        ready: Ready | None = None if site is None else site.memo.get(path)
        if ready is None:
            async with asyncio.timeout(DEADLINE):
                found = await self._find(slug, path)
            if isinstance(found, str):
                return None, _redirect(prefix + found, query)
            ready = found
        headers = sandboxed(ready.headers) if prefix else ready.headers
        if ready.status == 200 and (tags := request.headers.get(hdrs.IF_NONE_MATCH)) and matches(tags, ready.etag):
            return ready, not_modified(headers)
        if ready.file.size > SMALL:
            return ready, await self._stream(request, ready, headers)
        if (body := self._blobs.cached(ready.file.sha256)) is None:
            async with asyncio.timeout(DEADLINE):
                body = await self._blobs.read(ready.file.sha256)
        return ready, web.Response(body=body, status=ready.status, headers=headers)

    async def _find(self, slug: str, path: str) -> Ready | str:
        """Return what to show for the encoded path, or where to go instead. Raise NotFound, BadRequest."""
        decoded = _decode(path)
        if (site := await self._live.find(slug)) is None:
            raise NotFound
        found = versions.resolve(site.manifest, decoded, is_spa=site.is_spa)
        if found is None:
            raise NotFound
        if found.redirect:
            return urllib.parse.quote(found.path)
        ready = make_ready(site, found)
        # a page has many addresses (`/%61`, and any at all in an SPA): keep no more of them than it has files
        if found.status == 200 and len(site.memo) < 2 * len(site.manifest):
            site.memo[path] = ready
        return ready

    async def _stream(self, request: web.BaseRequest, ready: Ready, headers: CIMultiDict[str]) -> web.StreamResponse:
        response = web.StreamResponse(status=ready.status, headers=headers)
        response.headers["X-Request-ID"] = logs.request_id.get()
        response.content_length = ready.file.size
        if request.method == "HEAD":
            return response
        async with aclosing(self._blobs.stream(ready.file.sha256)) as pieces:
            # the first piece before the status: a file that cannot be read is a 503
            first = await anext(pieces, b"")
            await response.prepare(request)
            try:
                async with asyncio.timeout(STREAM_DEADLINE):
                    await _send(response, first, pieces, ready.file.size)
            except (AppError, OSError, TimeoutError):
                # the status is out: all that can still be told is that this was not the whole file
                if request.transport is not None:
                    request.transport.abort()
        return response


async def _send(response: web.StreamResponse, first: bytes, rest: AsyncIterator[bytes], size: int) -> None:
    """Send the pieces. Raise Unavailable when they are not `size` bytes."""
    await response.write(first)
    sent = len(first)
    async for piece in rest:
        await response.write(piece)
        sent += len(piece)
    if sent != size:
        raise Unavailable
    await response.write_eof()


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


def _redirect(path: str, query: str) -> web.Response:
    location = f"{path}?{query}" if query else path
    return web.Response(status=308, headers={hdrs.LOCATION: location, "X-Content-Type-Options": "nosniff"})


def _failure(error: AppError) -> web.Response:
    response = pages.failure(error)
    if isinstance(error, MethodNotAllowed):
        response.headers[hdrs.ALLOW] = _METHODS
    return response


def host_reader(config: Config) -> Callable[[str], str | None]:
    """Return a function that tells which slug a Host header names: None for the app and API, "" for nobody's host."""
    suffix = config.site_suffix
    own = origins.names(config.app_url, config.api_url)

    @lru_cache(4096)
    def slug_of(header: str) -> str | None:
        host = origins.without_port(header)
        if host in own:
            return None
        slug = host.removesuffix(suffix)
        return slug if slug != host and slugs.well_formed(slug) else ""

    return slug_of


# On the app's own origin, where no name of the site's own resolves

SITES: Final = web.AppKey("sites", Sites)
routes = web.RouteTableDef()


def _render(_request: web.Request, error: AppError) -> web.Response:
    return _failure(error)


@routes.get("/s/{slug:[^/]*}")
@http.rules(render=_render, embeddable=True)
async def to_directory(request: web.Request) -> web.Response:
    """Lead to the site's first page, so that its relative links work."""
    if not slugs.well_formed(slug := request.match_info["slug"]):
        raise NotFound
    return web.Response(status=308, headers={hdrs.LOCATION: f"/s/{slug}/"})


@routes.get("/s/{slug}/{path:.*}")
@http.rules(render=_render, deadline=STREAM_DEADLINE, embeddable=True)
async def below_app(request: web.Request) -> web.StreamResponse:
    """Serve a site below `/s/`, with none of the rights of the origin it is on."""
    slug = request.match_info["slug"]
    prefix = f"/s/{slug}"
    target = request.raw_path
    if not slugs.well_formed(slug) or not target.startswith(prefix + "/"):
        raise NotFound
    return (await request.app[SITES].show(request, slug, target[len(prefix) :], prefix))[1]
