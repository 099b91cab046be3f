"""A file that was found, sent as HTTP lets it be asked for: whole, a part, or only when it is news (RFC 9110)."""

from aiohttp import hdrs, web
from multidict import CIMultiDict

from services.deploy import negotiation
from services.deploy.answers import Body, Ready, unchanged
from services.deploy.blobs import SMALL, Blobs
from services.deploy.transfer import large


async def deliver(request: web.BaseRequest, blobs: Blobs, ready: Ready) -> web.StreamResponse:
    """Answer with a file, a part of it, or that the visitor has it (13.2.2: in this order). Raise Unavailable."""
    headers = request.headers
    span = _span(request, ready)
    # parts are of the bytes as they are
    body = ready.plain if span is not None else ready.choose(headers.get(hdrs.ACCEPT_ENCODING))
    if ready.status != 200:
        return await _send(request, blobs, body, ready.status, None)
    if (known := headers.get(hdrs.IF_MATCH)) is not None and not negotiation.matches_strongly(known, body.etag):
        return web.Response(status=412, headers=_only_now(body))
    if (tags := headers.get(hdrs.IF_NONE_MATCH)) is not None and negotiation.matches(tags, body.etag):
        return web.Response(status=304, headers=unchanged(body.headers))
    if span == ():
        return _unsatisfiable(body)
    return await _send(request, blobs, body, 206 if span else 200, span or None)


async def _send(
    request: web.BaseRequest, blobs: Blobs, body: Body, status: int, span: tuple[int, int] | None
) -> web.StreamResponse:
    headers = body.headers.copy()
    start, end = span or (0, body.size)
    if span:
        headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{body.size}"
    if request.method == "HEAD":
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = body.size
        return response
    if body.size > SMALL:
        return await large(request, blobs, body, (start, end), status=status, headers=headers)
    content = blobs.cached(body.name)
    if content is None:
        content = await blobs.read(body.name)
    return web.Response(body=content[start:end], status=status, headers=headers)


def _span(request: web.BaseRequest, ready: Ready) -> tuple[int, int] | tuple[()] | None:
    """Return the part of the file that is asked for: None for all of it, nothing when it has no such part."""
    wanted = request.headers.get(hdrs.RANGE)
    if wanted is None or request.method != "GET" or ready.status != 200:
        return None
    # strong comparison: a date, which no answer of ours has, is no match either (RFC 9110 13.1.5)
    if request.headers.get(hdrs.IF_RANGE, ready.plain.etag).strip() != ready.plain.etag:
        return None
    try:
        return negotiation.part(wanted, ready.plain.size)
    except negotiation.Unsatisfiable:
        return ()


def _unsatisfiable(body: Body) -> web.Response:
    headers = _only_now(body)
    del headers[hdrs.ETAG]
    headers[hdrs.CONTENT_RANGE] = f"bytes */{body.size}"
    return web.Response(status=416, headers=headers)


def _only_now(body: Body) -> CIMultiDict[str]:
    """Return the headers of a refusal: a cache that kept one would give it to whoever asks for the file."""
    headers = unchanged(body.headers)
    headers[hdrs.CACHE_CONTROL] = "no-store"
    return headers
