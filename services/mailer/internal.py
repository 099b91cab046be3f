"""What operators' programs may tell the mailer, on its internal port: that a mail came back, or was not wanted."""

from typing import Annotated, Final

import pydantic
from aiohttp import hdrs, web

from services.mailer.reports import Kind
from services.mailer.service import Suppressions
from shared import bodies, http

SUPPRESSIONS: Final = web.AppKey("suppressions", Suppressions)

#: A report may carry the whole mail that came back.
MAX_REPORT: Final = 2 * http.MIB

routes = web.RouteTableDef()


class ReportIn(pydantic.BaseModel):
    """A bounce or a complaint as a provider's webhook has it."""

    email: Annotated[str, pydantic.Field(min_length=1, max_length=320)]
    kind: Kind
    detail: Annotated[str, pydantic.Field(max_length=200)] = ""


@routes.post("/internal/reports")
@http.rules(body=MAX_REPORT)
async def report(request: web.Request) -> web.Response:
    """Take a report: JSON, or the message that a mail system sent (RFC 3464, RFC 5965)."""
    if request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower() == "message/rfc822":
        kind, final = await request.app[SUPPRESSIONS].report(await bodies.read(request, MAX_REPORT))
        return http.json({"kind": kind, "suppressed": final})
    told = await bodies.read_model(request, ReportIn)
    await request.app[SUPPRESSIONS].suppress(told.email, told.kind, told.detail)
    return http.json({"kind": told.kind, "suppressed": True})
