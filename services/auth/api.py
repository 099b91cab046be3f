"""The JSON API: logging in without a browser, and keys."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from services.auth import logins
from services.auth.access import ACCESS, CONFIG, KEYS, LOGINS, USAGE, ip, key_id, login_id
from services.auth.accounts import MAX_EMAIL, parse_address
from services.auth.keys import MAX_EXPIRES_IN, NewKey, scopes_for
from services.auth.logins import Client
from shared import http, idempotency, ids, openapi, parsing
from shared.errors import Invalid

NO_STORE: Final = {"Cache-Control": "no-store"}

#: The same bytes whoever asks for whom (R59).
CODE_SENT: Final = {"message": "If this address can receive mail, a code and a link are on their way to it."}

#: A key is shown once, whatever is repeated (R44).
REPLAYED: Final = {
    "replayed": True,
    "message": "This key was created by an earlier request with the same Idempotency-Key; it is shown only once.",
}

Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")]
Scope = Literal["full", "deploy", "read", "submissions", "webhooks", "keys"]


routes = web.RouteTableDef()


class ClientBody(BaseModel):
    name: Annotated[Line, Field(min_length=1, max_length=64)]
    version: Annotated[Line, Field(max_length=32)] = ""
    host: Annotated[Line, Field(max_length=255)] = ""


class SessionBody(BaseModel):
    verifier_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    client: ClientBody | None = None


class OtpBody(BaseModel):
    session_id: str
    email: Annotated[str, Field(max_length=MAX_EMAIL)]


class VerifyBody(BaseModel):
    """Of any length: whatever is wrong with a code is answered alike."""

    session_id: str
    code: str


class TokenBody(BaseModel):
    """Of any length: a wrong verifier and an unknown login are answered alike."""

    session_id: str
    verifier: str


class KeyBody(BaseModel):
    name: Annotated[Line, Field(max_length=100)] | None = None
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] | None = None
    site: Annotated[str, StringConstraints(pattern=r"^(dep_[0-9A-Za-z]{16,32}|[a-z0-9][a-z0-9-]{0,62})$")] | None = None
    expires_in: Annotated[int, Field(ge=1, le=MAX_EXPIRES_IN, strict=True)] | None = None


class KeysQuery(BaseModel):
    state: Literal["active", "all"] = "active"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: str | None = None


@routes.post("/auth/session")
async def start_login(request: web.Request) -> web.Response:
    body = await http.read_model(request, SessionBody)
    given = body.client or ClientBody(name="A program without a name")
    client = Client(name=given.name, version=given.version, host=given.host)
    service = request.app[LOGINS]
    login = await service.start("client", body.verifier_hash, client, ip=ip(request))
    answer = {
        "session_id": login.id,
        "user_code": login.user_code,
        "login_url": service.url(login.id),
        "expires_at": http.timestamp(login.expires_at),
        "poll_interval": logins.POLL_INTERVAL,
    }
    return http.json(answer, status=201, headers=NO_STORE)


@routes.post("/auth/otp")
async def send_code(request: web.Request) -> web.Response:
    body = await http.read_model(request, OtpBody)
    address = parse_address(body.email)
    await request.app[LOGINS].send_code(login_id(body.session_id), address, ip=ip(request))
    return http.json(CODE_SENT, status=202)


@routes.post("/auth/verify")
async def verify_code(request: web.Request) -> web.Response:
    body = await http.read_model(request, VerifyBody)
    if not ids.is_id(body.session_id, "ls"):
        raise logins.WrongCode
    await request.app[LOGINS].verify(body.session_id, body.code)
    return http.json({"status": "approved"})


@routes.post("/auth/token")
async def take_key(request: web.Request) -> web.Response:
    body = await http.read_model(request, TokenBody)
    delivered = await request.app[LOGINS].poll(login_id(body.session_id), body.verifier, ip=ip(request))
    if delivered is None:
        return http.json({"status": "pending"}, status=202, headers=NO_STORE)
    answer = {"api_key": delivered.api_key, "key_id": delivered.key_id, "email": delivered.email}
    return http.json(answer, headers=NO_STORE)


@routes.get("/auth/me")
async def show_me(request: web.Request) -> web.Response:
    app = request.app
    caller = await app[ACCESS].caller(request)
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
    caller = await app[ACCESS].caller(request)
    if caller.kind == "key":
        key = await app[KEYS].revoke(caller, caller.credential_id)
        return http.json({"id": key.id, "revoked_at": http.timestamp(key.revoked_at)})
    ended = await app[KEYS].end_session(caller)
    response = http.json({"id": caller.credential_id, "revoked_at": http.timestamp(ended)})
    app[ACCESS].forget_session(response)
    return response


@routes.get("/keys")
async def list_keys(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].caller(request, scope="keys")
    query = parsing.validate(KeysQuery, dict(request.query))
    if query.cursor is not None and not ids.is_id(query.cursor, "key"):
        raise Invalid("cursor: is not one that this list gave out")
    keys, cursor = await request.app[KEYS].page(
        caller, only_active=query.state == "active", limit=query.limit, after=query.cursor
    )
    return http.json({"keys": [key.to_json() for key in keys], "next_cursor": cursor})


@routes.post("/keys")
async def create_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].caller(request, scope="keys")
    raw = await http.read_json_bytes(request) if request.body_exists else b"{}"
    body = parsing.validate(KeyBody, parsing.parse_json(raw))
    once = idempotency.once(request, raw)
    if once and (key := await request.app[KEYS].find_earlier(caller, once)):
        return http.json(key.to_json() | REPLAYED, status=201, headers=NO_STORE)
    new = NewKey(
        name=body.name or "API key",
        scopes=scopes_for(caller, body.scopes),
        site=body.site,
        expires_in=timedelta(seconds=body.expires_in) if body.expires_in else None,
        created_via="api" if caller.kind == "key" else "dashboard",
        once=once,
    )
    created = await request.app[KEYS].create(caller, new, ip=ip(request))
    # the one copy of the plaintext there will be (R44)
    return http.json(created.key.to_json() | {"key": created.plaintext}, status=201, headers=NO_STORE)


@routes.get("/keys/{id}")
async def show_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].caller(request, scope="keys")
    return http.json((await request.app[KEYS].get(caller, key_id(request))).to_json())


@routes.delete("/keys/{id}")
async def revoke_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].caller(request, scope="keys")
    key = await request.app[KEYS].revoke(caller, key_id(request))
    return http.json({"id": key.id, "revoked_at": http.timestamp(key.revoked_at)})


@routes.get("/openapi.json")
async def describe(request: web.Request) -> web.Response:
    return http.json(openapi.merged(request.app[CONFIG].api_url))
