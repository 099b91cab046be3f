"""Who calls: by a key in the Authorization header, or by the session cookie of a browser that is logged in.

Both are checked by the same `Checker`. A cookie comes along with whatever makes a browser send a request, so a change
that comes with one must come from a page of our own (R62).
"""

from typing import Final

import orjson
from aiohttp import hdrs, web

from shared import credentials, http, origins
from shared.auth_client import Caller, Checker
from shared.config import BaseConfig
from shared.errors import Forbidden, Unauthorized

#: Methods that change nothing (RFC 9110, 9.2.1).
SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
#: What a session cookie's value begins with.
SESSION_PREFIX: Final = "ses_"
#: Characters that are kept of a User-Agent.
CLIENT_LENGTH: Final = 200


class MissingScope(Forbidden):
    """The key is valid and was made with less."""

    code = "missing_scope"
    message = "This key may not do that"

    def __init__(self, caller: Caller, scope: str) -> None:
        super().__init__(hint=f"This needs a key with the scope '{scope}'.")
        self.caller, self.scope = caller, scope


class SessionRequired(Forbidden):
    """Something that only a person in a browser may do was asked for with a key."""

    code = "session_required"
    message = "This is done in a browser, not with a key"
    hint = "Log in at the dashboard and do it there."


class Callers:
    """Tells callers apart; one per process."""

    def __init__(self, config: BaseConfig, checker: Checker) -> None:
        self._checker = checker
        self._app_url = config.app_url
        self._proxies = config.trusted_proxies
        # plain http is for one's own machine only: browsers keep no __Host- cookie there
        self.secure: Final = config.app_url.startswith("https://")

    def cookie(self, what: str) -> str:
        """Return the name of one of our cookies: `__Host-` keeps other hosts from setting it."""
        return f"__Host-invoker_{what}" if self.secure else f"invoker_{what}"

    async def caller(self, request: web.Request, *, scope: str | None = None) -> Caller:
        """Return who calls with a credential that has `scope` (None: any will do), and note them for the log.

        Raise Unauthorized, MissingScope, CrossSite or Unavailable.
        """
        if hdrs.AUTHORIZATION in request.headers:
            return await authenticate(request, self._checker, scope=scope, proxies=self._proxies)
        caller = await self.visitor(request)
        if caller is None:
            raise Unauthorized
        if request.method not in SAFE:
            self.require_own_page(request)
        return admit(request, caller, scope)

    async def person(self, request: web.Request) -> Caller:
        """Return who is logged in in the browser that sends this. Raise Unauthorized, SessionRequired, CrossSite."""
        caller = await self.caller(request)
        if caller.kind != "session":
            raise SessionRequired
        return caller

    async def visitor(self, request: web.Request) -> Caller | None:
        """Return who is logged in in this browser, None when nobody is. Raise Unavailable."""
        cookie = request.cookies.get(self.cookie("session"))
        if cookie is None or not cookie.startswith(SESSION_PREFIX):
            return None
        digest = credentials.digest(cookie)
        if known := self._checker.cached(digest):
            return known
        return await self._checker.check(digest, kind="session", seen=seen(request, self._proxies))

    def require_own_page(self, request: web.BaseRequest) -> None:
        """Refuse a change that a page of somebody else asks for. Raise CrossSite."""
        origins.require_same_origin(request, self._app_url)


async def authenticate(request: web.Request, checker: Checker, *, scope: str | None = None, proxies: int = 0) -> Caller:
    """Return who calls with a key that has `scope` (None: any key will do), and note them for the log.

    Raise Unauthorized, MissingScope or Unavailable. A malformed key costs no look-up.
    """
    key = bearer(request)
    if key is None or not credentials.plausible(key):
        raise Unauthorized
    digest = credentials.digest(key)
    caller = checker.cached(digest)
    # the checksum costs more than the look-up in the cache: it is for keys that are not there
    if caller is None and credentials.well_formed(key):
        caller = await checker.check(digest, seen=seen(request, proxies))
    if caller is None:
        raise Unauthorized
    return admit(request, caller, scope)


def bearer(request: web.BaseRequest) -> str | None:
    """Return the credential of the Authorization header, None where there is no such header.

    Raise Unauthorized for any other form of it.
    """
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthorized
    return credential


def admit(request: web.Request, caller: Caller, scope: str | None) -> Caller:
    """Note a known caller for the log and return it. Raise MissingScope when its credential lacks `scope`."""
    facts = request[http.FACTS]
    facts["account"] = caller.account_id
    facts["credential"] = caller.credential_id
    if scope is not None and not caller.may(scope):
        raise MissingScope(caller, scope)
    return caller


def user_agent(request: web.BaseRequest) -> str:
    """Return what the client calls itself, on one line and bounded."""
    given = request.headers.get(hdrs.USER_AGENT, "")[:CLIENT_LENGTH]
    return given if given.isprintable() else "".join(char for char in given if char.isprintable())


def seen(request: web.BaseRequest, proxies: int) -> bytes:
    """Return from where a credential is used, as JSON that travels with its check: `{"ip": …, "client": …}`."""
    return orjson.dumps({"ip": http.client_ip(request, proxies), "client": user_agent(request)})
