"""HTTP at the edge: what each route may take and cost, one error shape, one log line, JSON in and out."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, TypeVar, cast

import orjson
from aiohttp import hdrs, web

from shared import ids, logs
from shared.deadlines import Deadlines
from shared.errors import AppError, BadRequest, DeadlineExceeded, MethodNotAllowed, NotFound, Unavailable, Unreadable

log = logs.get(__name__)

H = TypeVar("H", bound=Callable[..., Awaitable[web.StreamResponse]])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KIB: Final = 1024
MIB: Final = 1024 * KIB

#: A caller's own request id is kept when it has this form.
_REQUEST_ID: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")

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


def allow(seconds: float) -> None:
    """Let the request under way run for so many seconds from now on: what it sends may have a rule of its own."""
    _deadlines.start(cast("asyncio.Task[Any]", asyncio.current_task()), seconds)


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
