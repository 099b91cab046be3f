"""What visitors sent, for the site's owner."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from services.deploy import access
from services.deploy.submissions import Submission
from shared import http

routes = web.RouteTableDef()


@routes.get("/submissions/{id}")
async def list_submissions(request: web.Request) -> web.Response:
    """List what was sent through a site's forms, newest first."""
    caller = await access.caller(request, "submissions")
    page = access.number(request, "page", default=1, largest=1_000_000)
    limit = access.number(request, "limit", default=50, largest=200)
    before = access.read_cursor(request, "sub")
    listed = await request.app[access.DEPLOYMENTS].submissions(
        caller, access.deployment_id(request), page=page, limit=limit, before=before
    )
    cursor = access.cursor(listed.found[-1]) if listed.more else None
    rows = _submissions(listed.found)
    return http.json({"submissions": rows, "total": listed.total, "page": page, "limit": limit, "next_cursor": cursor})


def _submissions(found: Sequence[Submission]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "data": each.data,
            "form": each.form,
            "status": each.status,
            "created_at": http.timestamp(each.created_at),
            "version": each.version,
            "files": [],
            "read_at": None,
        }
        for each in found
    ]
