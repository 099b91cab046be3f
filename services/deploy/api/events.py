"""What visitors send, told to its owner while it arrives: server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import orjson
from aiohttp import web

from services.deploy import access, filters
from services.deploy.api.submissions import INBOX
from services.deploy.feed import Feed
from services.deploy.received import Received, show
from shared import http, ids, server, streaming
from shared.auth_client import Caller
from shared.errors import AppError

FEED: Final = web.AppKey("feed", Feed)
#: Seconds of one stream: a client connects again by itself.
LONGEST: Final = 600
#: Seconds after which something is sent in any case, and the caller is looked at again.
BEAT: Final = 15.0
#: How a client comes back: after so many milliseconds.
RETRY: Final = b"retry: 2000\n\n"

routes = web.RouteTableDef()


@routes.get("/submissions/{id}/events")
@http.rules(deadline=LONGEST + 30.0)
async def stream(request: web.Request) -> web.StreamResponse:
    """Send each submission as it arrives."""
    caller = await access.caller(request, "submissions")
    seconds = access.number(request, "seconds", default=LONGEST, largest=LONGEST)
    status = filters.status(request)
    await request.app[INBOX].owned(caller, access.deployment_id(request))
    return await streaming.events(request, _events(request, caller, status, seconds))


async def _events(request: web.Request, caller: Caller, status: str, seconds: int) -> AsyncGenerator[bytes, None]:
    deployment_id, over = access.deployment_id(request), server.over(request)
    end = asyncio.get_running_loop().time() + seconds
    async with request.app[FEED].watch(caller.account_id, deployment_id) as watch:
        # what ends the connection ends the wait for what arrives
        ending = asyncio.create_task(over.wait())
        ending.add_done_callback(lambda _: watch.end())
        try:
            yield RETRY
            told: set[str] = set()
            async with aclosing(_missed(request, deployment_id, status)) as missed:
                async for each in missed:
                    told.add(each.id)
                    yield _event(request, each)
            while not watch.is_over() and (left := end - asyncio.get_running_loop().time()) > 0:
                found = await watch.next(min(BEAT, left))
                if (found is None and watch.is_over()) or not await _may(
                    request, deployment_id, thoroughly=found is None
                ):
                    return
                if found is None:
                    yield b":\n\n"
                elif found.status == status and found.id not in told:
                    told.add(found.id)
                    yield _event(request, found)
        finally:
            ending.cancel()


async def _missed(request: web.Request, deployment_id: str, status: str) -> AsyncGenerator[Received, None]:
    """Yield what came since the submission that the client names as its last one."""
    last = request.headers.get("Last-Event-ID", "")
    if ids.is_id(last, "sub"):
        async for each in request.app[INBOX].since(deployment_id, status, last):
            yield each


async def _may(request: web.Request, deployment_id: str, *, thoroughly: bool) -> bool:
    """Tell whether the caller may still see this: a key ends, a site goes."""
    try:
        caller = await access.caller(request, "submissions")
        if thoroughly:
            await request.app[INBOX].owned(caller, deployment_id)
    except AppError:
        return False
    return True


def _event(request: web.Request, given: Received) -> bytes:
    # what ends a line ends an event's data; in JSON it is between values alone
    row = orjson.dumps(show(given, access.submissions_url(request))).translate(None, b"\r\n")
    return b"event: submission\nid: %s\ndata: %s\n\n" % (given.id.encode(), row)
