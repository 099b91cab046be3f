"""What the other services may ask deploy, on its internal port."""

from typing import Final

from aiohttp import web

from services.deploy.service import DeployService
from shared import http

SERVICE: Final = web.AppKey("service", DeployService)

routes = web.RouteTableDef()


@routes.get("/internal/usage/{account_id}")
async def usage(request: web.Request) -> web.Response:
    """Say how much of its plan an account uses."""
    return http.json({"deployments": await request.app[SERVICE].usage(request.match_info["account_id"])})
