"""login, logout, whoami: whose sites these are. No answer has the key."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from invoker_mcp.server.caller import LOG_IN, SEND_A_KEY, Caller
from invoker_mcp.server.memory import Memory
from invoker_mcp.server.tool import READS, WRITES, Answer, Ask, Hints, Schema, Tool, ToolError

if TYPE_CHECKING:
    from invoker_mcp.credentials import Credential
    from invoker_mcp.server.waiting import Waiting

#: Clients give a call a minute.
PATIENCE, EVERY = 45.0, 1.0


async def login(caller: Caller, _given: dict[str, Any]) -> Answer | Ask:
    if caller.memory is None:
        raise ToolError("Nobody logs in over HTTP: this server keeps nothing between requests", SEND_A_KEY)
    waiting = caller.memory.waiting
    if waiting is None and (held := await caller.credential()):
        return await _already(caller, caller.memory, held)
    if waiting is None or (waiting.over and waiting.task.exception() is not None):
        return await _begin(caller, caller.memory)
    if declined(caller):
        return _pending(waiting, "The address was not opened.")
    return await _finish(caller, caller.memory, waiting, PATIENCE)


async def _already(caller: Caller, memory: Memory, held: Credential) -> Answer | Ask:
    from invoker_mcp.errors import NotLoggedIn

    try:
        async with caller.api() as api:
            me = await api.get("/auth/me")
    except NotLoggedIn as error:
        if held.source in {"flag", "environment"}:
            raise ToolError(
                "INVOKER_API_KEY is not valid", "Correct or remove it, then start this server anew."
            ) from error
        return await _begin(caller, memory)
    email = me.get("email") or held.email
    hint = f"the key {held.hint} from the {held.source}"
    return Answer(f"Already logged in as {email}, with {hint}.", _logged_in(str(email), held))


async def _begin(caller: Caller, memory: Memory) -> Answer | Ask:
    from invoker_mcp.login import open_browser
    from invoker_mcp.server.waiting import begin

    memory.waiting = waiting = await begin(caller.settings)
    url, code = waiting.started.login_url, waiting.started.user_code
    message = f"Log in to Invoker. The page shows the code {code}: go on only if it is the same."
    if shows_addresses(caller):
        if caller.session is None or caller.session.protocol_version >= "2026":
            return Ask(message, url)
        shown = await caller.session.elicit_url(message, url, waiting.started.session_id, caller.request_id)
        if shown.action == "accept":
            return await _finish(caller, memory, waiting, PATIENCE)
        return _pending(waiting, "The address was not opened.")
    opened = open_browser(url, caller.settings)
    if not opened:
        return _pending(waiting, "No browser could be opened here.")
    return await _finish(caller, memory, waiting, PATIENCE)


async def _finish(caller: Caller, memory: Memory, waiting: Waiting, patience: float) -> Answer:
    """Wait for the approval, and say every second that we do."""
    until = monotonic() + patience
    while monotonic() < until:
        credential = await waiting.within(EVERY)
        if credential is not None:
            memory.waiting = None
            text = f"Logged in as {credential.email}, with the key {credential.hint}, kept in the {credential.source}."
            return Answer(text, _logged_in(str(credential.email), credential))
        text = f"Waiting for the approval in the browser; the code is {waiting.started.user_code}"
        await caller.progress(monotonic() - waiting.since, None, text)
    return _pending(waiting, "Nobody has approved it yet.")


def _pending(waiting: Waiting, why: str) -> Answer:
    started = waiting.started
    text = (
        f"{why} Have the user open {started.login_url} and compare the code {started.user_code}; "
        "then call login again, which waits for the approval."
    )
    data = {
        "status": "pending",
        "login_url": started.login_url,
        "user_code": started.user_code,
        "next_step": "Call login again once the user has the page open.",
    }
    return Answer(text, data)


def _logged_in(email: str, credential: Credential) -> dict[str, Any]:
    return {"status": "logged_in", "email": email, "key_hint": credential.hint, "source": credential.source}


def shows_addresses(caller: Caller) -> bool:
    capabilities = caller.session.client_capabilities if caller.session else None
    return bool(capabilities and capabilities.elicitation and capabilities.elicitation.url is not None)


def declined(caller: Caller) -> bool:
    answers = (caller.responses or {}).values()
    return any(getattr(answer, "action", "accept") != "accept" for answer in answers)


async def logout(caller: Caller, _given: dict[str, Any]) -> Answer:
    from invoker_mcp import credentials
    from invoker_mcp.errors import NotLoggedIn

    if caller.memory is None:
        raise ToolError("Nobody is logged in over HTTP", "Revoke the key with `invoker keys`, or in the dashboard.")
    if caller.memory.waiting:
        caller.memory.waiting.task.cancel()
        caller.memory.waiting = None
    held = await caller.credential()
    if held is None:
        return Answer("Nobody was logged in.", {"status": "logged_out"})
    if held.source in {"flag", "environment"}:
        raise ToolError(
            "The key is that of INVOKER_API_KEY", "Remove it where this server is started; nothing else keeps it."
        )
    with suppress(NotLoggedIn):
        async with caller.api() as api:
            await api.call("POST", "/auth/logout")
    credentials.forget(caller.settings)
    return Answer(f"Logged out; the key {held.hint} is revoked.", {"status": "logged_out", "key_hint": held.hint})


async def whoami(caller: Caller, _given: dict[str, Any]) -> Answer:
    held = await caller.credential()
    if held is None:
        how = SEND_A_KEY if caller.remote else LOG_IN
        return Answer(f"Nobody is logged in. {how}", {"logged_in": False, "next_step": how})
    async with caller.api() as api:
        me = await api.get("/auth/me")
    email, usage = me.get("email"), me.get("usage")
    data = {"logged_in": True, "email": email, "plan": me.get("plan"), "usage": usage}
    data |= {"key_hint": held.hint, "source": "request" if caller.remote else held.source}
    count = f", {usage.get('deployments')} of {usage.get('limit')} sites used" if isinstance(usage, dict) else ""
    return Answer(f"Logged in as {email}{count}.", {name: value for name, value in data.items() if value is not None})


TEXT: Schema = {"type": "string"}
LOGIN_GIVES: dict[str, Schema] = {
    "status": {"enum": ["logged_in", "pending"]},
    "email": TEXT,
    "key_hint": {"type": "string", "description": "Beginning and end of the key; the key itself is never shown."},
    "source": {"type": "string", "description": "Where the key was found or is kept."},
    "login_url": {"type": "string", "description": "To be opened by the user, when status is pending."},
    "user_code": {"type": "string", "description": "The page shows the same code."},
    "next_step": TEXT,
}

TOOLS = (
    Tool(
        name="login",
        title="Log in",
        what=(
            "Opens the login page in the user's browser, waits for the approval by email, "
            "and saves a key on this machine."
        ),
        when="Use it when a tool says that an account is needed, or to go on waiting after a pending login.",
        hints=WRITES,
        gives=LOGIN_GIVES,
        always=("status",),
        run=login,
    ),
    Tool(
        name="logout",
        title="Log out",
        what="Revokes the key that login saved on this machine, and removes it.",
        when="Use it only when the user asks to be logged out or wants another account.",
        hints=Hints(idempotent=True, open_world=True),
        gives={"status": {"const": "logged_out"}, "key_hint": TEXT},
        always=("status",),
        run=logout,
    ),
    Tool(
        name="whoami",
        title="Who is logged in",
        what="Tells whose account is used, from where its key comes, and how many sites it has of how many.",
        when="Use it to see whether login is needed, or when a site is not found.",
        hints=READS,
        gives={
            "logged_in": {"type": "boolean"},
            "email": TEXT,
            "plan": TEXT,
            "usage": {"type": "object"},
            "key_hint": TEXT,
            "source": TEXT,
            "next_step": TEXT,
        },
        always=("logged_in",),
        run=whoami,
    ),
)
