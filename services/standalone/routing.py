"""Which service answers a request, by host and path: the same rules as the gateway's, in a few lines."""

from typing import Any, Final

from aiohttp import hdrs, web
from yarl import URL

from shared import origins
from shared.config import BaseConfig
from shared.server import Server

#: First segment of an API path to the service that has it.
API: Final = {
    "auth": "auth", "keys": "auth", "audit": "auth", "openapi.json": "auth",
    "deploy": "deploy", "submit": "deploy", "submissions": "deploy", "webhooks": "deploy", "claim": "deploy",
}  # fmt: skip

#: The server a request was routed to, kept from making the request until answering it.
_TARGET: Final = web.RequestKey("target", web.Server)


class Router:
    """Picks the server of a request; `servers` has `auth`, `deploy`, and `front` for what is standalone's own."""

    def __init__(self, config: BaseConfig, servers: dict[str, web.Server]) -> None:
        self._servers = servers
        app, api = URL(config.app_url), URL(config.api_url)
        self._app_hosts = _names(app)
        # the dashboard calls the API below the app, wherever else it is
        self._api_prefixes = {"/api"} | ({api.path.rstrip("/")} - {""} if api.host == app.host else set())
        self._api_hosts = {f"api.{name}" for name in self._app_hosts} | (_names(api) - self._app_hosts)

    def server(self) -> Server:
        """Return the one server that stands before all."""
        return Server(self._answer, self._make)

    def route(self, host: str, path: str) -> tuple[str, str]:
        """Return the name of the server and the path that it sees."""
        name = origins.without_port(host)
        # what a certificate authority asks of any host
        if path.startswith("/.well-known/acme-challenge/"):
            return "deploy", path
        if name in self._api_hosts:
            return self._api(path), path
        # whether it runs is asked at this machine's own names, whatever the app is called
        if path in {"/readyz", "/healthz"} and name in self._app_hosts | origins.LOCAL:
            return "front", path
        if name not in self._app_hosts:
            return "deploy", path
        for prefix in self._api_prefixes:
            if (path + "/").startswith(prefix + "/"):
                inner = path[len(prefix) :] or "/"
                return self._api(inner), inner
        first = path.split("/", 2)[1]
        if first == "mailbox":
            return "mailbox", path[len("/mailbox") :] or "/"
        return ("deploy" if first == "s" or path == "/report" else "auth"), path

    def _api(self, path: str) -> str:
        return API.get(path.split("/", 2)[1], "auth")

    def _make(self, message: Any, *rest: Any) -> web.BaseRequest:
        url: URL = message.url
        path = url.raw_path if url.raw_path.startswith("/") else "/"
        name, inner = self.route(message.headers.get(hdrs.HOST, ""), path)
        if inner != path or url.absolute:
            query = url.raw_query_string
            inner_url = URL.build(path=inner, query_string=query, encoded=True)
            message = message._replace(path=f"{inner}?{query}" if query else inner, url=inner_url)
        target = self._servers[name]
        request: web.BaseRequest = target.request_factory(message, *rest)
        request[_TARGET] = target
        return request

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return await request[_TARGET].request_handler(request)


def _names(url: URL) -> set[str]:
    """Return the host names that mean this URL's host; a laptop's own name has three."""
    return {"localhost", "127.0.0.1", "[::1]"} if url.host == "localhost" else {url.host or ""}
