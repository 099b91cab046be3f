"""The internal port: whom a key belongs to. What every key that no cache knows waits for."""

import hmac
import re
from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web

from services.auth.service.keys import Keys
from shared import http
from shared.errors import AppError, Invalid, Unauthorized
from shared.server import Answer

PATH: Final = "/internal/verify"
_BODY: Final = re.compile(rb'\{"digest": ?"([0-9a-f]{64})"\}')
_UNKNOWN: Final = {"valid": False}


def verify_first(keys: Keys, token: str) -> Callable[[Answer], Answer]:
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
        body = _BODY.fullmatch(await http.read_body(request, http.KIB))
        if body is None:
            raise Invalid('The body must be {"digest": "…"} with the lowercase hex SHA-256 of a key')
        caller = await keys.check(body[1].decode())
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
