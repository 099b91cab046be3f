"""One attempt at a delivery: judged, signed, sent, and what became of it."""

import time
from datetime import datetime
from typing import Final

from aiohttp import hdrs

from services.deploy import deliveries, payloads, signatures, webhooks
from services.deploy.config import Config
from services.deploy.deliveries import Attempt, Due
from shared import ids, logs
from shared.outbound import Fetched, Outbound, Unreachable

log = logs.get(__name__)

#: Seconds for a whole attempt, and for its connection (R77).
TIMEOUT: Final = 15.0
CONNECT_TIMEOUT: Final = 5.0


async def make(due: Due, client: Outbound, config: Config, now: datetime) -> Attempt:
    """Make an attempt and say what became of it; whatever the receiver does, nothing is raised."""
    began, fetched, error = time.perf_counter(), None, None
    request_id = due.request_id or ids.new_request_id()
    logs.request_id.set(request_id)
    try:
        fetched = await _send(due, client, config, now, request_id)
    except (Unreachable, webhooks.BadWebhookUrl) as refused:
        error = str(refused)
    except Exception:  # its turn comes again, as that of any other that failed, and not for ever
        log.exception("webhook.unsendable", delivery=due.id, webhook=due.webhook_id)
        error = "it could not be sent, which is our fault"
    status = fetched.status if fetched else None
    if status is not None and 300 <= status < 400:
        error = "it answered with a redirect, and none is followed"
    retry_after = fetched.headers.get(hdrs.RETRY_AFTER) if fetched else None
    done = status is not None and 200 <= status < 300
    return Attempt(
        id=ids.new_id("att"),
        due=due,
        at=now,
        status=status,
        latency_ms=(time.perf_counter() - began) * 1000,
        answer=deliveries.kept(fetched.body) if fetched else "",
        error=error,
        next_at=None if done else deliveries.next_at(due.attempts + 1, status, retry_after, now),
        request_id=request_id,
    )


async def _send(due: Due, client: Outbound, config: Config, now: datetime, request_id: str) -> Fetched:
    """Send the delivery. Raise Unreachable, BadWebhookUrl for an address that would not be taken today."""
    url = webhooks.check(due.url, config)
    body = payloads.body(due, config)
    headers = {hdrs.CONTENT_TYPE: "application/json", "X-Request-ID": request_id}
    if due.type == "generic":
        headers |= signatures.headers(due.secrets, due.id, now, body)
    return await client.request("POST", url, headers=headers, data=body, timeout=TIMEOUT)
