"""HTTP at the edge: what each route may take and cost, one error shape, one log line, JSON in and out."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, TypeVar, cast

import orjson
import pydantic
from aiohttp import hdrs, web

from shared import ids, logs, parsing
from shared.deadlines import Deadlines
from shared.errors import (
    AppError,
    BadRequest,
    DeadlineExceeded,
    MethodNotAllowed,
    NotFound,
    Timeout,
    TooLarge,
    Unavailable,
    Unreadable,
    UnsupportedMediaType,
)

log = logs.get(__name__)

M = TypeVar("M", bound=pydantic.BaseModel)
H = TypeVar("H", bound=Callable[..., Awaitable[web.StreamResponse]])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KIB: Final = 1024
MIB: Final = 1024 * KIB

#: A body that is not here by then is not coming (R17): seconds for the whole of it.
BODY_DEADLINE: Final = 15.0
#: Bytes a second at which a body that is read in pieces has to come.
SLOWEST: Final = 64 * 1024
#: A caller's own request id is kept when it has this form.
_REQUEST_ID: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")

#: Types under which JSON arrives: its own, curl's default for `-d`, and "some bytes", the default of many libraries.
_JSON: Final = frozenset({"application/json", "application/x-www-form-urlencoded", "application/octet-stream"})
#: Codings of a body that are undone before it is read.
_CODINGS: Final = frozenset({"identity", "gzip", "deflate"})

#: Facts that a handler learns and the log line of its request shall have (account, key).
FACTS: Final = web.RequestKey("facts", dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a route may take, and how long it may run."""

    #: Bytes, after decompression.
    body: int = 64 * KIB
    #: Seconds of wall clock until the caller gets a 504 (R24).
    deadline: float = 10.0
    #: Any origin may call it and read its answers, errors too; never with credentials (R86).
    cors: bool = False
    #: Pages of other origins may show it: a user's site. What is ours may be loaded by our own pages alone (R66).
    embeddable: bool = False
    #: How an error looks here; None is the API's JSON object.
    render: Callable[[web.Request, AppError], web.Response] | None = None


DEFAULT: Final = Rules()
_deadlines: Final = Deadlines()
_rules: dict[Handler, Rules] = {}


def rules(**given: Any) -> Callable[[H], H]:
    """State the rules of a handler: `@rules(body=25 * MIB, deadline=60)`; see `Rules` for the defaults."""

    def note(handler: H) -> H:
        _rules[handler] = Rules(**given)
        return handler

    return note


def rules_of(request: web.Request) -> Rules:
    """Return the rules of the route that `request` goes to."""
    return _rules.get(request.match_info.handler, DEFAULT)


# Answers


def json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")


def timestamp(moment: datetime | None) -> str | None:
    """Write a moment in UTC as the API does (RFC 3339 with milliseconds and `Z`); None stays None."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def error_response(error: AppError) -> web.Response:
    """Show an error as the API's JSON object, with `Retry-After` where it has one."""
    response = json(error.body(logs.request_id.get()), status=error.status)
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(max(1, round(error.retry_after)))
    if error.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


# Bodies


async def read_body(request: web.BaseRequest, limit: int) -> bytes:
    """Read the whole body, decompressed. Raise TooLarge past `limit` bytes, Timeout when it does not arrive."""
    if (length := request.content_length) is not None and length > limit:
        raise TooLarge(hint=f"At most {limit} bytes are taken here.")
    if (coding := request.headers.get(hdrs.CONTENT_ENCODING)) is not None and coding.lower() not in _CODINGS:
        raise UnsupportedMediaType("This content coding cannot be read", hint="Send the body as it is, or with gzip.")
    chunks: list[bytes] = []
    size = 0
    try:
        # nearly every small body came with the headers: there is nothing to wait for
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


