"""The account behind a key: what it is, where its browsers are logged in, and this API's description."""

from aiohttp import web

from services.auth.access import ACCESS, CONFIG, KEYS, NO_STORE, SESSIONS, USAGE, ip
from shared import http, openapi

routes = web.RouteTableDef()


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
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    session_id = request.match_info["id"]
    ended = await request.app[SESSIONS].end(caller, session_id, ip=ip(request))
    return http.json({"id": session_id, "revoked_at": http.timestamp(ended)})


@routes.get("/openapi.json")
async def describe(request: web.Request) -> web.Response:
    return http.json(openapi.merged(request.app[CONFIG].api_url))
