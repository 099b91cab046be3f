"""Noting for the audit trail that a credential was refused for want of a scope (R51).

At most once a minute for each credential and scope, in each process: a program that keeps trying fills no trail.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from shared import http, logs, outbox
from shared.auth_client import Caller
from shared.callers import MissingScope
from shared.errors import AppError
from shared.events import Audited
from shared.expiring import Expiring
from shared.http import Handler
from shared.outbox import Outbox

log = logs.get(__name__)

#: Seconds for which a noted denial is not noted again, and how many are remembered.
QUIET: Final = 60.0
REMEMBERED: Final = 10_000

#: Who was refused, for want of which scope, doing what, from which address.
Record = Callable[[Caller, str, str, str], Awaitable[None]]


def noting(record: Record, proxies: int, *, clock: Callable[[], float] = time.monotonic) -> Middleware:
    """Return a middleware that has every MissingScope noted on its way out."""
    noted: Expiring[tuple[str, str], None] = Expiring(REMEMBERED, QUIET, clock)

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except MissingScope as denial:
            what = (denial.caller.credential_id, denial.scope)
            if noted.get(what) is None:
                noted.put(what, None)
                resource = request.match_info.route.resource
                operation = f"{request.method} {resource.canonical if resource else ''}"
                try:
                    await record(denial.caller, denial.scope, operation, http.client_ip(request, proxies))
                except AppError as error:
                    # the refusal stands, noted or not
                    noted.pop(what)
                    log.warning("scope.denied_unnoted", credential=what[0], error=error.code)
            raise

    return note


def telling(box: Outbox) -> Record:
    """Return a record that tells auth, which keeps the trail."""

    async def tell(caller: Caller, scope: str, operation: str, ip: str) -> None:
        event = Audited(
            account_id=caller.account_id,
            at=datetime.now(UTC),
            action="scope.denied",
            actor=caller.credential_id,
            key_id=caller.credential_id if caller.kind == "key" else None,
            ip=ip,
            detail={"scope": scope, "operation": operation},
        )
        async with box.transaction() as conn:
            await outbox.add(conn, event)

    return tell