async def body_pieces(request: web.BaseRequest, limit: int) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes, uncompressed by us. Raise TooLarge past `limit` bytes, Timeout when it is too slow.

    However large, it has to come at 64 KiB a second after the first seconds (R17).
    """
    if (length := request.content_length) is not None and length > limit:
        raise TooLarge(hint=f"At most {limit} bytes are taken here.")
    if hdrs.CONTENT_ENCODING in request.headers:
        raise UnsupportedMediaType("This content coding cannot be read", hint="Send the bytes as they are.")
    size, started = 0, time.monotonic()
    pieces = request.content.iter_any()
    try:
        while True:
            async with asyncio.timeout(max(0.0, BODY_DEADLINE + size / SLOWEST - (time.monotonic() - started))):
                piece = await anext(pieces, None)
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
    return await read_body(request, rules_of(request).body)


async def read_json(request: web.Request) -> Any:
    """Read the body as JSON. Raise UnsupportedMediaType as `read_json_bytes`, BadRequest for a body that is none."""
    return parsing.parse_json(await read_json_bytes(request))


async def read_model(request: web.Request, model: type[M]) -> M:
    """Read the body as `model`.

    Raise Invalid (422) naming the first field that does not fit; what the caller sent is not repeated.
    """
    return parsing.read(model, await read_json_bytes(request))


# The edge


def client_ip(request: web.BaseRequest, trusted_proxies: int) -> str:
    """Return the caller's address: the peer's, or what our own `trusted_proxies` hops say, counted from the right."""
    if trusted_proxies:
        hops = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ())).split(",")
        if len(hops) >= trusted_proxies and (address := _address(hops[-trusted_proxies])):
            return address
    peer = request.transport and request.transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else "unknown"


@lru_cache(1024)
def _address(hop: str) -> str | None:
    """Return the address that a proxy of ours wrote; None for what is none, and so is not from one."""
    address = hop.strip()
    try:
        ip_address(address)
    except ValueError:
        return None
    # what follows a % may be any text
    return None if "%" in address else address


def take_request_id(headers: Mapping[str, str]) -> str:
    """Take the caller's request id when it is well-formed, or make one, and set it for logs and messages.

    One that looks like a key is not taken: it would be written to the log.
    """
    given = headers.get("X-Request-ID")
    if given is None or not _REQUEST_ID.match(given) or logs.redact(given) != given:
        given = ids.new_request_id()
    logs.request_id.set(given)
    return given


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request its id, deadline, error object and log line."""
    started = time.perf_counter()
    take_request_id(request.headers)
    own = rules_of(request)
    request[FACTS] = facts = {}
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    _deadlines.start(task, own.deadline)
    try:
        response = await handler(request)
        _deadlines.stop(task)
    except BaseException as error:  # noqa: BLE001 - every way out is judged in one place
        told = meant(TimeoutError() if _deadlines.stop(task) else error)
        facts["error"] = told.code
        response = _show(request, own, told)
    dress(request, response)
    resource = request.match_info.route.resource
    logs.access(
        method=request.method,
        path=resource.canonical if resource else "(none)",
        status=response.status,
        ms=(time.perf_counter() - started) * 1000,
        **facts,
    )
    return response


def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Give an answer the headers that all have; the edge does, and before it what sends its headers by itself."""
    own, headers = rules_of(request), response.headers
    headers["X-Request-ID"] = logs.request_id.get()
    headers["X-Content-Type-Options"] = "nosniff"
    headers[hdrs.SERVER] = "invoker"
    if own.cors:
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "X-Request-ID, Retry-After"
    elif not own.embeddable:
        headers["Cross-Origin-Resource-Policy"] = "same-origin"


def _show(request: web.Request, own: Rules, error: AppError) -> web.Response:
    response = own.render(request, error) if own.render else error_response(error)
    if isinstance(error.__cause__, web.HTTPMethodNotAllowed):
        response.headers[hdrs.ALLOW] = ", ".join(sorted(error.__cause__.allowed_methods))
    if isinstance(error, Unreadable):
        response.force_close()
    return response


def meant(error: BaseException) -> AppError:
    """Turn what a handler raised into what the caller is told; what nobody meant is logged and told as nothing."""
    match error:
        case AppError():
            return error
        case web.HTTPNotFound():
            return NotFound()
        case web.HTTPMethodNotAllowed():
            told = MethodNotAllowed()
            told.__cause__ = error
            return told
        case web.HTTPException() if error.status < 500:
            return BadRequest(error.reason)
        case TimeoutError():
            log.warning("request.deadline_exceeded")
            return DeadlineExceeded()
        case asyncio.CancelledError():
            # aiormq cancels what waits on a stuck link (R5); a cancellation of our own goes on its way
            if (task := asyncio.current_task()) and task.cancelling():
                raise error
            return Unavailable()
        case Exception():
            log.error("request.failed", exc_info=error)
            return AppError(hint="This is our fault. Give the request id when you report it.")
        case _:
            raise error


def preflight(methods: str) -> Handler:
    """Return a handler for the OPTIONS request of a route open to all origins."""
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: methods,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Content-Type, Idempotency-Key, X-Request-ID",
        hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
    }

    @rules(cors=True)
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=204, headers=headers)

    return answer


def application() -> web.Application:
    """Return an application with the edge in place; bodies are bounded by each route's rules."""
    return web.Application(middlewares=[edge])
