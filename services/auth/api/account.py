"""The account behind a credential: what it is, its browsers, its address, its end, and this API's description."""

from datetime import UTC, datetime
from typing import Annotated, Final

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from services.auth.access import ACCESS, ACCOUNTS, CONFIG, EXPORTS, KEYS, NO_STORE, SESSIONS, USAGE, ip, session_id
from services.auth.accounts import MAX_EMAIL, parse_address
from shared import bodies, http, openapi, streaming

#: The same whoever has the new address, and whether anybody has (R59).
CODES_SENT: Final = "If both addresses can receive mail, a code is on its way to each of them."
#: Seconds that an export may take.
EXPORT_DEADLINE: Final = 120.0

routes = web.RouteTableDef()


class EmailBody(BaseModel):
    email: Annotated[str, Field(max_length=MAX_EMAIL)]


class ConfirmBody(BaseModel):
    """Of any length: whatever is wrong with a code is answered alike."""

    current_code: str
    new_code: str


class DeleteBody(BaseModel):
    confirm: str


@routes.get("/auth/me")
async def show_me(request: web.Request) -> web.Response:
    app = request.app
    caller = await app[ACCESS].callers.caller(request)
    plan = app[CONFIG].plans.get(caller.plan)
    answer = {
        "account_id": caller.account_id,
        "email": caller.email,
        "plan": caller.plan,
        "credential": {
            "id": caller.credential_id,
            "kind": caller.kind,
            "scopes": sorted(caller.scopes),
            "site": caller.site,
            "expires_at": http.timestamp(caller.expires_at),
        },
        "usage": {
            "deployments": await app[USAGE].deployments(caller.account_id),
            "limit": plan.deployments if plan else None,
        },
    }
    return http.json(answer, headers=NO_STORE)


@routes.post("/auth/logout")
async def log_out(request: web.Request) -> web.Response:
    app = request.app
    caller = await app[ACCESS].callers.caller(request)
    if caller.kind == "key":
        key = await app[KEYS].revoke(caller, caller.credential_id, ip=ip(request))
        return http.json({"id": key.id, "revoked_at": http.timestamp(key.revoked_at)})
    ended = await app[SESSIONS].end(caller, caller.credential_id, ip=ip(request))
    response = http.json({"id": caller.credential_id, "revoked_at": http.timestamp(ended)})
    app[ACCESS].forget_session(response)
    return response


@routes.get("/auth/sessions")
async def list_sessions(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    live = await request.app[SESSIONS].live(caller)
    rows = [session.to_json(current=session.id == caller.credential_id) for session in live]
    return http.json({"sessions": rows}, headers=NO_STORE)


@routes.delete("/auth/sessions/{id}")
async def end_session(request: web.Request) -> web.Response:
    access = request.app[ACCESS]
    caller = await access.callers.caller(request, scope="keys")
    which = session_id(request)
    ended = await request.app[SESSIONS].end(caller, which, ip=ip(request))
    response = http.json({"id": which, "revoked_at": http.timestamp(ended)})
    if which == caller.credential_id:
        access.forget_session(response)
    return response


@routes.post("/auth/email")
async def change_email(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.person(request)
    address = parse_address((await bodies.read_model(request, EmailBody)).email)
    until = await request.app[ACCOUNTS].ask_change(caller, address, parse_address(caller.email), ip=ip(request))
    return http.json({"message": CODES_SENT, "expires_at": http.timestamp(until)}, status=202, headers=NO_STORE)


@routes.post("/auth/email/confirm")
async def confirm_email(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.person(request)
    body = await bodies.read_model(request, ConfirmBody)
    email = await request.app[ACCOUNTS].confirm_change(caller, body.current_code, body.new_code, ip=ip(request))
    return http.json({"email": email}, headers=NO_STORE)


@routes.delete("/auth/account")
async def delete_account(request: web.Request) -> web.Response:
    access = request.app[ACCESS]
    caller = await access.callers.person(request)
    body = await bodies.read_model(request, DeleteBody)
    deleted_at, until = await request.app[ACCOUNTS].delete(caller, body.confirm, ip=ip(request))
    answer = {
        "account_id": caller.account_id,
        "deleted_at": http.timestamp(deleted_at),
        "restore_until": http.timestamp(until),
    }
    response = http.json(answer, headers=NO_STORE)
    access.forget_session(response)
    return response


@routes.get("/auth/export")
@http.rules(deadline=EXPORT_DEADLINE)
async def export_account(request: web.Request) -> web.StreamResponse:
    caller = await request.app[ACCESS].callers.caller(request, scope="full")
    name = f"invoker-export-{datetime.now(UTC):%Y-%m-%d}.json"
    headers = {**NO_STORE, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
    return await streaming.json(request, request.app[EXPORTS].pieces(caller), headers=headers)


@routes.get("/openapi.json")
async def describe(request: web.Request) -> web.Response:
    return http.json(openapi.merged(request.app[CONFIG].api_url))
