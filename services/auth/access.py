"""What API and pages share: who calls, the cookies of a browser, and what a path names."""

from typing import Final

from aiohttp import web

from services.auth.config import Config
from services.auth.keys import KeyNotFound
from services.auth.logins import CODE_LIFE, LoginNotFound
from services.auth.service.accounts import Accounts
from services.auth.service.exports import Exports
from services.auth.service.keys import Keys
from services.auth.service.logins import Logins
from services.auth.service.sessions import Sessions
from services.auth.service.trail import Trail
from services.auth.sessions import SESSION_LIFE, SessionNotFound
from services.auth.usage import Usage
from shared import http, ids
from shared.auth_client import Caller
from shared.callers import Callers

#: Answers with secrets, or about a person, are nobody's to keep.
NO_STORE: Final = {"Cache-Control": "no-store"}


class Access:
    """Tells callers apart and keeps their browsers' cookies; one per process."""

    def __init__(self, callers: Callers) -> None:
        self.callers: Final = callers

    async def visitor(self, request: web.Request) -> Caller | None:
        """Return who is logged in in this browser."""
        return await self.callers.visitor(request)

    def require_own_page(self, request: web.Request) -> None:
        """Refuse a change that a page of somebody else asks for. Raise CrossSite."""
        self.callers.require_own_page(request)

    def session(self, request: web.Request) -> str | None:
        """Return the value of the session cookie that the browser sends, whatever it is worth."""
        return request.cookies.get(self.callers.cookie("session"))

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
        return request.cookies.get(self.callers.cookie("login"))

    def _set(self, response: web.Response, what: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self.callers.cookie(what),
            value,
            max_age=seconds,
            path="/",
            secure=self.callers.secure,
            httponly=True,
            samesite="Lax",
        )


LOGINS: Final = web.AppKey("logins", Logins)
KEYS: Final = web.AppKey("keys", Keys)
SESSIONS: Final = web.AppKey("sessions", Sessions)
TRAIL: Final = web.AppKey("trail", Trail)
ACCOUNTS: Final = web.AppKey("accounts", Accounts)
EXPORTS: Final = web.AppKey("exports", Exports)
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


def session_id(request: web.Request) -> str:
    """Return the id in the path. Raise SessionNotFound for what cannot be one."""
    text = request.match_info["id"]
    if not ids.is_id(text, "ses"):
        raise SessionNotFound
    return text
