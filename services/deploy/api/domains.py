"""A site's own domains: which there are, how each is proved, and what was found."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.deploy import access, domains
from services.deploy.domains import Domain
from services.deploy.service.domains import DomainService
from shared import bodies, http
from shared.parsing import Line

DOMAINS: Final = web.AppKey("domains", DomainService)

#: Looks that an account may ask for: each asks other people's servers.
LOOKS: Final = "10/minute"
#: Seconds for a look: DNS and HTTP have five each, and are asked at the same time.
LOOK_DEADLINE: Final = 15.0

routes = web.RouteTableDef()


class DomainIn(BaseModel):
    """A domain to be added."""

    model_config = ConfigDict(strict=True, frozen=True)

    domain: Annotated[Line, Field(min_length=1, max_length=500)]


@routes.get("/deploy/{id}/domains")
async def list_all(request: web.Request) -> web.Response:
    """List the site's domains, oldest first."""
    caller = await access.caller(request, "read")
    found = await request.app[DOMAINS].of_site(caller, access.deployment_id(request))
    return http.json({"domains": [_domain(request, each) for each in found]})


@routes.post("/deploy/{id}/domains")
async def add(request: web.Request) -> web.Response:
    """Add a domain, and say how it is proved."""
    caller = await access.caller(request, "deploy")
    body = await bodies.read_model(request, DomainIn)
    found, new = await request.app[DOMAINS].add(
        caller, access.deployment_id(request), body.domain, ip=access.ip(request)
    )
    return http.json(_domain(request, found), status=201 if new else 200)


@routes.delete("/deploy/{id}/domains/{domain}")
async def remove(request: web.Request) -> web.Response:
    """Remove a domain and its certificate."""
    caller = await access.caller(request, "deploy")
    name = request.match_info["domain"]
    removed = await request.app[DOMAINS].remove(caller, access.deployment_id(request), name, ip=access.ip(request))
    return http.json({"domain": removed})


@routes.post("/deploy/{id}/domains/{domain}/verify")
@http.rules(deadline=LOOK_DEADLINE)
async def verify(request: web.Request) -> web.Response:
    """Look for the proof now."""
    caller = await access.caller(request, "deploy")
    await request.app[access.LIMITER].hit(LOOKS, "domain", caller.account_id)
    found = await request.app[DOMAINS].verify(
        caller, access.deployment_id(request), request.match_info["domain"], ip=access.ip(request)
    )
    return http.json(_domain(request, found))


def _domain(request: web.Request, of: Domain) -> dict[str, Any]:
    config, now = request.app[access.CONFIG], datetime.now(UTC)
    host = of.slug + config.site_suffix
    return {
        "domain": of.domain,
        "status": of.status(now),
        "url": f"http{'s' if of.has_certificate(now) else ''}://{of.domain}",
        "created_at": http.timestamp(of.created_at),
        "verified_at": http.timestamp(of.verified_at),
        "checked_at": http.timestamp(of.looked_at),
        "next_check_at": http.timestamp(of.next_at),
        "problem": of.problem,
        "leads_here": of.leads_here,
        "token": of.token,
        "dns": {"name": domains.record_name(of.domain), "type": "TXT", "value": of.token},
        "http": {"url": domains.proof_url(of.domain, of.token), "body": of.token},
        "target": {"name": of.domain, "type": "CNAME", "value": host},
        "certificate": {
            "state": _state(of, now) if config.acme_directory else "off",
            "expires_at": http.timestamp(of.certificate_expires_at),
            "error": of.certificate_problem,
        },
    }


def _state(of: Domain, now: datetime) -> str:
    if of.has_certificate(now):
        return "valid"
    if of.verified_at is None:
        return "none"
    return "pending" if of.certificate_problem is None else "failing"
