"""Listening: one server for a service's port, a small one for its internal port, and a clean stop."""

import asyncio
import hmac
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, http_parser, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import http, logs
from shared.config import BaseConfig
from shared.errors import AppError, BadRequest, Unauthorized

log = logs.get(__name__)

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

#: Seconds; also the deadline for a request's headers, since aiohttp counts it from the connection's start (R16).
KEEPALIVE: Final = 20.0
#: Seconds that running requests get when the process is asked to stop.
DRAIN: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service: what it serves, and whether it can."""

    name: str
    #: Makes and answers requests of the public port; None where there is none.
    public: web.Server | None
    internal: web.Server
    #: Raises when the service cannot do its work now.
    ready: Callable[[], Awaitable[None]]


class Protocol(web.RequestHandler):
    """aiohttp's connection, with the API's error object also for what never becomes a request."""

    __slots__ = ("over",)

    #: Set when the client is gone or the server stops: what would go on for long is to end.
    over: asyncio.Event

    def close(self) -> None:
        """Take no further requests: aiohttp calls it when the server stops."""
        self.over.set()
        super().close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell who sends for long that nobody reads any more."""
        self.over.set()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it repeats what the client sent
    ) -> web.StreamResponse:
        """Answer 400 for bytes that are not HTTP; anything else is not expected to get here, and is logged."""
        if status < 500:
            http.take_request_id({})
            response = http.error_response(BadRequest("The request is not valid HTTP"))
        else:
            log.error("connection.failed", exc_info=exc)
            response = http.error_response(AppError())
        response.headers["X-Request-ID"] = logs.request_id.get()
        response.headers[hdrs.SERVER] = "invoker"
        response.force_close()
        return response


class Server(web.Server):
    """A low-level server whose connections are ours."""

    def __init__(self, answer: Answer, factory: Any = None) -> None:
        super().__init__(answer, request_factory=factory)

    def __call__(self) -> web.RequestHandler:
        loop = asyncio.get_running_loop()
        # aiohttp's stub leaves out that None switches its access log off; ours is written by the edge
        made = Protocol(self, loop=loop, keepalive_timeout=KEEPALIVE, access_log=None)  # type: ignore[arg-type]
        made.over = asyncio.Event()
        return made


def over(request: web.BaseRequest) -> asyncio.Event:
    """Return what is set when nobody reads the answer any more, or the server stops."""
    assert isinstance(request.protocol, Protocol)  # noqa: S101 - every server of ours has them
    return request.protocol.over


@asynccontextmanager
async def serving(
    app: web.Application, *, around: Callable[[Answer], Answer] = lambda answer: answer
) -> AsyncIterator[web.Server]:
    """Make a server of an application; `request_handler` and `request_factory` of it are what `Server` takes.

    `around` may put something before the application that answers some requests without it.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        assert runner.server is not None  # noqa: S101 - set up just now
        yield Server(around(runner.server.request_handler), runner.server.request_factory)
    finally:
        await runner.cleanup()


def bind(host: str, port: int) -> socket.socket:
    """Take a port, so that it can be told to others before anything listens on it; 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((host, port))
    except BaseException:
        taken.close()
        raise
    return taken


def require_c_parser() -> None:
    """Raise SystemExit unless aiohttp parses requests in C: its fallback has had holes that this one has not (R15)."""
    parser = http_parser.HttpRequestParser.__module__
    if parser != "aiohttp._http_parser":
        raise SystemExit(f"aiohttp parses HTTP in {parser}: its C extension is missing or AIOHTTP_NO_EXTENSIONS is set")


@asynccontextmanager
async def listening(server: web.Server, *sockets: socket.socket) -> AsyncIterator[None]:
    """Accept connections on what `bind` took; at the end stop accepting, and let running requests finish."""
    require_c_parser()
    runner = web.ServerRunner(server, shutdown_timeout=DRAIN)
    await runner.setup()
    try:
        for taken in sockets:
            await web.SockSite(runner, taken, backlog=1024).start()
        yield
    finally:
        await runner.cleanup()


def internal_app(config: BaseConfig, ready: Callable[[], Awaitable[None]]) -> web.Application:
    """Return the application of an internal port: health, metrics, and `/internal/…` behind the service token."""
    token = f"Bearer {config.service_token.get_secret_value()}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: http.Handler) -> web.StreamResponse:
        if request.path.startswith("/internal/"):
            given = request.headers.get(hdrs.AUTHORIZATION, "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, token):
                raise Unauthorized(hint="Internal endpoints take the service token.")
        return await handler(request)

    async def healthz(_request: web.Request) -> web.Response:
        return http.json({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        await ready()
        return http.json({"status": "ready"})

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    app = web.Application(middlewares=[quiet_edge, guard])
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


@web.middleware
async def quiet_edge(request: web.Request, handler: http.Handler) -> web.StreamResponse:
    """Do what `http.edge` does, without a log line for what goes well: probes and look-ups are many."""
    http.take_request_id(request.headers)
    try:
        async with asyncio.timeout(http.rules_of(request).deadline):
            return await handler(request)
    except BaseException as error:  # noqa: BLE001 - judged in one place
        return http.error_response(http.meant(error))


async def stop_signal() -> None:
    """Return when the process is asked to stop: by SIGTERM, SIGINT, or SIGHUP from a terminal that closes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


async def run(config: BaseConfig, service: Service) -> None:
    """Serve until the process is asked to stop: readiness first, then connections, then what runs."""
    async with AsyncExitStack() as stack:
        internal = bind(config.internal_host, config.internal_port)
        await stack.enter_async_context(listening(service.internal, internal))
        if service.public is not None:
            await stack.enter_async_context(listening(service.public, bind(config.host, config.port)))
        log.info("service.ready", port=config.port, internal_port=config.internal_port)
        await stop_signal()
        log.info("service.stopping")
