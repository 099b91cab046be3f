"""The audit trail, as its account reads it."""

import base64
from datetime import UTC, datetime
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from services.auth.access import ACCESS, NO_STORE, TRAIL
from services.auth.service.trail import Place
from shared import http, parsing
from shared.errors import Invalid

routes = web.RouteTableDef()


class AuditQuery(BaseModel):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=200)] | None = None


@routes.get("/audit")
async def list_audit(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    query = parsing.validate(AuditQuery, dict(request.query))
    before = _read_cursor(query.cursor) if query.cursor is not None else None
    events, more = await request.app[TRAIL].page(caller, limit=query.limit, before=before)
    rows = [event.to_json() for event in events]
    return http.json({"events": rows, "next_cursor": _cursor(more) if more else None}, headers=NO_STORE)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _read_cursor(text: str) -> Place:
    """Return what `_cursor` wrote. Raise Invalid for anything else."""
    try:
        given, last = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # in UTC, or a year may come out that the database cannot be asked for
        moment = datetime.fromisoformat(given).astimezone(UTC)
        if type(last) is int and 0 <= last < 2**63:
            return moment, last
    except (ValueError, TypeError, AttributeError, OverflowError):
        pass
    raise Invalid("cursor: is not one that this list gave out")
