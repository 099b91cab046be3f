"""Webhooks as their owners deal with them: add, change, rotate, try, and look at what was delivered."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from services.deploy import webhooks
from services.deploy.config import Config
from services.deploy.deliveries import LogRow
from services.deploy.service.telling import Telling, audited
from services.deploy.settling import OFF
from services.deploy.store import deliveries, delivery_log
from services.deploy.store import webhooks as store
from services.deploy.store.delivery_log import Trial
from services.deploy.webhooks import Webhook
from shared import db, ids, logs, outbox
from shared.auth_client import Caller
from shared.events import Audited

log = logs.get(__name__)

#: Seconds that a trial's attempt is waited for, and between two looks.
TRIAL: Final = 8.0
LOOK_EVERY: Final = 0.1
#: What a trial sends.
SAMPLE: Final = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "message": "This is a test: nobody has filled in your form.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Some of a webhook's log, newest first."""

    rows: Sequence[LogRow]
    #: Older ones follow.
    more: bool
    #: Deliveries that wait for the webhook.
    pending: int


class Webhooks:
    """The use cases of webhooks; every method takes who calls, and raises DeploymentNotFound and WebhookNotFound."""

    def __init__(
        self, pool: db.Pool, messages: outbox.Outbox, telling: Telling, config: Config, wake_sender: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._outbox = messages
        self._telling = telling
        self._config = config
        self._wake_sender = wake_sender

    async def of_site(self, caller: Caller, deployment_id: str) -> list[Webhook]:
        """Return a site's webhooks, newest first."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            return await store.of_site(conn, deployment_id)

    async def add(
        self, caller: Caller, deployment_id: str, url: str, *, kind: str | None, events: Sequence[str], ip: str
    ) -> tuple[Webhook, str]:
        """Add a webhook, and return it with its secret. Raise BadWebhookUrl, WebhookLimitReached."""
        kept = webhooks.check(url, self._config)
        added = Webhook(
            id=ids.new_id("wh"),
            deployment_id=deployment_id,
            url=kept,
            type=kind or webhooks.type_of(kept),
            events=events,
            active=True,
            created_at=datetime.now(UTC),
            failing_since=None,
            disabled_at=None,
            disabled_why=None,
            backlogged=False,
        )
        secret = webhooks.new_secret()
        async with self._outbox.transaction() as conn:
            slug = await self._telling.owned(conn, caller, deployment_id)
            await store.add(conn, added, secret, most=webhooks.MAX_WEBHOOKS)
            await outbox.add(conn, _audited("webhook.created", added, slug, caller, ip))
        log.info("webhook.created", deployment=deployment_id, webhook=added.id)
        return added, secret

    async def change(
        self, caller: Caller, deployment_id: str, webhook_id: str, given: dict[str, Any], *, ip: str
    ) -> Webhook:
        """Change what is given; what waits for a webhook that is switched off ends. Raise BadWebhookUrl."""
        if "url" in given:
            given = given | {"url": webhooks.check(given["url"], self._config)}
        async with self._outbox.transaction() as conn:
            slug, _ = await self._find(conn, caller, deployment_id, webhook_id)
            await store.change(conn, webhook_id, **given)
            if given.get("active") is False:
                await deliveries.stop(conn, webhook_id, OFF)
            changed = await store.find(conn, deployment_id, webhook_id)
            detail = {"changed": sorted(given)}
            await outbox.add(conn, _audited("webhook.changed", changed, slug, caller, ip, **detail))
        return changed

    async def remove(self, caller: Caller, deployment_id: str, webhook_id: str, *, ip: str) -> datetime:
        """Remove a webhook with what waits for it, and return when that was."""
        async with self._outbox.transaction() as conn:
            slug, removed = await self._find(conn, caller, deployment_id, webhook_id)
            await store.remove(conn, webhook_id)
            await deliveries.stop(conn, webhook_id, "the webhook was removed")
            await outbox.add(conn, _audited("webhook.deleted", removed, slug, caller, ip))
        log.info("webhook.deleted", deployment=deployment_id, webhook=webhook_id)
        return datetime.now(UTC)

    async def rotate(self, caller: Caller, deployment_id: str, webhook_id: str, *, ip: str) -> tuple[str, datetime]:
        """Return a new secret, and until when the one before signs too. Raise NotSigned."""
        secret = webhooks.new_secret()
        async with self._outbox.transaction() as conn:
            slug, found = await self._find(conn, caller, deployment_id, webhook_id)
            if not found.signed:
                raise webhooks.NotSigned
            until = await store.rotate(conn, webhook_id, secret)
            await outbox.add(conn, _audited("webhook.rotated", found, slug, caller, ip))
        log.info("webhook.rotated", deployment=deployment_id, webhook=webhook_id)
        return secret, until

    async def try_out(self, caller: Caller, deployment_id: str, webhook_id: str) -> tuple[Trial, LogRow | None]:
        """Send a marked submission the way of all others, and return its first attempt if that is over in time.

        Raise WebhookOff.
        """
        trial = Trial(
            submission_id=ids.new_id("sub"),
            delivery_id=ids.new_id("dlv"),
            data=SAMPLE,
            request_id=logs.request_id.get(),
        )
        async with db.transaction(self._pool) as conn:
            await self._find_active(conn, caller, deployment_id, webhook_id)
            await delivery_log.add_trial(conn, deployment_id, webhook_id, trial)
        self._wake_sender()
        deadline = asyncio.get_running_loop().time() + TRIAL
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK_EVERY)
            async with db.acquire(self._pool) as conn:
                if row := await delivery_log.first_attempt(conn, trial.delivery_id):
                    return trial, row
        return trial, None

    async def log(
        self,
        caller: Caller,
        deployment_id: str,
        webhook_id: str,
        *,
        limit: int,
        before: tuple[datetime, str] | None,
        state: str | None,
    ) -> Log:
        """Return some of a webhook's attempts, of deliveries in one state where it is given."""
        async with db.acquire(self._pool) as conn:
            await self._find(conn, caller, deployment_id, webhook_id)
            rows = await delivery_log.list_page(conn, webhook_id, limit=limit + 1, before=before, state=state)
            pending = await delivery_log.pending(conn, webhook_id)
        return Log(rows=rows[:limit], more=len(rows) > limit, pending=pending)

    async def replay(self, caller: Caller, deployment_id: str, webhook_id: str, named: str) -> None:
        """Send a delivery again, named by itself or an attempt. Raise DeliveryNotFound, WebhookOff."""
        async with db.transaction(self._pool) as conn:
            await self._find_active(conn, caller, deployment_id, webhook_id)
            await delivery_log.replay(conn, webhook_id, named)
        self._wake_sender()

    async def replay_failed(self, caller: Caller, deployment_id: str, webhook_id: str) -> int:
        """Send all failed deliveries again; return how many. Raise WebhookOff."""
        async with db.transaction(self._pool) as conn:
            await self._find_active(conn, caller, deployment_id, webhook_id)
            queued = await delivery_log.replay_failed(conn, webhook_id)
        self._wake_sender()
        return queued

    async def _find(
        self, conn: db.Connection, caller: Caller, deployment_id: str, webhook_id: str
    ) -> tuple[str, Webhook]:
        """Return the site's slug and the webhook."""
        slug = await self._telling.owned(conn, caller, deployment_id)
        return slug, await store.find(conn, deployment_id, webhook_id)

    async def _find_active(self, conn: db.Connection, caller: Caller, deployment_id: str, webhook_id: str) -> None:
        _, found = await self._find(conn, caller, deployment_id, webhook_id)
        if not found.active:
            raise webhooks.WebhookOff


def _audited(action: str, of: Webhook, slug: str, caller: Caller, ip: str, **detail: Any) -> Audited:
    facts = {"site": of.deployment_id, "slug": slug, "webhook": of.id, "url": webhooks.shown_url(of.url), **detail}
    return audited(action, caller, ip=ip, detail=facts)
