"""What API and pages share: who calls, by key or by the cookie of a browser, and what a path names."""

from typing import Final

from aiohttp import hdrs, web

from services.auth.config import Config
from services.auth.keys import KeyNotFound
from services.auth.logins import CODE_LIFE, SESSION_LIFE, LoginNotFound
from services.auth.service.keys import Keys
from services.auth.service.logins import Logins
from services.auth.usage import Usage
from shared import credentials, http, ids, origins
from shared.auth_client import Caller, admit, authenticate
from shared.errors import Unauthorized

_SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


class Access:
    """Tells callers apart; one per process."""

    def __init__(self, config: Config, keys: Keys) -> None:
        self._keys = keys
        self._app_url = config.app_url
        # plain http is for one's own machine only: browsers keep no __Host- cookie there
        self._secure = config.app_url.startswith("https://")
        self._prefix = "__Host-" if self._secure else ""

    async def caller(self, request: web.Request, *, scope: str | None = None) -> Caller:
        """Return who calls, by key or by cookie. Raise Unauthorized, MissingScope, CrossSite."""
        if hdrs.AUTHORIZATION in request.headers:
            return await authenticate(request, self._keys, scope=scope)
        caller = await self.visitor(request)
        if caller is None:
            raise Unauthorized
        if request.method not in _SAFE:
            self.require_own_page(request)
        return admit(request, caller, scope)

    async def visitor(self, request: web.Request) -> Caller | None:
        """Return who is logged in in this browser."""
        cookie = request.cookies.get(self._name("session"))
        if cookie is None or not cookie.startswith("ses_"):
            return None
        return await self._keys.check_session(credentials.digest(cookie))

    def require_own_page(self, request: web.Request) -> None:
        """Refuse a change that a page of somebody else asks for. Raise CrossSite."""
        origins.require_same_origin(request, self._app_url)

    def remember_session(self, response: web.Response, cookie: str) -> None:
        """Log the browser in: a new cookie at each login (R62)."""
        self._set(response, "session", cookie, int(SESSION_LIFE.total_seconds()))
        self._set(response, "login", "", 0)

    def forget_session(self, response: web.Response) -> None:
        self._set(response, "session", "", 0)

    def remember_login(self, response: web.Response, verifier: str) -> None:
        """Let this browser, and no other, finish the login it starts."""
        self._set(response, "login", verifier, 3 * int(CODE_LIFE.total_seconds()))

    def verifier(self, request: web.Request) -> str | None:
        """Return the verifier of the login that this browser started."""
        return request.cookies.get(self._name("login"))

    def _name(self, what: str) -> str:
        return f"{self._prefix}invoker_{what}"

    def _set(self, response: web.Response, what: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(what), value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )


LOGINS: Final = web.AppKey("logins", Logins)
KEYS: Final = web.AppKey("keys", Keys)
USAGE: Final = web.AppKey("usage", Usage)
CONFIG: Final = web.AppKey("config", Config)
ACCESS: Final = web.AppKey("access", Access)


def ip(request: web.Request) -> str:
    """Return the caller's address as the limits count it."""
    return http.client_ip(request, request.app[CONFIG].trusted_proxies)


def login_id(text: str) -> str:
    """Return a login's id. Raise LoginNotFound for what cannot be one."""
    if not ids.is_id(text, "ls"):
        raise LoginNotFound
    return text


def key_id(request: web.Request) -> str:
    """Return the id in the path. Raise KeyNotFound for what cannot be one."""
    text = request.match_info["id"]
    if not ids.is_id(text, "key"):
        raise KeyNotFound
    return text
