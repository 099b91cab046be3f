"""The internal port: whom a key belongs to. The hot path behind deploy's cache."""

from typing import Annotated, Final

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from services.auth.service.keys import Keys
from shared import http

KEYS: Final = web.AppKey("keys", Keys)

routes = web.RouteTableDef()


class VerifyBody(BaseModel):
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@routes.post("/internal/verify")
async def verify(request: web.Request) -> web.Response:
    body = await http.read_model(request, VerifyBody)
    caller = await request.app[KEYS].check(body.digest)
    if caller is None:
        return http.json({"valid": False})
    return http.json({"valid": True, "caller": caller.model_dump(mode="json")})
