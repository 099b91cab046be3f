"""Claiming an anonymous site."""

from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from services.deploy import access
from shared import bodies, http, limits
from shared.parsing import Line

#: Tries of one address: a token cannot be guessed, and nobody needs more.
TRIES: Final = "30/minute"

routes = web.RouteTableDef()


class ClaimIn(BaseModel):
    """Which site, and what proves that it was made by whoever asks."""

    model_config = ConfigDict(strict=True, frozen=True)

    slug: Line
    token: Line


@routes.post("/claim")
async def claim(request: web.Request) -> web.Response:
    """Make an anonymous site the caller's own."""
    caller = await access.caller(request, "deploy")
    body = await bodies.read_model(request, ClaimIn)
    await request.app[access.LIMITER].hit(TRIES, "claim", limits.network(access.ip(request)))
    found = await request.app[access.CLAIMS].claim(caller, body.slug, body.token, ip=access.ip(request))
    return http.json(access.deployment(request, found))
