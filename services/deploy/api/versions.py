"""A site's versions: list them, put one live, send the bytes that one waits for."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from services.deploy import access
from services.deploy.api.contents import DEADLINE
from services.deploy.deployments import BlobNotNamed
from services.deploy.versions import MAX_FILE
from shared import bodies, http
from shared.errors import Invalid
from shared.parsing import Whole

routes = web.RouteTableDef()


@routes.get("/deploy/{id}/versions")
async def list_versions(request: web.Request) -> web.Response:
    """List every version, newest first."""
    caller = await access.holder(request, "read")
    limit = access.number(request, "limit", default=50, largest=200)
    before = _cursor(request)
    slug, found, more = await request.app[access.DEPLOYMENTS].versions(
        caller, access.deployment_id(request), limit=limit, before=before
    )
    shown = [
        {
            "version": each.number,
            "created_at": http.timestamp(each.created_at),
            "created_by": each.created_by,
            "files": each.files,
            "size": each.size,
            "title": each.title,
            "preview_url": access.preview_url(request, slug, each.number),
            "live": each.live,
            "ready": each.ready,
            "missing": each.missing,
            "published_at": http.timestamp(each.published_at),
        }
        for each in found
    ]
    return http.json({"versions": shown, "next_cursor": str(found[-1].number) if more else None})


def _cursor(request: web.Request) -> int | None:
    """Return the number that a list ended with. Raise Invalid for anything else."""
    text = request.query.get("cursor")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("cursor: is not one that a list gave")
    return int(text)


class PublishIn(BaseModel):
    """Which version is to be live."""

    model_config = ConfigDict(strict=True, frozen=True)

    version: Whole
    if_version: Whole | None = None


@routes.post("/deploy/{id}/publish")
@http.rules(deadline=DEADLINE)
async def publish(request: web.Request) -> web.Response:
    """Put a version live; an older one is a rollback."""
    caller = await access.holder(request, "deploy")
    body = await bodies.read_model(request, PublishIn)
    # a number that no version can have is one that this site has not; the database takes no larger ones
    number = body.version if 0 < body.version < 2**31 else 0
    made = await request.app[access.PUBLISHING].put_live(
        caller, access.deployment_id(request), number, if_version=body.if_version, ip=access.ip(request)
    )
    return http.json(access.published(request, made))


@routes.put("/deploy/{id}/blobs/{sha256}")
@http.rules(body=MAX_FILE, deadline=DEADLINE)
async def put_blob(request: web.Request) -> web.Response:
    """Take in the bytes of a named file; nothing is published by that."""
    caller = await access.holder(request, "deploy")
    digest = request.match_info["sha256"]
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise BlobNotNamed(hint="The address ends in 64 lowercase hex digits.")
    taken = await request.app[access.UPLOADS].take(
        caller, access.deployment_id(request), digest, bodies.pieces(request, MAX_FILE)
    )
    return http.json({"sha256": taken.sha256, "size": taken.size, "missing": taken.missing})
