"""undo: the last call that took something away, taken back."""

from __future__ import annotations

from typing import Any

from invoker_mcp.server import arguments
from invoker_mcp.server.caller import Caller
from invoker_mcp.server.memory import Step
from invoker_mcp.server.resolving import site_id, text
from invoker_mcp.server.tool import Answer, Hints, Tool, ToolError
from invoker_mcp.server.tools.putting_live import make_live


async def undo(caller: Caller, given: dict[str, Any]) -> Answer:
    if "site" in given:
        step = Step(site=given["site"], version=given.get("version"), url=given.get("url"))
    elif given:
        raise ToolError("site is missing", "Give all the arguments that the call's `undo` has.")
    elif caller.memory and caller.memory.steps:
        step = caller.memory.steps[-1]
    else:
        hint = "Give the arguments that the call's answer has as `undo`."
        raise ToolError("Nothing is remembered that could be undone here", hint)
    async with caller.api(site=step.site) as api:
        answer = await _taken_back(api, step)
    # Kept until it worked: what failed can be tried again.
    if caller.memory and caller.memory.steps and caller.memory.steps[-1] == step:
        caller.memory.steps.pop()
    return answer


async def _taken_back(api: Any, step: Step) -> Answer:
    from invoker_mcp.api import an_object

    if step.url is not None:
        site = await site_id(api, step.site)
        added = an_object(await api.call("POST", f"/webhooks/{site}", json={"url": step.url}))
        data = {"done": "webhook_added", "site": site, "webhook": added.get("id"), "secret": added.get("secret")}
        return Answer(f"Submissions are sent to {step.url} again, by a new webhook with a new secret.", _set(data))
    if step.version is not None:
        site = await site_id(api, step.site)
        live = await make_live(api, site, step.version)
        data = {"done": "version_published", "site": site, "version": step.version, "url": text(live, "url")}
        return Answer(f"Version {step.version} is live again at {data['url']}.", _set(data))
    site = await site_id(api, step.site, status="deleted")
    back = an_object(await api.call("POST", f"/deploy/{site}/restore"))
    data = {"done": "site_restored", "site": site, "url": text(back, "url")}
    return Answer(f"The site is back at {data['url']}.", _set(data))


def _set(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


TEXT = {"type": "string"}

TOOLS = (
    Tool(
        name="undo",
        title="Take the last change back",
        what=(
            "Takes back the last delete_site, publish, edit_site or remove_webhook of this conversation; "
            "or, with the `undo` arguments of an earlier answer, that one."
        ),
        when="Use it when the user regrets a change; over HTTP always with the arguments of the answer.",
        hints=Hints(open_world=True),
        takes={
            "site": arguments.SITE,
            "version": {**arguments.VERSION, "description": "The version to put back."},
            "url": {**arguments.URL, "description": "The address of the removed webhook."},
        },
        gives={
            "done": {"enum": ["site_restored", "version_published", "webhook_added"]},
            "site": TEXT,
            "version": {"type": "integer"},
            "url": TEXT,
            "webhook": TEXT,
            "secret": TEXT,
        },
        always=("done", "site"),
        run=undo,
    ),
)
