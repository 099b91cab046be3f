"""A site's webhooks: where submissions are sent, and what became of each attempt."""

from typing import Annotated, Any, Final, Literal

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field

from services.deploy import access
from services.deploy.deliveries import LogRow
from services.deploy.service.webhooks import TRIAL, Webhooks
from services.deploy.webhooks import DeliveryNotFound, Webhook, WebhookNotFound
from shared import bodies, http, ids
from shared.errors import Invalid

WEBHOOKS: Final = web.AppKey("webhooks", Webhooks)

#: What an account may ask for: each calls other people's servers.
TRIALS: Final = "10/minute"
REPLAYS: Final = "60/minute"
#: What a list of deliveries may be narrowed to.
STATES: Final = ("pending", "delivered", "failed")

#: What has a secret in it is kept by nobody on the way.
_NO_STORE: Final[dict[str, str]] = {hdrs.CACHE_CONTROL: "no-store"}

routes = web.RouteTableDef()

Events = Annotated[list[Literal["submission"]], Field(min_length=1, max_length=10)]


class WebhookIn(BaseModel):
    """A webhook to be added."""

    model_config = ConfigDict(strict=True, frozen=True)

    url: str
    #: Absent: what the address says.
    type: Literal["generic", "slack", "discord"] | None = None
    events: Events | None = None


class WebhookChange(BaseModel):
    """What may be changed of a webhook."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    url: str | None = None
    events: Events | None = None
    active: bool | None = None

    def changes(self) -> dict[str, Any]:
        """Return what is given. Raise Invalid when nothing is."""
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        if not given:
            raise Invalid("Nothing is given", hint="Send url, events or active.")
        return given


@routes.get("/webhooks/{id}")
async def list_all(request: web.Request) -> web.Response:
    """List the site's webhooks, newest first."""
    caller = await access.caller(request, "webhooks")
    found = await request.app[WEBHOOKS].of_site(caller, access.deployment_id(request))
    return http.json({"webhooks": [_webhook(each) for each in found]})


@routes.post("/webhooks/{id}")
async def add(request: web.Request) -> web.Response:
    """Add a webhook; this answer alone has its secret."""
    caller = await access.caller(request, "webhooks")
    body = await bodies.read_model(request, WebhookIn)
    added, secret = await request.app[WEBHOOKS].add(
        caller,
        access.deployment_id(request),
        body.url,
        kind=body.type,
        events=sorted(set(body.events or ["submission"])),
        ip=access.ip(request),
    )
    shown = _webhook(added) | {"deployment_id": added.deployment_id, "secret": secret if added.signed else None}
    return http.json(shown, headers=_NO_STORE)


@routes.patch("/webhooks/{id}/{webhook}")
async def change(request: web.Request) -> web.Response:
    """Change what is given of a webhook."""
    caller = await access.caller(request, "webhooks")
    body = await bodies.read_model(request, WebhookChange)
    changed = await request.app[WEBHOOKS].change(
        caller, access.deployment_id(request), _webhook_id(request), body.changes(), ip=access.ip(request)
    )
    return http.json(_webhook(changed))


@routes.delete("/webhooks/{id}/{webhook}")
async def remove(request: web.Request) -> web.Response:
    """Remove a webhook."""
    caller = await access.caller(request, "webhooks")
    webhook_id = _webhook_id(request)
    moment = await request.app[WEBHOOKS].remove(
        caller, access.deployment_id(request), webhook_id, ip=access.ip(request)
    )
    return http.json({"id": webhook_id, "deleted_at": http.timestamp(moment)})


@routes.post("/webhooks/{id}/{webhook}/rotate")
async def rotate(request: web.Request) -> web.Response:
    """Replace the secret; the one before signs too for a day."""
    caller = await access.caller(request, "webhooks")
    secret, until = await request.app[WEBHOOKS].rotate(
        caller, access.deployment_id(request), _webhook_id(request), ip=access.ip(request)
    )
    return http.json({"secret": secret, "previous_until": http.timestamp(until)}, headers=_NO_STORE)


