"""A long answer, sent while it is made: never whole in memory, and never taken for whole when it breaks off."""

import urllib.parse
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

from aiohttp import hdrs, web

from shared import http, logs

log = logs.get(__name__)

#: Bytes that are put together before they are sent.
PIECE: Final = 64 * http.KIB


async def json(
    request: web.Request, pieces: AsyncGenerator[bytes, None], *, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Answer with the JSON document in `pieces`.

    What goes wrong before the first is raised, and answered as ever. After it nothing can be told any more: the
    connection is cut without the end of its last chunk, so that what arrived is no document.
    """
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    return await _send(request, response, pieces)


async def download(
    request: web.Request,
    pieces: AsyncGenerator[bytes, None],
    *,
    name: str,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """Answer with a file to be kept under `name`; what breaks off ends as `json` does."""
    response = web.StreamResponse(headers={hdrs.CONTENT_DISPOSITION: attachment(name), **(headers or {})})
    response.content_type = content_type
    if content_type.startswith("text/"):
        response.charset = "utf-8"
    return await _send(request, response, pieces)


async def events(request: web.Request, pieces: AsyncGenerator[bytes, None]) -> web.StreamResponse:
    """Answer with server-sent events, each sent at once; what breaks off ends as `json` does."""
    # a proxy must not hold back what comes now and then
    response = web.StreamResponse(headers={hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    return await _send(request, response, pieces, together=1)


def attachment(name: str) -> str:
    """Return a Content-Disposition for a file of any name (RFC 6266): nothing in it ends the header or its value."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    shown = f'attachment; filename="{plain}"'
    return shown if plain == name else f"{shown}; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"


async def _send(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None], *, together: int = PIECE
) -> web.StreamResponse:
    http.dress(request, response)
    response.enable_chunked_encoding()
    async with aclosing(pieces):
        waiting = [await anext(pieces, b"")]
        size = len(waiting[0])
        await response.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return response
        try:
            if size >= together:
                await response.write(b"".join(waiting))
                waiting, size = [], 0
            async for piece in pieces:
                waiting.append(piece)
                size += len(piece)
                if size >= together:
                    await response.write(b"".join(waiting))
                    waiting, size = [], 0
            await response.write(b"".join(waiting))
            await response.write_eof()
        except BaseException as error:
            if request.transport is not None:
                request.transport.abort()
            if not isinstance(error, Exception):
                raise
            log.warning("stream.broken", path=_path(request), error=type(error).__name__)
    return response


def _path(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""
