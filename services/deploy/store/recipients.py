"""The SQL of recipients: who is mailed what visitors send, who was asked, and which addresses get nothing."""

from datetime import datetime
from typing import Final

import asyncpg

from services.deploy.recipients import (
    ASKS_OF_ACCOUNT,
    ASKS_OF_ADDRESS,
    ASKS_OF_SITE,
    MAX_RECIPIENTS,
    Recipient,
    RecipientLimitReached,
    RecipientNotFound,
    Suppression,
    too_many_asks,
)
from shared.db import Connection
from shared.events import AddressLifted, AddressSuppressed

# The account's own address comes first; a recipient that has become the account's own is that one.
_RECIPIENTS: Final = """
    WITH site AS (
        SELECT d.id, d.slug, d.created_at, a.email FROM deployments d JOIN accounts a ON a.id = d.account_id
        WHERE d.id = $1 AND d.deleted_at IS NULL
    ), found AS (
        SELECT 'rcp_' || substr(s.id, 5) AS id, s.id AS deployment_id, s.slug, s.email, true AS owner,
               s.created_at, s.created_at AS confirmed_at,
               (SELECT r.unsubscribed_at FROM recipients r WHERE r.deployment_id = s.id AND r.owner) AS unsubscribed_at
        FROM site s WHERE s.email <> ''
        UNION ALL
        SELECT r.id, r.deployment_id, s.slug, r.email, false, r.created_at, r.confirmed_at, r.unsubscribed_at
        FROM site s JOIN recipients r ON r.deployment_id = s.id
        WHERE NOT r.owner AND lower(r.email) <> lower(s.email)
    )
    SELECT f.id, f.deployment_id, f.slug, f.email, f.owner, f.created_at, f.confirmed_at, f.unsubscribed_at,
           p.reason, p.detail, p.at
    FROM found f LEFT JOIN suppressions p ON p.email = lower(f.email) AND p.lifted_at IS NULL
"""


def _recipient(row: asyncpg.Record) -> Recipient:
    values = dict(row)
    reason, detail, at = values.pop("reason"), values.pop("detail"), values.pop("at")
    return Recipient(**values, suppressed=Suppression(reason=reason, detail=detail, at=at) if reason else None)


async def of_site(conn: Connection, deployment_id: str) -> list[Recipient]:
    """Return a site's recipients: the account's own address, then the others, oldest first."""
    rows = await conn.fetch(f"{_RECIPIENTS} ORDER BY f.owner DESC, f.created_at, f.id", deployment_id)
    return [_recipient(row) for row in rows]


async def find(conn: Connection, deployment_id: str, recipient_id: str) -> Recipient:
    """Return one recipient of a site. Raise RecipientNotFound."""
    row = await conn.fetchrow(f"{_RECIPIENTS} WHERE f.id = $2", deployment_id, recipient_id)
    if row is None:
        raise RecipientNotFound
    return _recipient(row)


async def hold(conn: Connection, account_id: str) -> str:
    """Return the account's address, and let nobody else add or ask for it until the transaction ends."""
    email: str = await conn.fetchval("SELECT email FROM accounts WHERE id = $1 FOR UPDATE", account_id)
    return email


async def add(conn: Connection, recipient_id: str, deployment_id: str, email: str) -> tuple[Recipient, bool]:
    """Add an address to a site, and tell whether it is new. Raise RecipientLimitReached. Needs `hold`."""
    known = await conn.fetchrow(f"{_RECIPIENTS} WHERE lower(f.email) = lower($2)", deployment_id, email)
    if known is not None:
        return _recipient(known), False
    count = await conn.fetchval("SELECT count(*) FROM recipients WHERE deployment_id = $1 AND NOT owner", deployment_id)
    if count >= MAX_RECIPIENTS:
        raise RecipientLimitReached
    await conn.execute(
        "INSERT INTO recipients (id, deployment_id, email) VALUES ($1, $2, $3)", recipient_id, deployment_id, email
    )
    return await find(conn, deployment_id, recipient_id), True


async def remove(conn: Connection, recipient_id: str) -> datetime:
    """Remove a recipient, and return when that was."""
    moment: datetime = await conn.fetchval(
        "WITH gone AS (DELETE FROM recipients WHERE id = $1 AND NOT owner) SELECT now()", recipient_id
    )
    return moment


async def confirm(conn: Connection, recipient_id: str) -> None:
    """Note that whoever reads the address wants the mails. Idempotent."""
    await conn.execute(
        "UPDATE recipients SET confirmed_at = coalesce(confirmed_at, now()), unsubscribed_at = NULL"
        " WHERE id = $1 AND NOT owner",
        recipient_id,
    )


