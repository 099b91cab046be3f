"""What visitors sent, as a file: CSV, JSON or NDJSON."""

from datetime import UTC, datetime
from typing import Final, get_args

from aiohttp import web

from services.deploy import access, filters
from services.deploy.service.downloads import Downloads, Format
from shared import http, streaming
from shared.errors import Invalid

DOWNLOADS: Final = web.AppKey("downloads", Downloads)
#: Seconds that an export may take.
DEADLINE: Final = 900.0
TYPES: Final[dict[Format, str]] = {"csv": "text/csv", "json": "application/json", "ndjson": "application/x-ndjson"}

routes = web.RouteTableDef()


@routes.get("/submissions/{id}/export")
@http.rules(deadline=DEADLINE)
async def export(request: web.Request) -> web.StreamResponse:
    """Send what was sent through a site's forms, newest first."""
    caller = await access.caller(request, "submissions")
    given, kind = filters.read(request), _format(request)
    slug, pieces = await request.app[DOWNLOADS].open(caller, given, kind)
    name = f"{slug}-{datetime.now(UTC).date()}.{kind}"
    return await streaming.download(request, pieces, name=name, content_type=TYPES[kind], headers=filters.KEPT)


def _format(request: web.Request) -> Format:
    asked = request.query.get("format", "csv")
    for kind in TYPES:
        if kind == asked:
            return kind
    raise Invalid(f"format: must be one of {', '.join(get_args(Format))}")
