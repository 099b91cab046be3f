"""The pages that links in mails lead to: say yes to a site's mails, or end them.

Looking changes nothing: programs that check mails open every link. A button, or a mail program's own (RFC 8058), acts.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from services.deploy import pages
from services.deploy.access import CONFIG
from services.deploy.api.recipients import RECIPIENTS
from services.deploy.recipients import LinkNotValid, Purpose
from shared import bodies, http, ids
from shared.errors import AppError

#: What a mail program sends along says no more than the link.
MAX_BODY: Final = 16 * http.KIB

#: Heading, sentence and button of the question, and heading and sentence when it is done; `{site}` and `{email}`.
_TEXTS: Final[Mapping[Purpose, tuple[str, str, str, str, str]]] = {
    "confirm": (
        "Get these mails?",
        "{email} would be mailed what visitors send through the forms of {site}.",
        "Yes, send them",
        "It is set up",
        "{email} is mailed from now on what visitors send through the forms of {site}. A link in each mail ends it.",
    ),
    "unsubscribe": (
        "No more of these mails?",
        "{email} is mailed what visitors send through the forms of {site}.",
        "Unsubscribe",
        "You are unsubscribed",
        "{email} gets no more mails about the forms of {site}. What visitors send is kept all the same.",
    ),
}

routes = web.RouteTableDef()


def _render(_request: web.Request, error: AppError) -> web.Response:
    if isinstance(error, LinkNotValid):
        text = "It was made for an address that gets no mails from this site, or it is incomplete."
        return pages.page(error.message, text, status=error.status)
    return pages.failure(error)


@routes.get("/submit/{deployment_id}/confirm/{token}")
@http.rules(render=_render)
async def ask_confirm(request: web.Request) -> web.Response:
    """Ask whether the address wants the mails."""
    return await _ask(request, "confirm")


@routes.post("/submit/{deployment_id}/confirm/{token}")
@http.rules(body=MAX_BODY, render=_render)
async def confirm(request: web.Request) -> web.Response:
    """Mail the address from now on."""
    return await _act(request, "confirm")


@routes.get("/submit/{deployment_id}/unsubscribe/{token}")
@http.rules(render=_render)
async def ask_unsubscribe(request: web.Request) -> web.Response:
    """Ask whether the address wants no more mails."""
    return await _ask(request, "unsubscribe")


@routes.post("/submit/{deployment_id}/unsubscribe/{token}")
@http.rules(body=MAX_BODY, render=_render)
async def unsubscribe(request: web.Request) -> web.Response:
    """Mail the address no more."""
    return await _act(request, "unsubscribe")


async def _ask(request: web.Request, purpose: Purpose) -> web.Response:
    found = await request.app[RECIPIENTS].look(purpose, *_named(request))
    title, text, button, _, _ = _TEXTS[purpose]
    return pages.question(title, text.format(site=found.slug, email=found.email), button)


async def _act(request: web.Request, purpose: Purpose) -> web.Response:
    await bodies.read(request, MAX_BODY)
    found = await request.app[RECIPIENTS].follow(purpose, *_named(request))
    _, _, _, title, text = _TEXTS[purpose]
    link = (request.app[CONFIG].site_url(found.slug), "To the site")
    return pages.page(title, text.format(site=found.slug, email=found.email), link=link)


def _named(request: web.Request) -> tuple[str, str]:
    """Return the site and the token in the path. Raise LinkNotValid."""
    deployment_id = request.match_info["deployment_id"]
    if not ids.is_id(deployment_id, "dep"):
        raise LinkNotValid
    return deployment_id, request.match_info["token"]
