"""Trying a form out."""

from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.deploy import access
from services.deploy.fields import MAX_FIELDS, MAX_FORM_NAME, MAX_TEXT
from services.deploy.service.trials import PATIENCE, Trials
from shared import bodies, http
from shared.parsing import Whole

TRIALS: Final = web.AppKey("trials", Trials)
#: Tests of one site: each may call others' servers.
PER_SITE: Final = "30/minute"

routes = web.RouteTableDef()


class TestIn(BaseModel):
    """Through which form, and with what; absent: the first one, and what fits its fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    form: Annotated[str, Field(max_length=MAX_FORM_NAME)] | None = None
    data: Annotated[dict[str, Any], Field(max_length=MAX_FIELDS)] | None = None
    #: Seconds that the answer waits for what comes of it.
    wait: Annotated[Whole, Field(ge=0, le=PATIENCE)] = PATIENCE


@routes.post("/deploy/{id}/test-form")
@http.rules(body=MAX_TEXT, deadline=PATIENCE + 10)
async def test_form(request: web.Request) -> web.Response:
    """Send one marked submission through every hop, and say how long each took."""
    caller = await access.caller(request, "deploy")
    deployment_id = access.deployment_id(request)
    body = await bodies.read_model(request, TestIn)
    await request.app[access.LIMITER].hit(PER_SITE, "test-form", deployment_id)
    tried = await request.app[TRIALS].run(caller, deployment_id, form=body.form, data=body.data, seconds=body.wait)
    return http.json({"id": tried.id, "trace": [hop.show() for hop in tried.hops], "complete": tried.complete})
