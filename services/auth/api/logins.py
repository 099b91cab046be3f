"""Logging in without a browser: start, mail a code, approve, take the key."""

from datetime import timedelta
from typing import Annotated, Final

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from services.auth import logins
from services.auth.access import LOGINS, NO_STORE, ip, login_id
from services.auth.accounts import MAX_EMAIL, parse_address
from services.auth.keys import MAX_EXPIRES_IN
from services.auth.logins import NAMELESS, Client
from shared import bodies, http, ids
from shared.parsing import Line, Whole

#: The same bytes whoever asks for whom (R59).
CODE_SENT: Final = {"message": "If this address can receive mail, a code and a link are on their way to it."}

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
    #: Seconds that the key is to live; absent: it has no end.
    expires_in: Annotated[Whole, Field(ge=1, le=MAX_EXPIRES_IN)] | None = None


@routes.post("/auth/session")
async def start_login(request: web.Request) -> web.Response:
    body = await bodies.read_model(request, SessionBody)
    given = body.client or ClientBody(name=NAMELESS)
    client = Client.of(given.name, given.version, given.host)
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
    body = await bodies.read_model(request, OtpBody)
    address = parse_address(body.email)
    await request.app[LOGINS].send_code(login_id(body.session_id), address, ip=ip(request))
    return http.json(CODE_SENT, status=202)


@routes.post("/auth/verify")
async def verify_code(request: web.Request) -> web.Response:
    body = await bodies.read_model(request, VerifyBody)
    if not ids.is_id(body.session_id, "ls"):
        raise logins.WrongCode
    await request.app[LOGINS].verify(body.session_id, body.code, ip=ip(request))
    return http.json({"status": "approved"})


@routes.post("/auth/token")
async def take_key(request: web.Request) -> web.Response:
    body = await bodies.read_model(request, TokenBody)
    life = timedelta(seconds=body.expires_in) if body.expires_in else None
    delivered = await request.app[LOGINS].poll(
        login_id(body.session_id), body.verifier, ip=ip(request), expires_in=life
    )
    if delivered is None:
        return http.json({"status": "pending"}, status=202, headers=NO_STORE)
    answer = {"api_key": delivered.api_key, "key_id": delivered.key_id, "email": delivered.email}
    if (end := http.timestamp(delivered.expires_at)) is not None:
        answer["expires_at"] = end
    return http.json(answer, headers=NO_STORE)
