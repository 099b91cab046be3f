"""Bodies of requests: read within limits of size and time, whole or in pieces, as JSON or as a model."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from typing import Any, Final, TypeVar

import pydantic
from aiohttp import hdrs, web

from shared import http, parsing
from shared.errors import Timeout, TooLarge, Unreadable, UnsupportedMediaType

M = TypeVar("M", bound=pydantic.BaseModel)

#: A body that is not here by then is not coming (R17): seconds for the whole of it.
BODY_DEADLINE: Final = 15.0
#: Bytes a second at which a body that is read in pieces has to come.
SLOWEST: Final = 64 * 1024

#: Types under which JSON arrives: its own, curl's default for `-d`, and "some bytes", the default of many libraries.
_JSON: Final = frozenset({"application/json", "application/x-www-form-urlencoded", "application/octet-stream"})
#: Codings of a body that are undone before it is read.
_CODINGS: Final = frozenset({"identity", "gzip", "deflate"})


async def read(request: web.BaseRequest, limit: int) -> bytes:
    """Read the whole body, decompressed. Raise TooLarge past `limit` bytes, Timeout when it does not arrive."""
    if (length := request.content_length) is not None and length > limit:
        raise TooLarge(hint=f"At most {limit} bytes are taken here.")
    _require_known_coding(request)
    content = request.content
    if content.is_eof() and content.exception() is None and hdrs.CONTENT_ENCODING not in request.headers:
        # nearly every small body came with the headers: there is nothing to wait for
        whole = content.read_nowait()
        if len(whole) > limit:
            raise TooLarge(hint=f"At most {limit} bytes are taken here.")
        return whole
    chunks: list[bytes] = []
    size = 0
    try:
        async with nullcontext() if request.content.is_eof() else asyncio.timeout(BODY_DEADLINE):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise TooLarge(hint=f"At most {limit} bytes are taken here.")
                chunks.append(chunk)
    except TimeoutError:
        raise Timeout from None
    except (web.RequestPayloadError, ConnectionResetError) as error:
        # nothing after it can be read either; unless it counts as read, aiohttp tries, and logs the error as ours
        request.content.feed_eof()
        raise Unreadable from error
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _require_known_coding(request: web.BaseRequest) -> None:
    if (coding := request.headers.get(hdrs.CONTENT_ENCODING)) is not None and coding.lower() not in _CODINGS:
        raise UnsupportedMediaType("This content coding cannot be read", hint="Send the body as it is, or with gzip.")


async def pieces(request: web.BaseRequest, limit: int, *, coded: bool = False) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes. Raise TooLarge past `limit` bytes, Timeout when it is too slow.

    However large, it has to come at 64 KiB a second after the first seconds (R17). A coding is undone where `coded`
    bodies are taken, and refused elsewhere.
    """
    if (length := request.content_length) is not None and length > limit:
        raise TooLarge(hint=f"At most {limit} bytes are taken here.")
    if coded:
        _require_known_coding(request)
    elif hdrs.CONTENT_ENCODING in request.headers:
        raise UnsupportedMediaType("This content coding cannot be read", hint="Send the bytes as they are.")
    size, started = 0, time.monotonic()
    arriving = request.content.iter_any()
    try:
        while True:
            async with asyncio.timeout(max(0.0, BODY_DEADLINE + size / SLOWEST - (time.monotonic() - started))):
                piece = await anext(arriving, None)
            if piece is None:
                return
            size += len(piece)
            if size > limit:
                raise TooLarge(hint=f"At most {limit} bytes are taken here.")
            yield piece
    except TimeoutError:
        raise Timeout from None
    except (web.RequestPayloadError, ConnectionResetError) as error:
        request.content.feed_eof()
        raise Unreadable from error


async def read_json_bytes(request: web.Request) -> bytes:
    """Read a body that is to be JSON, within the route's limit, and leave the parsing to the caller.

    Raise UnsupportedMediaType for a declared type that is not JSON.
    """
    declared = request.headers.get(hdrs.CONTENT_TYPE, "application/json").partition(";")[0].strip().lower()
    if not (declared in _JSON or declared.endswith("+json")):
        raise UnsupportedMediaType(hint="Send the body as application/json.")
    return await read(request, http.rules_of(request).body)


async def read_json(request: web.Request) -> Any:
    """Read the body as JSON. Raise UnsupportedMediaType as `read_json_bytes`, BadRequest for a body that is none."""
    return parsing.parse_json(await read_json_bytes(request))


async def read_model(request: web.Request, model: type[M]) -> M:
    """Read the body as `model`.

    Raise Invalid (422) naming the first field that does not fit; what the caller sent is not repeated.
    """
    return parsing.read(model, await read_json_bytes(request))
