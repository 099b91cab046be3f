"""What the other services may ask deploy, on its internal port."""

from typing import Final

from aiohttp import web

from services.deploy.service.deployments import Deployments
from shared import http, streaming

DEPLOYMENTS: Final = web.AppKey("deployments", Deployments)

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
