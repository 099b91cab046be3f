"""Writing down what became of attempts, many in one statement, and switching off the webhooks whose time is over."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import asyncpg

from services.deploy import webhooks
from services.deploy.config import Config
from services.deploy.deliveries import Attempt
from services.deploy.store import deliveries
from services.deploy.store import webhooks as rows
from services.deploy.store.webhooks import Disabled
from shared import db, logs, outbox
from shared.errors import Unavailable
from shared.events import Audited, WebhookDisabledMail

log = logs.get(__name__)

#: Attempts of one statement.
TOGETHER: Final = 200
#: Seconds for which writing down is tried; what is forgotten is sent again.
SETTLE_FOR: Final = 60.0
SETTLE_EVERY: Final = 0.5

#: The database is away, or will not write now.
DATABASE_TROUBLE: Final = (Unavailable, asyncpg.PostgresError)

#: What ends with a webhook says so.
OFF: Final = "the webhook was switched off"


class Settling:
    """Settles the attempts of one process."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, config: Config) -> None:
        self._pool = pool
        self._outbox = messages
        self._config = config
        self._waiting: list[tuple[Attempt, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, attempt: Attempt) -> None:
        """Return when what became of the attempt is written down, or cannot be."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._run(), name="webhook results")
        await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._write([attempt for attempt, _ in together])
                for _, done in together:
                    if not done.done():
                        done.set_result(None)
        finally:
            self._writing = None

    async def _write(self, attempts: list[Attempt]) -> None:
        """Write, and do not give up while the database is away: what is not written is sent again."""
        deadline = asyncio.get_running_loop().time() + SETTLE_FOR
        while True:
            try:
                await self._settle(attempts)
            except DATABASE_TROUBLE as error:
                if asyncio.get_running_loop().time() > deadline:
                    log.warning("webhook.unsettled", count=len(attempts), error=type(error).__name__)
                    return
                await asyncio.sleep(SETTLE_EVERY)
            except Exception:  # the next ones must be written whatever these are
                log.exception("webhook.unsettled", count=len(attempts))
                return
            else:
                return

    async def _settle(self, attempts: list[Attempt]) -> None:
        working = {each.due.webhook_id for each in attempts if each.delivered and each.due.failing_since}
        failing = {each.due.webhook_id for each in attempts if not each.delivered and not each.due.failing_since}
        async with db.acquire(self._pool) as conn:
            await deliveries.settle(conn, attempts)
            if working or failing:
                await rows.note(conn, list(working), list(failing), max(each.at for each in attempts))
        over = {each.due.webhook_id: each for each in attempts if each.gone or _is_over(each)}
        for attempt in over.values():
            await self._disable(attempt)

    async def _disable(self, attempt: Attempt) -> None:
        """Switch the webhook off, end what waits for it, and tell the owner. Idempotent."""
        due, why, before = attempt.due, "The receiver answered 410: it wants nothing more.", None
        if not attempt.gone:
            last = attempt.error or f"the answer {attempt.status}"
            why = f"Every attempt has failed for {webhooks.PATIENCE.days} days. The last one: {last}."
            before = attempt.at - webhooks.PATIENCE
        async with self._outbox.transaction() as conn:
            disabled = await rows.disable(conn, due.webhook_id, due.url, why, failing_before=before)
            if disabled is None:
                return
            await deliveries.stop(conn, due.webhook_id, OFF)
            if not disabled.anonymous:
                await outbox.add(conn, _audited(disabled, why))
            if disabled.email:
                await outbox.add(conn, self._mail(disabled, why))
        log.warning("webhook.disabled", webhook=disabled.id, deployment=disabled.deployment_id, why=why)

    def _mail(self, of: Disabled, why: str) -> WebhookDisabledMail:
        return WebhookDisabledMail(
            to=of.email,
            slug=of.slug,
            site_url=self._config.site_url(of.slug),
            url=webhooks.shown_url(of.url),
            why=why,
            disabled_at=datetime.now(UTC),
            dashboard_url=f"{self._config.app_url}/dashboard/sites/{of.deployment_id}/webhooks",
        )


def _is_over(attempt: Attempt) -> bool:
    since = attempt.due.failing_since
    return not attempt.delivered and since is not None and attempt.at - since >= webhooks.PATIENCE


def _audited(of: Disabled, why: str) -> Audited:
    return Audited(
        account_id=of.account_id,
        at=datetime.now(UTC),
        action="webhook.disabled",
        actor="system",
        key_id=None,
        ip=None,
        detail={
            "site": of.deployment_id,
            "slug": of.slug,
            "webhook": of.id,
            "url": webhooks.shown_url(of.url),
            "why": why,
        },
    )
