"""Sites: publish, replace, change a little, list, look at, delete, restore, download."""

import asyncio
from typing import Annotated, Final

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field

from services.deploy import access, slugs, versions
from services.deploy.api import contents
from services.deploy.api.contents import DEADLINE, MAX_BODY, DeployIn, Flag, ReplaceIn
from services.deploy.deployments import RESTORE
from services.deploy.edits import Edit
from shared import bodies, http, idempotency, limits, streaming
from shared.errors import Invalid
from shared.parsing import Whole

#: Anonymous sites of one address.
ANONYMOUS: Final = "30/hour"
#: A claim token is kept as a digest alone, so it is in one answer only.
REPLAYED: Final = {
    "replayed": True,
    "message": "An earlier request with the same Idempotency-Key made this site; its claim token was shown then, once.",
}
#: Seconds that a download may take.
DOWNLOAD_DEADLINE: Final = 300.0

routes = web.RouteTableDef()


@routes.post("/deploy")
@http.rules(body=MAX_BODY, deadline=DEADLINE)
async def create(request: web.Request) -> web.Response:
    """Publish a new site; without a key, one that is nobody's yet."""
    if await _is_anonymous(request):
        return await _create_anonymous(request)
    caller = await access.caller(request, "deploy")
    body, raw = await contents.read(request, DeployIn)
    once = idempotency.once(request, raw)
    slug = slugs.check(body.slug) if body.slug is not None else None
    content = await asyncio.to_thread(body.content)
    made = await request.app[access.PUBLISHING].create(caller, content, slug, once, ip=access.ip(request))
    return http.json(access.published(request, made))


async def _is_anonymous(request: web.Request) -> bool:
    """Tell whether nobody says who they are: a key that is wrong stays a mistake."""
    return hdrs.AUTHORIZATION not in request.headers and await request.app[access.CALLERS].visitor(request) is None


async def _create_anonymous(request: web.Request) -> web.Response:
    ip = access.ip(request)
    body, raw = await contents.read(request, DeployIn)
    once = idempotency.once(request, raw)
    slug = slugs.check(body.slug) if body.slug is not None else None
    content = await asyncio.to_thread(body.content)
    await request.app[access.LIMITER].hit(ANONYMOUS, "anonymous", limits.network(ip))
    made = await request.app[access.PUBLISHING].create_anonymous(content, slug, once, ip=limits.network(ip))
    shown = access.published(request, made) | ({} if made.claim_token else REPLAYED)
    return http.json(shown, headers={hdrs.CACHE_CONTROL: "no-store"})


@routes.put("/deploy/{id}")
@http.rules(body=MAX_BODY, deadline=DEADLINE)
async def replace(request: web.Request) -> web.Response:
    """Publish a new version at the same address."""
    caller = await access.holder(request, "deploy")
    body, _ = await contents.read(request, ReplaceIn)
    content = await asyncio.to_thread(body.content)
    made = await request.app[access.PUBLISHING].replace(
        caller, access.deployment_id(request), content, if_version=body.if_version, ip=access.ip(request)
    )
    return http.json(access.published(request, made))


class EditIn(BaseModel):
    """Replace the one place where `find` stands."""

    model_config = ConfigDict(strict=True, frozen=True)

    path: str
    find: Annotated[str, Field(min_length=1)]
    replace: str


class EditsIn(BaseModel):
    """Small changes to the live version."""

    model_config = ConfigDict(strict=True, frozen=True)

    edits: Annotated[list[EditIn], Field(min_length=1, max_length=100)]
    if_version: Whole | None = None
    preview: Flag = False


@routes.patch("/deploy/{id}")
@http.rules(body=MAX_BODY, deadline=DEADLINE)
async def edit(request: web.Request) -> web.Response:
    """Change the live version's text a little, all or nothing."""
    caller = await access.holder(request, "deploy")
    body = await bodies.read_model(request, EditsIn)
    given = [Edit(versions.check_path(each.path), each.find, each.replace) for each in body.edits]
    made = await request.app[access.EDITS].edit(
        caller, access.deployment_id(request), given, if_version=body.if_version, preview=body.preview,
        ip=access.ip(request),
    )  # fmt: skip
    return http.json(access.published(request, made))


@routes.get("/deploy")
async def list_all(request: web.Request) -> web.Response:
    """List the caller's sites, newest first, or those that can be restored."""
    caller = await access.holder(request, "read")
    limit = access.number(request, "limit", default=50, largest=200)
    before = access.read_cursor(request, "dep")
    status = request.query.get("status", "active")
    if status not in {"active", "deleted"}:
        raise Invalid("status: must be 'active' or 'deleted'")
    found, more = await request.app[access.DEPLOYMENTS].list(
        caller, limit=limit, before=before, deleted=status == "deleted"
    )
    cursor = access.cursor(found[-1]) if more else None
    shown = [access.deployment(request, each) for each in found]
    return http.json({"deployments": shown, "next_cursor": cursor})


@routes.get("/deploy/{id}")
async def read(request: web.Request) -> web.Response:
    """Show one site."""
    caller = await access.holder(request, "read")
    found = await request.app[access.DEPLOYMENTS].read(caller, access.deployment_id(request))
    return http.json(access.deployment(request, found))


@routes.delete("/deploy/{id}")
async def delete(request: web.Request) -> web.Response:
    """Take a site down; it can be restored for a week."""
    caller = await access.holder(request, "deploy")
    deployment_id = access.deployment_id(request)
    moment = await request.app[access.DEPLOYMENTS].delete(caller, deployment_id, ip=access.ip(request))
    return http.json(
        {"id": deployment_id, "deleted_at": http.timestamp(moment), "restore_until": http.timestamp(moment + RESTORE)}
    )


@routes.post("/deploy/{id}/restore")
async def restore(request: web.Request) -> web.Response:
    """Bring a deleted site back."""
    caller = await access.caller(request, "deploy")
    deployment_id = access.deployment_id(request)
    found = await request.app[access.DEPLOYMENTS].restore(caller, deployment_id, ip=access.ip(request))
    return http.json(access.deployment(request, found))


@routes.get("/deploy/{id}/archive")
@http.rules(deadline=DOWNLOAD_DEADLINE)
async def archive(request: web.Request) -> web.StreamResponse:
    """Send the live version as a zip."""
    caller = await access.holder(request, "read")
    slug, pieces = await request.app[access.ARCHIVES].live(caller, access.deployment_id(request))
    return await streaming.download(request, pieces, name=f"{slug}.zip", content_type="application/zip")
