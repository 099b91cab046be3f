"""A long answer, sent while it is made: never whole in memory, and never taken for whole when it breaks off."""

from collections.abc import AsyncGenerator
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
    request: web.Request, pieces: AsyncGenerator[bytes, None], *, name: str, content_type: str
) -> web.StreamResponse:
    """Answer with a file to be kept under `name`, plain ASCII; what breaks off ends as `json` does."""
    response = web.StreamResponse(headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'})
    response.content_type = content_type
    return await _send(request, response, pieces)


async def _send(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    http.dress(request, response)
    response.enable_chunked_encoding()
    async with aclosing(pieces):
        waiting, size = [await anext(pieces)], 0
        await response.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return response
        try:
            async for piece in pieces:
                waiting.append(piece)
                size += len(piece)
                if size >= PIECE:
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
