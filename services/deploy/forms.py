"""Form intake over HTTP: `POST /submit/{deployment_id}` from any origin, its script, and the page that says thanks."""

import hashlib
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from aiohttp import hdrs, web

from services.deploy import access, fields, pages, receiving, scripts, submitters, wordings
from services.deploy.access import CONFIG, LIMITER
from services.deploy.deployments import DeploymentNotFound
from services.deploy.dropped import Dropped
from services.deploy.fields import MAX_TEXT, Sent
from services.deploy.intake import Intake
from services.deploy.repeats import Heat
from services.deploy.spam import Signs
from services.deploy.store.sites import Site
from services.deploy.submitters import LIVE
from services.deploy.tokens import FormTokens, Token
from shared import http, idempotency, ids, limits
from shared.errors import AppError
from shared.idempotency import Once
from shared.server import Answer

#: So that one visitor cannot close a form for the others: each address first, then all together. Whoever did work for
#: a busy form is not counted with those who did none.
PER_VISITOR: Final = "10/minute"
PER_SITE: Final = "60/minute"
PER_SITE_PROVEN: Final = "600/minute"

#: What the ledger calls the errors that are counted: those of what visitors send, and ours.
_DROPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rate_limited": "rate_limited",
        "too_large": "too_large",
        "files_not_taken": "files_not_taken",
        "origin_not_allowed": "origin_not_allowed",
        "unsupported_media_type": "unknown_type",
        "bad_request": "unreadable",
        "invalid": "unreadable",
        "request_timeout": "unreadable",
        "idempotency_key_reused": "key_reused",
        "unavailable": "unavailable",
    }
)

_SUBMIT: Final = "/submit/"

INTAKE: Final = web.AppKey("intake", Intake)
TOKENS: Final = web.AppKey("tokens", FormTokens)
HEAT: Final = web.AppKey("heat", Heat)
DROPPED: Final = web.AppKey("dropped", Dropped)
#: The site that a request is about, for whoever shows what went wrong.
SITE: Final = web.RequestKey("site", Site)
FORM: Final = web.RequestKey("form", str)

routes = web.RouteTableDef()
routes.options("/submit/{deployment_id}")(http.preflight("POST"))


def _render(request: web.Request, error: AppError) -> web.Response:
    """Show an error to a person whose browser sent the form, and the API's object to a script."""
    if not _from_browser(request):
        return http.error_response(error)
    site = request.get(SITE)
    return pages.refusal(error, _wording(request, site), site and _title(site))


def _from_browser(request: web.Request) -> bool:
    """Tell whether the answer is looked at: a page's own form was sent, not a script's request."""
    accepted = request.headers.get(hdrs.ACCEPT, "")
    return "text/html" in accepted and not fields.is_json(request.headers.get(hdrs.CONTENT_TYPE, ""))


@routes.post("/submit/{deployment_id}")
@http.rules(body=MAX_TEXT, cors=True, render=_render)
async def submit(request: web.Request) -> web.Response:
    """Take in one submission, and answer a script with JSON, a browser's own form with the next page."""
    site = request[SITE] = await _site(request)
    owner = hdrs.AUTHORIZATION in request.headers and await submitters.owns(request, site)
    try:
        return await _take(request, site, owner=owner)
    except AppError as error:
        if not owner and (reason := _DROPPED.get(error.code)):
            request.app[DROPPED].note(site, request.get(FORM), reason)
        raise


def front(app: web.Application, rest: Answer) -> Answer:
    """Return what answers requests: posts of forms here, past the router, which costs a tenth of one; others by `rest`.

    What the application does before its handlers is done for them all the same.
    """
    (route,) = (each for each in app.router.routes() if each.handler is submit)
    handler: http.Handler = submit
    for each in reversed(app.middlewares):
        handler = partial(each, handler=handler)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path
        if not path.startswith(_SUBMIT) or request.method != "POST" or hdrs.EXPECT in request.headers:
            return await rest(request)
        deployment_id = path[len(_SUBMIT) :].partition("?")[0]
        if not ids.is_id(deployment_id, "dep"):
            return await rest(request)
        assert isinstance(request, web.Request)  # noqa: S101 - the application's server makes them
        found = web.UrlMappingMatchInfo({"deployment_id": deployment_id}, route)
        found.add_app(app)
        found.freeze()
        request._match_info = found  # noqa: SLF001 - where the application puts it
        return await handler(request)

    return answer


