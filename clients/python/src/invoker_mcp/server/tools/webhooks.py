"""add_webhook, list_webhooks, remove_webhook: who else is told of submissions."""

from __future__ import annotations

from typing import Any

from invoker_mcp.server import arguments, bounds
from invoker_mcp.server.caller import Caller
from invoker_mcp.server.memory import Step
from invoker_mcp.server.resolving import site_id, text
from invoker_mcp.server.tool import DESTROYS, READS, WRITES, Answer, Schema, Tool, ToolError

SHORT = ("id", "url", "type", "active", "created_at", "failing_since", "disabled_why")


async def add_webhook(caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp.api import an_object

    async with caller.api() as api:
        known = await site_id(api, given["site"])
        body = {name: given[name] for name in ("url", "type") if name in given}
        answer = an_object(await api.call("POST", f"/webhooks/{known}", json=body))
    data = bounds.fitting({name: answer[name] for name in (*SHORT, "secret") if answer.get(name) is not None})
    signed = " Deliveries are signed with `secret`, which is shown this once." if "secret" in data else ""
    return Answer(f"Submissions are now also sent to {data.get('url')}.{signed}", data)


async def list_webhooks(caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp.api import rows

    async with caller.api() as api:
        known = await site_id(api, given["site"])
        found = rows(await api.get(f"/webhooks/{known}"), "webhooks")
    if given.get("detail") != "detailed":
        found = [{name: row[name] for name in SHORT if row.get(name) is not None} for row in found]
    shown, after = bounds.slice_of(found, given.get("cursor"))
    lines = [f"- {row.get('id')}: {row.get('url')}" for row in shown[:20]]
    return Answer("\n".join([f"{len(shown)} webhooks.", *lines]), {"webhooks": shown, "next_cursor": after})


async def remove_webhook(caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp.api import rows, segment

    webhook = given["webhook"]
    async with caller.api() as api:
        known = await site_id(api, given["site"])
        found = [row for row in rows(await api.get(f"/webhooks/{known}"), "webhooks") if row.get("id") == webhook]
        if not found:
            raise ToolError(f"The site has no webhook {webhook!r}", "list_webhooks shows those that it has.")
        await api.call("DELETE", f"/webhooks/{known}/{segment(webhook)}")
        step = Step(site=known, url=text(found[0], "url"))
    if caller.memory:
        caller.memory.steps.append(step)
    then = "undo adds the address again, as a new webhook with a new secret."
    data = {"id": webhook, "url": step.url, "undo": step.arguments, "next_step": then}
    return Answer(f"Submissions are no longer sent to {step.url}; {then}", data)


TEXT: Schema = {"type": "string"}
KIND: Schema = {"enum": ["generic", "slack", "discord"], "description": "Omit it: the address mostly says it."}

TOOLS = (
    Tool(
        name="add_webhook",
        title="Send submissions on",
        what="Has each submission of a site sent to an address too: a service of the user's, Slack or Discord.",
        when="Use it when the user wants submissions to arrive somewhere else than by mail.",
        hints=WRITES,
        takes={"site": arguments.SITE, "url": arguments.URL, "type": KIND},
        required=("site", "url"),
        gives={
            **dict.fromkeys(SHORT, TEXT),
            "active": {"type": "boolean"},
            "secret": {"type": "string", "description": "What deliveries are signed with; keep it out of pages."},
        },
        always=("id", "url"),
        run=add_webhook,
    ),
    Tool(
        name="list_webhooks",
        title="List webhooks",
        what="Lists the addresses that a site's submissions are sent to, and whether that works.",
        when="Use it before remove_webhook, or when deliveries do not arrive.",
        hints=READS,
        takes={"site": arguments.SITE, "cursor": arguments.CURSOR, "detail": arguments.DETAIL},
        required=("site",),
        gives={"webhooks": {"type": "array", "items": {"type": "object"}}, "next_cursor": {"type": ["string", "null"]}},
        always=("webhooks", "next_cursor"),
        run=list_webhooks,
    ),
    Tool(
        name="remove_webhook",
        title="Remove a webhook",
        what="Stops sending a site's submissions to an address.",
        when="Use it only when the user asks for it; undo adds the address again.",
        hints=DESTROYS,
        takes={"site": arguments.SITE, "webhook": arguments.WEBHOOK},
        required=("site", "webhook"),
        gives={"id": TEXT, "url": {"type": ["string", "null"]}, "undo": {"type": "object"}, "next_step": TEXT},
        always=("id", "undo"),
        run=remove_webhook,
    ),
)
