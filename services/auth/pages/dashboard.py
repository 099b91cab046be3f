"""The dashboard's shell: what `web/` needs to start, for a browser that is logged in; and logging out."""

from typing import Final

from aiohttp import web

from services.auth.access import ACCESS, CONFIG, SESSIONS, ip
from services.auth.pages.assets import MODULES, web_file
from services.auth.pages.render import form, page, see, show_error
from shared import http
from shared.auth_client import Caller
from shared.callers import admit
from shared.errors import AppError

routes = web.RouteTableDef()

#: The modules call the API below the app, and nothing else is loaded or run.
_POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-src 'none'; frame-ancestors 'none';"
    " form-action 'self'"
)
_ID: Final = "[0-9A-Za-z]{16,32}"
#: The pages of `web/app.js`; an address beyond them is not found.
_PAGES: Final = (
    f"keys|connect|account|account/activity|sites|sites/dep_{_ID}|sites/dep_{_ID}/"
    f"(?:inbox|inbox/sub_{_ID}|webhooks|webhooks/wh_{_ID}|versions|settings|domains)"
)


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


@routes.get("/dashboard")
@routes.get(f"/dashboard/{{page:{_PAGES}}}")
@behind_door
async def show_dashboard(request: web.Request) -> web.Response:
    """Show a page of the dashboard to whoever is logged in."""
    return shell(request, await _owner(request))


def shell(request: web.Request, visitor: Caller) -> web.Response:
    """Return the shell of a page; the page itself is drawn in the browser, from the API."""
    response = page(
        "dashboard.html",
        visitor=visitor,
        api_url=request.app[CONFIG].api_url,
        sites_url=request.app[CONFIG].sites_url,
        modules=MODULES,
        web=web_file,
    )
    response.headers["Content-Security-Policy"] = _POLICY
    return response


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
