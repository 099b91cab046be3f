"""Whom a site's mails go to: which addresses there are, and how each stands."""

from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.deploy import access, recipients
from services.deploy.recipients import Recipient, RecipientNotFound
from services.deploy.service.recipients import Recipients
from shared import bodies, http, ids

RECIPIENTS: Final = web.AppKey("recipients", Recipients)

#: For an account: each lets a mail go that the last time came back.
LIFTS: Final = "20/hour"

routes = web.RouteTableDef()


class RecipientIn(BaseModel):
    """An address to be added."""

    model_config = ConfigDict(strict=True, frozen=True)

    email: str = Field(min_length=1, max_length=320)


@routes.get("/deploy/{id}/recipients")
async def list_all(request: web.Request) -> web.Response:
    """List the site's recipients: the account's own address first."""
    caller = await access.caller(request, "read")
    found, notified = await request.app[RECIPIENTS].of_site(caller, access.deployment_id(request))
    return http.json({"recipients": [_recipient(each) for each in found], "notify_email": notified})


@routes.post("/deploy/{id}/recipients")
async def add(request: web.Request) -> web.Response:
    """Add an address, and ask it for its yes."""
    caller = await access.caller(request, "deploy")
    body = await bodies.read_model(request, RecipientIn)
    email = recipients.address(body.email)
    ((found, new),) = await request.app[RECIPIENTS].add(
        caller, access.deployment_id(request), [email], ip=access.ip(request)
    )
    return http.json(_recipient(found), status=201 if new else 200)


@routes.delete("/deploy/{id}/recipients/{recipient}")
async def remove(request: web.Request) -> web.Response:
    """Remove an address."""
    caller = await access.caller(request, "deploy")
    recipient_id = _id(request)
    moment = await request.app[RECIPIENTS].remove(
        caller, access.deployment_id(request), recipient_id, ip=access.ip(request)
    )
    return http.json({"id": recipient_id, "deleted_at": http.timestamp(moment)})


@routes.post("/deploy/{id}/recipients/{recipient}/confirm")
async def ask(request: web.Request) -> web.Response:
    """Ask an address once more for its yes."""
    caller = await access.caller(request, "deploy")
    found = await request.app[RECIPIENTS].ask(caller, access.deployment_id(request), _id(request))
    return http.json(_recipient(found))


@routes.post("/deploy/{id}/recipients/{recipient}/lift")
async def lift(request: web.Request) -> web.Response:
    """Let mails go to an address again that bounced or complained."""
    caller = await access.caller(request, "deploy")
    await request.app[access.LIMITER].hit(LIFTS, "lift", caller.account_id)
    found = await request.app[RECIPIENTS].lift(
        caller, access.deployment_id(request), _id(request), ip=access.ip(request)
    )
    return http.json(_recipient(found))


@routes.post("/deploy/{id}/recipients/{recipient}/resubscribe")
async def resubscribe(request: web.Request) -> web.Response:
    """Mail the account's own address again after it unsubscribed."""
    caller = await access.caller(request, "deploy")
    found = await request.app[RECIPIENTS].resubscribe(
        caller, access.deployment_id(request), _id(request), ip=access.ip(request)
    )
    return http.json(_recipient(found))


def _id(request: web.Request) -> str:
    """Return the recipient's id in the path. Raise RecipientNotFound for what cannot be one."""
    text = request.match_info["recipient"]
    if not ids.is_id(text, "rcp"):
        raise RecipientNotFound
    return text


def _recipient(found: Recipient) -> dict[str, Any]:
    suppressed = found.suppressed
    return {
        "id": found.id,
        "email": found.email,
        "owner": found.owner,
        "state": found.state,
        "created_at": http.timestamp(found.created_at),
        "confirmed_at": http.timestamp(found.confirmed_at),
        "suppressed": suppressed
        and {"reason": suppressed.reason, "detail": suppressed.detail, "at": http.timestamp(suppressed.at)},
    }