@routes.post("/webhooks/{id}/{webhook}/test")
@http.rules(deadline=TRIAL + 7)
async def try_out(request: web.Request) -> web.Response:
    """Send one marked submission, and say what became of it."""
    caller = await access.caller(request, "webhooks")
    await request.app[access.LIMITER].hit(TRIALS, "webhook test", caller.account_id)
    trial, row = await request.app[WEBHOOKS].try_out(caller, access.deployment_id(request), _webhook_id(request))
    return http.json({"delivery": _row(row) if row else None, "submission_id": trial.submission_id})


@routes.get("/webhooks/{id}/{webhook}/deliveries")
async def list_deliveries(request: web.Request) -> web.Response:
    """List attempts, newest first."""
    caller = await access.caller(request, "webhooks")
    limit = access.number(request, "limit", default=50, largest=200)
    before = access.read_cursor(request, "att", "dlv")
    state = request.query.get("status")
    if state is not None and state not in STATES:
        raise Invalid(f"status: must be one of {', '.join(STATES)}")
    found = await request.app[WEBHOOKS].log(
        caller, access.deployment_id(request), _webhook_id(request), limit=limit, before=before, state=state
    )
    cursor = access.cursor(found.rows[-1]) if found.more else None
    return http.json({"deliveries": list(map(_row, found.rows)), "next_cursor": cursor, "pending": found.pending})


@routes.post("/webhooks/{id}/{webhook}/deliveries/{delivery}/replay")
async def replay(request: web.Request) -> web.Response:
    """Send one delivery again."""
    caller = await access.caller(request, "webhooks")
    await request.app[access.LIMITER].hit(REPLAYS, "webhook replay", caller.account_id)
    named = request.match_info["delivery"]
    webhook_id = _webhook_id(request)
    if not ids.is_id(named, "att") and not ids.is_id(named, "dlv"):
        raise DeliveryNotFound
    await request.app[WEBHOOKS].replay(caller, access.deployment_id(request), webhook_id, named)
    return http.json({"queued": 1})


@routes.post("/webhooks/{id}/{webhook}/replay-failed")
async def replay_failed(request: web.Request) -> web.Response:
    """Send all failed deliveries again."""
    caller = await access.caller(request, "webhooks")
    await request.app[access.LIMITER].hit(TRIALS, "webhook replays", caller.account_id)
    queued = await request.app[WEBHOOKS].replay_failed(caller, access.deployment_id(request), _webhook_id(request))
    return http.json({"queued": queued})


def _webhook_id(request: web.Request) -> str:
    """Return the webhook's id in the path. Raise WebhookNotFound for what cannot be one."""
    text = request.match_info["webhook"]
    if not ids.is_id(text, "wh"):
        raise WebhookNotFound
    return text


def _webhook(of: Webhook) -> dict[str, Any]:
    return {
        "id": of.id,
        "url": of.url,
        "type": of.type,
        "events": of.events,
        "active": of.active,
        "created_at": http.timestamp(of.created_at),
        "pending": of.pending,
        "failing_since": http.timestamp(of.failing_since),
        "disabled_at": http.timestamp(of.disabled_at),
        "disabled_why": of.disabled_why,
        "backlogged": of.backlogged,
    }


def _row(of: LogRow) -> dict[str, Any]:
    return {
        "id": of.id,
        "delivery_id": of.delivery_id,
        "submission_id": of.submission_id,
        "attempt": of.attempt,
        "at": http.timestamp(of.at),
        "status": of.status,
        "latency_ms": None if of.latency_ms is None else round(of.latency_ms, 1),
        "answer": of.answer,
        "error": of.error,
        "next_at": http.timestamp(of.next_at),
        "test": of.test,
        "request_id": of.request_id,
        "state": of.state,
    }
