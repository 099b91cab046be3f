"""Form intake over HTTP: `POST /submit/{deployment_id}` from any origin, and the page that says thank you."""

from typing import Final

from aiohttp import hdrs, web

from services.deploy import fields, pages
from services.deploy.access import CONFIG, LIMITER
from services.deploy.deployments import DeploymentNotFound
from services.deploy.intake import Intake
from services.deploy.live import LiveSites
from services.deploy.store.sites import Site
from shared import bodies, http, idempotency, ids, limits
from shared.errors import AppError, Forbidden

#: All of a submission's bytes (R18).
MAX_BODY: Final = 256 * http.KIB
#: So that one visitor cannot close a form for the others: each address first, then all together.
PER_VISITOR: Final = "10/minute"
PER_SITE: Final = "60/minute"

INTAKE: Final = web.AppKey("intake", Intake)
LIVE: Final = web.AppKey("live", LiveSites)

routes = web.RouteTableDef()
routes.options("/submit/{deployment_id}")(http.preflight("POST"))


def _render(request: web.Request, error: AppError) -> web.Response:
    """Show an error to a person whose browser sent the form, and the API's object to a script."""
    return pages.refusal(error) if _from_browser(request) else http.error_response(error)


def _from_browser(request: web.Request) -> bool:
    """Tell whether the answer is looked at: a page's own form was sent, not a script's request."""
    accepted = request.headers.get(hdrs.ACCEPT, "")
    return "text/html" in accepted and not fields.is_json(request.headers.get(hdrs.CONTENT_TYPE, ""))


@routes.post("/submit/{deployment_id}")
@http.rules(body=MAX_BODY, cors=True, render=_render)
async def submit(request: web.Request) -> web.Response:
    """Take in one submission, and answer a script with JSON, a browser's own form with the next page."""
    site = await _site(request)
    _require_allowed(request, site)
    config, limiter = request.app[CONFIG], request.app[LIMITER]
    visitor = limits.network(http.client_ip(request, config.trusted_proxies))
    await limiter.hit(PER_VISITOR, "submit", site.id, visitor)
    await limiter.hit(PER_SITE, "submit", site.id)
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    body = await bodies.read(request, MAX_BODY)
    sent = fields.parse(content_type, body)
    submission_id = await request.app[INTAKE].take(site, sent, idempotency.once(request, body))
    if _from_browser(request):
        url = config.site_url(site.slug)
        own = fields.next_page(sent.control.get("_next", ""), url)
        # the owner's may be a path of the site, as _next may
        chosen = site.redirect and (f"{url}{site.redirect}" if site.redirect.startswith("/") else site.redirect)
        location = own or chosen or f"{config.api_url}/submit/{site.id}/thanks"
        return web.Response(status=303, headers={hdrs.LOCATION: location})
    return http.json({"message": "Submission received", "id": submission_id})


@routes.get("/submit/{deployment_id}/thanks")
@http.rules(render=lambda _request, error: pages.failure(error), embeddable=True)
async def thanks(request: web.Request) -> web.Response:
    """Say thank you, with a way back to the site."""
    site = await _site(request)
    back = request.app[CONFIG].site_url(site.slug)
    return pages.page("Thank you", "Your message has arrived.", link=(back, "Back to the site"))


class OriginNotAllowed(Forbidden):
    """The site's owner takes forms from certain pages alone, and this is none of them."""

    code = "origin_not_allowed"
    message = "This form may not be sent from this page"


def _require_allowed(request: web.Request, site: Site) -> None:
    """Raise OriginNotAllowed for a page that the owner has not named; what is no browser sends no Origin."""
    origin = request.headers.get(hdrs.ORIGIN)
    if not site.allowed_origins or origin is None or origin in site.allowed_origins:
        return
    if origin != request.app[CONFIG].site_url(site.slug):
        raise OriginNotAllowed


async def _site(request: web.Request) -> Site:
    deployment_id = request.match_info["deployment_id"]
    site = await request.app[LIVE].find(deployment_id) if ids.is_id(deployment_id, "dep") else None
    if site is None or site.status != "live":
        raise DeploymentNotFound
    return site
