"""Whom a site's mails go to: owners name them, each says yes in a mail of its own, and anybody ends it with a click."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.deploy import recipients
from services.deploy.config import Config
from services.deploy.recipients import (
    Complained,
    LinkNotValid,
    NotSuppressed,
    NotUnsubscribed,
    OwnAddress,
    Purpose,
    Recipient,
    RecipientNotFound,
)
from services.deploy.service.telling import Telling, audited
from services.deploy.store import deployments
from services.deploy.store import recipients as store
from shared import db, ids, logs, outbox
from shared.auth_client import Caller
from shared.events import AddressLifted, Audited, RecipientConfirmMail

log = logs.get(__name__)


class Recipients:
    """The use cases of recipients; those of owners take who calls, those of readers the link that they got."""

    def __init__(self, pool: db.Pool, messages: outbox.Outbox, telling: Telling, config: Config) -> None:
        self._pool = pool
        self._outbox = messages
        self._telling = telling
        self._config = config

    async def of_site(self, caller: Caller, deployment_id: str) -> tuple[list[Recipient], bool]:
        """Return a site's recipients, and whether it mails at all. Raise DeploymentNotFound."""
        async with db.acquire(self._pool) as conn:
            await self._telling.owned(conn, caller, deployment_id)
            site = await deployments.find(conn, caller.account_id, deployment_id)
            return await store.of_site(conn, deployment_id), bool(site.settings.get("notify_email", True))

    async def add(
        self, caller: Caller, deployment_id: str, emails: Iterable[str], *, ip: str
    ) -> Sequence[tuple[Recipient, bool]]:
        """Add addresses, ask each new one for its yes, and tell which are new. All or none. Idempotent.

        Raise DeploymentNotFound, RecipientLimitReached, RateLimited.
        """
        added = []
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            owner = await store.hold(conn, caller.account_id)
            for email in emails:
                found, new = await store.add(conn, ids.new_id("rcp"), deployment_id, email)
                added.append((found, new))
                if new:
                    await self._ask(conn, caller, found, owner)
                    await outbox.add(conn, _audited("recipient.added", found, caller, ip))
        return added

    async def ask(self, caller: Caller, deployment_id: str, recipient_id: str) -> Recipient:
        """Ask an address once more. Raise DeploymentNotFound, RecipientNotFound, OwnAddress, RateLimited."""
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            owner = await store.hold(conn, caller.account_id)
            found = await self._other(conn, deployment_id, recipient_id)
            if found.state in {"unconfirmed", "unsubscribed"}:
                await self._ask(conn, caller, found, owner)
        return found

    async def remove(self, caller: Caller, deployment_id: str, recipient_id: str, *, ip: str) -> datetime:
        """Remove an address, and return when that was. Raise DeploymentNotFound, RecipientNotFound, OwnAddress."""
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await self._other(conn, deployment_id, recipient_id)
            moment = await store.remove(conn, found.id)
            await outbox.add(conn, _audited("recipient.removed", found, caller, ip))
        return moment

    async def lift(self, caller: Caller, deployment_id: str, recipient_id: str, *, ip: str) -> Recipient:
        """Let mails go to an address again that bounced or complained; after a complaint it has to say yes again.

        Raise DeploymentNotFound, RecipientNotFound, NotSuppressed, Complained.
        """
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await store.find(conn, deployment_id, recipient_id)
            if found.suppressed is None:
                raise NotSuppressed
            if found.suppressed.reason == "complaint" and not found.owner:
                if found.confirmed_at is None:
                    raise Complained
                await store.unconfirm(conn, found.id)
            email = found.email.lower()
            if (began := await store.lift(conn, email)) is not None:
                await outbox.add(conn, AddressLifted(email=email, suppressed_at=began))
                await outbox.add(conn, _audited("recipient.lifted", found, caller, ip))
            return await store.find(conn, deployment_id, recipient_id)

    async def resubscribe(self, caller: Caller, deployment_id: str, recipient_id: str, *, ip: str) -> Recipient:
        """Mail the account's own address again. Raise DeploymentNotFound, RecipientNotFound, NotUnsubscribed."""
        async with self._outbox.transaction() as conn:
            await self._telling.owned(conn, caller, deployment_id)
            found = await store.find(conn, deployment_id, recipient_id)
            if not found.owner or found.unsubscribed_at is None:
                raise NotUnsubscribed
            await store.resubscribe(conn, found)
            await outbox.add(conn, _audited("recipient.resubscribed", found, caller, ip))
            return await store.find(conn, deployment_id, recipient_id)

    # Readers

    async def look(self, purpose: Purpose, deployment_id: str, token: str) -> Recipient:
        """Return whom a mail's link is for. Changes nothing. Raise LinkNotValid."""
        async with db.acquire(self._pool) as conn:
            return await self._named(conn, purpose, deployment_id, token)

    async def follow(self, purpose: Purpose, deployment_id: str, token: str) -> Recipient:
        """Do what a mail's link is for: mail the address from now on, or no more. Idempotent. Raise LinkNotValid."""
        async with db.transaction(self._pool) as conn:
            found = await self._named(conn, purpose, deployment_id, token)
            if purpose == "confirm":
                await store.confirm(conn, found.id)
            else:
                await store.unsubscribe(conn, found)
        log.info("recipient.answered", answer=purpose, deployment=deployment_id, recipient=found.id)
        return found

    async def _named(self, conn: db.Connection, purpose: Purpose, deployment_id: str, token: str) -> Recipient:
        try:
            found = await store.find(conn, deployment_id, recipients.named(token))
        except RecipientNotFound:
            raise LinkNotValid from None
        recipients.require(self._config.service_token.get_secret_value(), purpose, found, token)
        return found

    async def _other(self, conn: db.Connection, deployment_id: str, recipient_id: str) -> Recipient:
        """Return a recipient that is not the account's own address. Raise RecipientNotFound, OwnAddress."""
        found = await store.find(conn, deployment_id, recipient_id)
        if found.owner:
            raise OwnAddress
        return found

    async def _ask(self, conn: db.Connection, caller: Caller, of: Recipient, owner: str) -> None:
        """Send an address the mail with the link, unless it gets none at all. Raise RateLimited."""
        if of.suppressed is not None:
            return
        await store.ask(conn, caller.account_id, of)
        secret = self._config.service_token.get_secret_value()
        token = recipients.token(secret, "confirm", of.deployment_id, of.id, of.email)
        event = RecipientConfirmMail(
            to=of.email,
            slug=of.slug,
            site_url=self._config.site_url(of.slug),
            owner=owner,
            confirm_url=f"{self._config.api_url}/submit/{of.deployment_id}/confirm/{token}",
        )
        await outbox.add(conn, event)


def _audited(action: str, of: Recipient, caller: Caller, ip: str) -> Audited:
    detail = {"site": of.deployment_id, "slug": of.slug, "recipient": of.email}
    return audited(action, caller, ip=ip, detail=detail)