async def unconfirm(conn: Connection, recipient_id: str) -> None:
    """Note that whoever reads the address has to say yes again."""
    await conn.execute("UPDATE recipients SET confirmed_at = NULL WHERE id = $1 AND NOT owner", recipient_id)


async def unsubscribe(conn: Connection, of: Recipient) -> None:
    """Note that whoever reads the address wants no more of these mails. Idempotent."""
    if of.owner:
        await conn.execute(
            "INSERT INTO recipients (id, deployment_id, email, owner, unsubscribed_at) VALUES ($1, $2, '', true, now())"
            " ON CONFLICT (id) DO UPDATE SET unsubscribed_at = coalesce(recipients.unsubscribed_at, now())",
            of.id, of.deployment_id,
        )  # fmt: skip
    else:
        await conn.execute(
            "UPDATE recipients SET unsubscribed_at = coalesce(unsubscribed_at, now()) WHERE id = $1", of.id
        )


async def resubscribe(conn: Connection, of: Recipient) -> None:
    """Note that the account's own address is mailed again."""
    await conn.execute("DELETE FROM recipients WHERE id = $1 AND owner", of.id)


# Being asked

# Of what was asked within a day: how often, and for how long yet that counts.
_ASKED: Final = """
    SELECT count(*) FILTER (WHERE email = $3 AND deployment_id = $2) AS of_site,
           count(*) FILTER (WHERE account_id = $1) AS of_account, count(*) FILTER (WHERE email = $3) AS of_address,
           extract(epoch FROM min(at) + interval '1 day' - now())::float8 AS seconds
    FROM confirmations WHERE (account_id = $1 OR email = $3) AND at > now() - interval '1 day'
"""


async def ask(conn: Connection, account_id: str, of: Recipient) -> None:
    """Count a mail that asks an address for its yes. Raise RateLimited. Needs `hold`."""
    email = of.email.lower()
    # accounts that ask the same address at the same time are counted one by one
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('invoker.asks.' || $1))", email)
    asked = await conn.fetchrow(_ASKED, account_id, of.deployment_id, email)
    assert asked is not None  # noqa: S101 - an aggregate has a row
    limits = {"of_site": ASKS_OF_SITE, "of_account": ASKS_OF_ACCOUNT, "of_address": ASKS_OF_ADDRESS}
    if any(asked[name] >= most for name, most in limits.items()):
        raise too_many_asks(asked["seconds"])
    await conn.execute(
        "INSERT INTO confirmations (deployment_id, account_id, email) VALUES ($1, $2, $3)",
        of.deployment_id, account_id, email,
    )  # fmt: skip


async def forget_asks(conn: Connection) -> int:
    """Forget what is not counted any more; return how much that was."""
    gone: int = await conn.fetchval(
        "WITH gone AS (DELETE FROM confirmations WHERE at < now() - interval '1 day' RETURNING 1)"
        " SELECT count(*) FROM gone"
    )
    return gone


# What the mailer says of addresses: in any order, and more than once. What is said of the later suppression stands.


async def suppress(conn: Connection, event: AddressSuppressed) -> bool:
    """Note that an address gets nothing; false when that, or more, is known."""
    return (
        await conn.fetchval(
            "INSERT INTO suppressions AS s (email, reason, detail, at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (email) DO UPDATE SET reason = excluded.reason, detail = excluded.detail, at = excluded.at,"
            " lifted_at = NULL WHERE s.at < excluded.at RETURNING true",
            event.email, event.reason, event.detail, event.at,
        )
        is True
    )  # fmt: skip


async def hear_lifted(conn: Connection, event: AddressLifted) -> bool:
    """Note that a suppression is lifted, also when it is heard of later; false when that, or more, is known."""
    return (
        await conn.fetchval(
            "INSERT INTO suppressions AS s (email, reason, detail, at, lifted_at) VALUES ($1, '', '', $2, now())"
            " ON CONFLICT (email) DO UPDATE SET at = excluded.at, lifted_at = now()"
            " WHERE s.at < excluded.at OR (s.at = excluded.at AND s.lifted_at IS NULL) RETURNING true",
            event.email, event.suppressed_at,
        )
        is True
    )  # fmt: skip


async def lift(conn: Connection, email: str) -> datetime | None:
    """Lift an address's suppression, and return when it began; None when there is none."""
    began: datetime | None = await conn.fetchval(
        "UPDATE suppressions SET lifted_at = now() WHERE email = $1 AND lifted_at IS NULL RETURNING at", email
    )
    return began
