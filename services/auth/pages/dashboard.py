"""The dashboard: keys, made, listed and revoked."""

from typing import Final

from aiohttp import web

from services.auth.access import ACCESS, CONFIG, KEYS, SESSIONS, ip, key_id
from services.auth.keys import NewKey, TooManyKeys
from services.auth.pages.render import form, page, see, show_error
from services.auth.service.keys import Created
from shared import http, ids
from shared.auth_client import Caller
from shared.callers import admit
from shared.errors import AppError, Invalid

routes = web.RouteTableDef()

MAX_NAME: Final = 100
#: Keys on one page.
_ROWS: Final = 50


class LoggedOut(AppError):
    """Nobody is logged in in this browser: the way is to the door."""

    status = 303
    code = "logged_out"


def _to_door(request: web.Request, error: AppError) -> web.Response:
    if isinstance(error, LoggedOut):
        return see("/login")
    return show_error(request, error)


behind_door = http.rules(render=_to_door)


async def _owner(request: web.Request) -> Caller:
    caller = await request.app[ACCESS].visitor(request)
    if caller is None:
        raise LoggedOut
    return admit(request, caller, None)


async def _show(
    request: web.Request, caller: Caller, *, created: Created | None = None, error: AppError | None = None
) -> web.Response:
    cursor = request.query.get("cursor")
    if cursor is not None and not ids.is_id(cursor, "key"):
        raise Invalid("The address of this page is incomplete")
    keys, more = await request.app[KEYS].page(caller, limit=_ROWS, after=cursor)
    return page(
        "dashboard.html",
        status=error.status if error else 201 if created else 200,
        visitor=caller,
        keys=keys,
        more=more,
        created=created,
        error=error,
        api_url=request.app[CONFIG].api_url,
    )


@routes.get("/dashboard/keys")
@behind_door
async def go_back(_request: web.Request) -> web.Response:
    """Lead somebody who reloads a form's answer to the page it belongs to."""
    return see("/dashboard")


@routes.get("/dashboard")
@behind_door
async def show_dashboard(request: web.Request) -> web.Response:
    return await _show(request, await _owner(request))


@routes.post("/dashboard/keys")
@behind_door
async def create_key(request: web.Request) -> web.Response:
    """Show the new key in this one answer (R44)."""
    request.app[ACCESS].require_own_page(request)
    caller = await _owner(request)
    name = (await form(request)).get("name", "").strip()
    if len(name) > MAX_NAME or not name.isprintable():
        error = Invalid(f"A name is one line of at most {MAX_NAME} characters")
        return await _show(request, caller, error=error)
    new = NewKey(name=name or "API key", created_via="dashboard")
    try:
        created = await request.app[KEYS].create(caller, new, ip=ip(request))
    except TooManyKeys as error:
        return await _show(request, caller, error=error)
    return await _show(request, caller, created=created)


@routes.post("/dashboard/keys/{id}/revoke")
@behind_door
async def revoke_key(request: web.Request) -> web.Response:
    request.app[ACCESS].require_own_page(request)
    caller = await _owner(request)
    await form(request)
    await request.app[KEYS].revoke(caller, key_id(request), ip=ip(request))
    return see("/dashboard")


@routes.post("/logout")
@behind_door
async def log_out(request: web.Request) -> web.Response:
    access = request.app[ACCESS]
    access.require_own_page(request)
    await form(request)
    caller = await _owner(request)
    await request.app[SESSIONS].end(caller, caller.credential_id, ip=ip(request))
    response = see("/")
    access.forget_session(response)
    return response