async def _take(request: web.Request, site: Site, *, owner: bool) -> web.Response:
    busy = False if owner else await _admit(request, site)
    sent, digest = await receiving.receive(request, takes_files=site.takes_files)
    try:
        request[FORM] = sent.form or ""
        if test := sent.is_test and hdrs.AUTHORIZATION in request.headers:
            await submitters.require_owner(request, site)
        elif owner:
            busy = await _admit(request, site)
        token = request.app[TOKENS].read(site.id, sent.control.get("_token", ""))
        signs = await _signs(request, site, sent, token, busy=busy and not test)
        once = _once(request, sent, digest, token)
        submission_id = await request.app[INTAKE].take(site, sent, once, test=test, signs=signs)
    finally:
        sent.close()
    if _from_browser(request):
        location = await submitters.next_page(request, site, sent.control.get("_next", ""))
        return web.Response(status=303, headers={hdrs.LOCATION: location})
    return http.json({"message": "Submission received", "id": submission_id})


async def _admit(request: web.Request, site: Site) -> bool:
    """Count a post against its visitor's limit and then the form's; tell whether that waits for proof of work.

    Raise RateLimited, OriginNotAllowed, Unavailable.
    """
    limiter = request.app[LIMITER]
    visitor = limits.network(access.ip(request))
    await limiter.hit(PER_VISITOR, "submit", site.id, visitor)
    await submitters.require_allowed(request, site)
    if request.app[HEAT].note(site.id) and site.proof_of_work:
        return True
    await limiter.hit(PER_SITE, "submit", site.id)
    return False


async def _signs(request: web.Request, site: Site, sent: Sent, token: Token | None, *, busy: bool) -> Signs:
    """Return what speaks for spam; for a busy form, count what is proven apart. Raise RateLimited."""
    proven = busy and request.app[TOKENS].proven(token, sent.control.get("_proof", ""))
    if busy:
        limit = (PER_SITE_PROVEN, "proven") if proven else (PER_SITE, "submit")
        await request.app[LIMITER].hit(*limit, site.id)
    return Signs(trapped=sent.trapped, fill=token.age if token else None, unproven=busy and not proven)


def _once(request: web.Request, sent: Sent, digest: str, token: Token | None) -> Once | None:
    """Return what makes a repetition one submission: the request's key, else the token of the page with what was said.

    So whoever goes back and changes something sends something new.
    """
    if (key := idempotency.key_of(request)) is not None:
        return Once(key, digest)
    if token is None:
        return None
    said = hashlib.sha256(f"{sent.form}\0{sent.digest()}".encode("utf-8", "replace")).hexdigest()
    return Once(f"tok:{token.nonce}:{said}", said)


@routes.get("/submit/{deployment_id}/form.js")
@http.rules(cors=True)
async def form_script(request: web.Request) -> web.Response:
    """Give a page the script of its forms, with a token of its own."""
    site = await _site(request)
    script = scripts.form_script(site.id, request.app[TOKENS].issue(site.id), proof=site.proof_of_work)
    headers = {
        hdrs.CONTENT_TYPE: "text/javascript; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-store",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return web.Response(body=script.encode(), headers=headers)


@routes.get("/submit/{deployment_id}/thanks")
@http.rules(render=lambda _request, error: pages.failure(error), embeddable=True)
async def thanks(request: web.Request) -> web.Response:
    """Say thank you, with a way back to the site."""
    site = await _site(request)
    return pages.thanks(_wording(request, site), _title(site), request.app[CONFIG].site_url(site.slug))


def _wording(request: web.Request, site: Site | None) -> wordings.Wording:
    accepted = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
    return wordings.choose(site.contract.lang if site else None, accepted)


def _title(site: Site) -> str | None:
    return site.contract.title or site.title


async def _site(request: web.Request) -> Site:
    deployment_id = request.match_info["deployment_id"]
    if not ids.is_id(deployment_id, "dep"):
        raise DeploymentNotFound
    live = request.app[LIVE]
    site = live.fresh(deployment_id) or await live.find(deployment_id)
    if site is None or site.status != "live":
        raise DeploymentNotFound
    return site
