"""The internal port: whom a credential belongs to. What every one that no cache knows waits for."""

import hmac
import re
from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web

from services.auth.service.checks import Checks
from shared import bodies, http
from shared.errors import AppError, Invalid, Unauthorized
from shared.server import Answer

PATH: Final = "/internal/verify"
#: Whose digest it is, the digest, and from where the credential is used: JSON that is not read here.
_BODY: Final = re.compile(rb'\{"(digest|session)": ?"([0-9a-f]{64})"(?:, ?"seen": ?(.{2,2000}))?\}', re.DOTALL)
_UNKNOWN: Final = {"valid": False}


def verify_first(checks: Checks, token: str) -> Callable[[Answer], Answer]:
    """Return what answers `POST /internal/verify` before the application, which answers everything else.

    It does what the application's edge and guard do: service token, request id, errors. Router and middlewares
    would cost as much again as the look-up.
    """
    allowed = f"Bearer {token}".encode()

    async def verify(request: web.BaseRequest) -> web.Response:
        http.take_request_id(request.headers)
        given = request.headers.get(hdrs.AUTHORIZATION, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, allowed):
            raise Unauthorized(hint="Internal endpoints take the service token.")
        body = _BODY.fullmatch(await bodies.read(request, 4 * http.KIB))
        if body is None:
            raise Invalid('The body must be {"digest": "…"} or {"session": "…"} with a lowercase hex SHA-256')
        kind, digest, seen = body.groups(b"")
        caller = await checks.check(digest.decode(), kind="key" if kind == b"digest" else "session", seen=seen)
        return http.json(_UNKNOWN if caller is None else {"valid": True, "caller": caller.wire()})

    def around(application: Answer) -> Answer:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if request.path != PATH or request.method != "POST":
                return await application(request)
            try:
                return await verify(request)
            except AppError as error:
                return http.error_response(error)

        return answer

    return around
