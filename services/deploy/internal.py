"""What the other services may ask deploy, on its internal port."""

from typing import Annotated, Final

import pydantic
from aiohttp import web

from services.deploy.changed import REPLICA_PATH, Changed, Changes
from services.deploy.service.deployments import Deployments
from services.deploy.service.moderation import Moderation
from shared import bodies, http, streaming

DEPLOYMENTS: Final = web.AppKey("deployments", Deployments)
CHANGES: Final = web.AppKey("changes", Changes)
MODERATION: Final = web.AppKey("moderation", Moderation)

#: Seconds that an export may take.
EXPORT_DEADLINE: Final = 120.0

routes = web.RouteTableDef()


@routes.get("/internal/usage/{account_id}")
async def usage(request: web.Request) -> web.Response:
    """Say how much of its plan an account uses."""
    return http.json({"deployments": await request.app[DEPLOYMENTS].usage(request.match_info["account_id"])})


@routes.get("/internal/export/{account_id}")
@http.rules(deadline=EXPORT_DEADLINE)
async def export(request: web.Request) -> web.StreamResponse:
    """Send all that an account has here."""
    return await streaming.json(request, request.app[DEPLOYMENTS].export(request.match_info["account_id"]))


class ChangedSite(pydantic.BaseModel):
    """One of the sites that changed."""

    id: str
    slug: str
    domains: tuple[str, ...] = ()


class ChangedSites(pydantic.BaseModel):
    """What another replica says."""

    sites: list[ChangedSite]


@routes.post(REPLICA_PATH)
@http.rules(body=http.MIB)
async def changed(request: web.Request) -> web.Response:
    """Forget what is known of sites that changed."""
    told = await bodies.read_model(request, ChangedSites)
    request.app[CHANGES].hear(Changed(id=site.id, slug=site.slug, domains=site.domains) for site in told.sites)
    return http.json({"heard": len(told.sites)})


class TakedownIn(pydantic.BaseModel):
    """Which site, and what its owner is told."""

    site: str
    reason: Annotated[str, pydantic.Field(min_length=1, max_length=2000)]


class ReinstateIn(pydantic.BaseModel):
    """Which site."""

    site: str


@routes.post("/internal/takedown")
async def takedown(request: web.Request) -> web.Response:
    """Take a site down everywhere: for moderation tools of the operator's own."""
    body = await bodies.read_model(request, TakedownIn)
    site = await request.app[MODERATION].take_down(body.site, body.reason)
    return http.json({"id": site.id, "slug": site.slug, "status": "taken_down"})


@routes.post("/internal/reinstate")
async def reinstate(request: web.Request) -> web.Response:
    """Put a site back."""
    body = await bodies.read_model(request, ReinstateIn)
    site = await request.app[MODERATION].reinstate(body.site)
    return http.json({"id": site.id, "slug": site.slug, "status": "reinstated"})
