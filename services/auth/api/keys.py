"""Keys: made, listed, renamed, rotated and revoked."""

from datetime import timedelta
from typing import Annotated, Final, Literal, TypeVar

from aiohttp import hdrs, web
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.auth.access import ACCESS, KEYS, NO_STORE, ip, key_id
from services.auth.keys import MAX_EXPIRES_IN, MAX_GRACE, NewKey, scopes_for
from services.auth.service.keys import Created
from shared import bodies, http, idempotency, ids, parsing
from shared.errors import Invalid
from shared.parsing import Line, Whole, visible

#: A key is shown once, whatever is repeated (R44).
REPLAYED: Final = {
    "replayed": True,
    "message": "This key was created by an earlier request with the same Idempotency-Key; it is shown only once.",
}

#: The same bytes whatever was sent.
HELD: Final = {"message": "If this was a key, it works no longer, and its owner is told."}

#: The name of a key that has none: names are read, and typed to revoke, so what cannot be seen is no part of one.
NAMELESS: Final = "API key"

Scope = Literal["full", "deploy", "read", "submissions", "webhooks", "keys"]

M = TypeVar("M", bound=BaseModel)

routes = web.RouteTableDef()


class KeyBody(BaseModel):
    name: Annotated[Line, Field(max_length=100), AfterValidator(visible)] | None = None
    scopes: Annotated[list[Scope], Field(min_length=1)] | None = None
    site: Annotated[str, StringConstraints(pattern=r"^(dep_[0-9A-Za-z]{16,32}|[a-z0-9][a-z0-9-]{0,62})$")] | None = None
    expires_in: Annotated[Whole, Field(ge=1, le=MAX_EXPIRES_IN)] | None = None


class RenameBody(BaseModel):
    name: Annotated[Line, Field(min_length=1, max_length=100), AfterValidator(visible)]


class RotateBody(BaseModel):
    grace_seconds: Annotated[Whole, Field(ge=0, le=MAX_GRACE)] = 0
    expires_in: Annotated[Whole, Field(ge=1, le=MAX_EXPIRES_IN)] | None = None


class HeldBody(BaseModel):
    """Of any length: whatever is wrong with a key is answered alike."""

    key: Annotated[str, Field(strict=True)]


class RevokeAllBody(BaseModel):
    keep_current: Annotated[bool, Field(strict=True)] = False


class KeysQuery(BaseModel):
    state: Literal["active", "all"] = "active"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: str | None = None


@routes.get("/keys")
async def list_keys(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    query = parsing.validate(KeysQuery, dict(request.query))
    if query.cursor is not None and not ids.is_id(query.cursor, "key"):
        raise Invalid("cursor: is not one that this list gave out")
    keys, cursor = await request.app[KEYS].page(
        caller, only_active=query.state == "active", limit=query.limit, after=query.cursor
    )
    return http.json({"keys": [key.to_json() for key in keys], "next_cursor": cursor})


@routes.post("/keys")
async def create_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    raw = await bodies.read_json_bytes(request) if request.body_exists else b"{}"
    body = parsing.read(KeyBody, raw)
    once = idempotency.once(request, raw)
    if once and (key := await request.app[KEYS].find_earlier(caller, once)):
        return http.json(key.to_json() | REPLAYED, status=201, headers=NO_STORE)
    new = NewKey(
        name=body.name or NAMELESS,
        scopes=scopes_for(caller, frozenset(body.scopes) if body.scopes else None),
        site=body.site,
        expires_in=timedelta(seconds=body.expires_in) if body.expires_in else None,
        created_via="api" if caller.kind == "key" else "dashboard",
        once=once,
    )
    return _created(await request.app[KEYS].create(caller, new, ip=ip(request)))


@routes.get("/keys/{id}")
async def show_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    return http.json((await request.app[KEYS].get(caller, key_id(request))).to_json())


@routes.delete("/keys/{id}")
async def revoke_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    key = await request.app[KEYS].revoke(caller, key_id(request), ip=ip(request))
    return http.json({"id": key.id, "revoked_at": http.timestamp(key.revoked_at)})


@routes.patch("/keys/{id}")
async def rename_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    body = await bodies.read_model(request, RenameBody)
    key = await request.app[KEYS].rename(caller, key_id(request), body.name or NAMELESS, ip=ip(request))
    return http.json(key.to_json())


@routes.post("/keys/{id}/rotate")
async def rotate_key(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    body = await _optional(request, RotateBody)
    created = await request.app[KEYS].rotate(
        caller,
        key_id(request),
        grace=timedelta(seconds=body.grace_seconds),
        expires_in=timedelta(seconds=body.expires_in) if body.expires_in else None,
        ip=ip(request),
    )
    return _created(created)


@routes.post("/keys/revoke")
async def revoke_by_holder(request: web.Request) -> web.Response:
    """Take a key from anybody: the endpoint of leak scanners (R53)."""
    # also one with a NUL, which the database could not be asked for, is just no key
    value = parsing.parse_json_with_nul(await bodies.read_json_bytes(request))
    await request.app[KEYS].revoke_held(parsing.validate(HeldBody, value).key, ip=ip(request))
    return http.json(HELD)


@routes.post("/keys/revoke-all")
async def revoke_all(request: web.Request) -> web.Response:
    caller = await request.app[ACCESS].callers.caller(request, scope="keys")
    body = await _optional(request, RevokeAllBody)
    keys, sessions = await request.app[KEYS].revoke_all(caller, keep_current=body.keep_current, ip=ip(request))
    response = http.json({"keys": keys, "sessions": sessions})
    if caller.kind == "session" and not body.keep_current:
        request.app[ACCESS].forget_session(response)
    return response


async def _optional(request: web.Request, model: type[M]) -> M:
    """Read a body that may be left out."""
    return await bodies.read_model(request, model) if request.body_exists else model()


def _created(created: Created) -> web.Response:
    """Answer with the one copy of the plaintext there will be (R44)."""
    return http.json(created.key.to_json() | {"key": created.plaintext}, status=201, headers=NO_STORE)


@routes.route(hdrs.METH_ANY, "/keys/revoke")
@routes.route(hdrs.METH_ANY, "/keys/revoke-all")
async def refuse_method(request: web.Request) -> web.Response:
    """Keep other methods on these two from being taken for one on a key of that name."""
    raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_POST])
