"""Logging in: the dashboard's door, the page of a login, and the page behind the mail's link."""

import re
from typing import Final

from aiohttp import web

from services.auth import logins
from services.auth.access import ACCESS, LOGINS, ip, login_id
from services.auth.accounts import InvalidEmail, masked, parse_address
from services.auth.logins import Client, Login, LoginNotFound, LoginOver, WrongCode
from services.auth.pages.render import form, html, page, see
from shared import credentials
from shared.callers import user_agent
from shared.errors import AppError, RateLimited

routes = web.RouteTableDef()

_LINK: Final = re.compile(r"lnk_[0-9A-Za-z]{43}")
#: What a person can mend on the page itself.
_MENDABLE: Final = (InvalidEmail, WrongCode, RateLimited)


@routes.get("/login")
@html
async def show_door(request: web.Request) -> web.Response:
    if await request.app[ACCESS].visitor(request):
        return see("/dashboard")
    return page("door.html", error=None, email="", ended="ended" in request.query)


@routes.post("/login")
@html
async def enter_door(request: web.Request) -> web.Response:
    access, service = request.app[ACCESS], request.app[LOGINS]
    access.require_own_page(request)
    email = (await form(request)).get("email", "")
    verifier = logins.new_verifier()
    try:
        address = parse_address(email)
        login = await service.start(
            "browser", credentials.digest(verifier), Client(name="Dashboard, in a browser"), ip=ip(request)
        )
        await service.send_code(login.id, address, ip=ip(request))
    except _MENDABLE as error:
        return _with_retry(page("door.html", status=error.status, error=error, email=email, ended=False), error)
    response = see(f"/login/{login.id}")
    access.remember_login(response, verifier)
    return response


@routes.get("/login/link/{token}")
@html
async def show_link(request: web.Request) -> web.Response:
    """Change nothing: mail scanners open every link (R54)."""
    login = await request.app[LOGINS].get_by_link(_token(request))
    return page("link.html", login=login, error=None, token=request.match_info["token"])


@routes.post("/login/link/{token}")
@html
async def approve_link(request: web.Request) -> web.Response:
    request.app[ACCESS].require_own_page(request)
    token = _token(request)
    typed = (await form(request)).get("user_code", "")
    service = request.app[LOGINS]
    try:
        login = await service.approve_by_link(token, typed, ip=ip(request))
    except WrongCode as error:
        login = await service.get_by_link(token)
        return page("link.html", status=error.status, login=login, error=error, token=token)
    return page("approved.html", login=login, here=_started_here(request, login))


@routes.post("/login/link/{token}/deny")
@html
async def deny_link(request: web.Request) -> web.Response:
    request.app[ACCESS].require_own_page(request)
    await form(request)
    await request.app[LOGINS].deny(_token(request), ip=ip(request))
    return page("denied.html")


@routes.get("/login/{id}")
@html
async def show_login(request: web.Request) -> web.Response:
    return _login_page(request, await _login(request))


@routes.post("/login/{id}/email")
@html
async def send_code(request: web.Request) -> web.Response:
    request.app[ACCESS].require_own_page(request)
    login = await _login(request)
    email = (await form(request)).get("email", "")
    try:
        await request.app[LOGINS].send_code(login.id, parse_address(email), ip=ip(request))
    except _MENDABLE as error:
        return _login_page(request, login, error=error, email=email)
    return see(f"/login/{login.id}")


@routes.post("/login/{id}/code")
@html
async def verify_code(request: web.Request) -> web.Response:
    request.app[ACCESS].require_own_page(request)
    login = await _login(request)
    code = (await form(request)).get("code", "")
    try:
        await request.app[LOGINS].verify(login.id, code, ip=ip(request))
    except WrongCode as error:
        return _login_page(request, login, error=error)
    return await _enter(request, login) if login.kind == "browser" else see(f"/login/{login.id}")


@routes.post("/login/{id}/continue")
@html
async def go_on(request: web.Request) -> web.Response:
    """Finish a dashboard login that was approved by the mail's link."""
    request.app[ACCESS].require_own_page(request)
    await form(request)
    login = await _login(request)
    return await _enter(request, login) if login.kind == "browser" else see(f"/login/{login.id}")


@routes.post("/login/{id}/deny")
@html
async def deny_login(request: web.Request) -> web.Response:
    """End a program's login from its own page: somebody may have been led there to type a code for another."""
    request.app[ACCESS].require_own_page(request)
    await form(request)
    await request.app[LOGINS].deny_here(login_id(request.match_info["id"]), ip=ip(request))
    return page("denied.html")


@routes.get("/login/{id}/{step:email|code|continue|deny}")
@html
async def go_back(request: web.Request) -> web.Response:
    """Lead somebody who reloads a form's answer to the page it belongs to."""
    return see(f"/login/{login_id(request.match_info['id'])}")


async def _enter(request: web.Request, login: Login) -> web.Response:
    access = request.app[ACCESS]
    cookie = await request.app[LOGINS].enter(
        login.id,
        access.verifier(request) or "",
        ip=ip(request),
        client=user_agent(request),
        old=access.session(request),
    )
    if cookie is None:
        return see(f"/login/{login.id}?waiting=1")
    response = see("/dashboard")
    access.remember_session(response, cookie)
    return response


async def _login(request: web.Request) -> Login:
    """Return the login in the path; a dashboard's own only to the browser that started it. Raise LoginNotFound."""
    login = await request.app[LOGINS].get(login_id(request.match_info["id"]))
    if login.kind == "browser" and not _started_here(request, login):
        raise LoginNotFound(hint="This login was started in another browser. Log in again in this one.")
    return login


def _started_here(request: web.Request, login: Login) -> bool:
    return credentials.digest(request.app[ACCESS].verifier(request) or "") == login.verifier_digest


def _login_page(request: web.Request, login: Login, *, error: AppError | None = None, email: str = "") -> web.Response:
    if not login.open:
        if login.state == "approved" and not login.expired:
            return page("approved.html", login=login, here=True)
        raise LoginOver
    asks_email = login.email is None or "again" in request.query or isinstance(error, InvalidEmail)
    response = page(
        "login.html",
        status=error.status if error else 200,
        login=login,
        error=error,
        email=email,
        sent_to=None if asks_email or login.email is None else masked(login.email),
        waiting="waiting" in request.query,
    )
    return _with_retry(response, error)


def _with_retry(response: web.Response, error: AppError | None) -> web.Response:
    if error is not None and error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return response


def _token(request: web.Request) -> str:
    token = request.match_info["token"]
    if not _LINK.fullmatch(token):
        raise LoginOver
    return token
