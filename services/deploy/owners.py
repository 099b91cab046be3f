"""The SQL of who owns sites: what auth says of accounts, in the order of their revisions, and what goes with one."""

from dataclasses import dataclass
from typing import Final

from services.deploy.store import deployments
from shared.auth_client import Caller
from shared.db import Connection
from shared.events import AccountChanged, AccountDeleted

#: After the week: what brings an account back may be a while on its way.
MARGIN: Final = "interval '1 hour'"
#: How long a site has been down before what it received goes: a form post may be under way.
SETTLED: Final = "interval '1 minute'"
#: Rows of one transaction; a submission has up to 256 KiB.
SITES: Final = 50
ROWS: Final = 500


def anonymous(deployment_id: str) -> Caller:
    """Return whom the claim token of an anonymous site stands for: an account of its own, bound to it."""
    return Caller(
        account_id=f"anon_{deployment_id.removeprefix('dep_')}", email="", plan="anonymous", kind="claim",
        credential_id="claim", scopes=frozenset({"deploy"}), site=deployment_id,
    )  # fmt: skip


async def keep(conn: Connection, caller: Caller) -> None:
    """Note who the account is, and hold its row until the transaction ends: its deploys are counted one by one.

    A caller whom a cache remembers overwrites nothing newer.
    """
    await conn.execute(
        "INSERT INTO accounts AS a (id, email, plan, revision) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (id) DO UPDATE SET email = excluded.email, plan = excluded.plan, revision = excluded.revision,"
        " seen_at = now(), ends_at = CASE WHEN a.revision = excluded.revision THEN a.ends_at END"
        # the row is locked in any case
        " WHERE a.revision <= excluded.revision",
        caller.account_id, caller.email, caller.plan, caller.revision,
    )  # fmt: skip


async def is_trusted(conn: Connection, account_id: str) -> bool:
    """Tell whether the operator has released the account: it may ask for passwords before it is a day old (R73)."""
    return bool(await conn.fetchval("SELECT trusted_at IS NOT NULL FROM accounts WHERE id = $1", account_id))


async def change(conn: Connection, event: AccountChanged) -> bool:
    """Note an account's new facts, that of one which came back too; false when newer ones are known. Idempotent."""
    return (
        await conn.fetchval(
            "INSERT INTO accounts AS a (id, email, plan, revision) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (id) DO UPDATE SET email = excluded.email, plan = excluded.plan,"
            " revision = excluded.revision, ends_at = NULL WHERE a.revision < excluded.revision RETURNING true",
            event.account_id, event.email, event.plan, event.revision,
        )
        is True
    )  # fmt: skip


async def end(conn: Connection, event: AccountDeleted) -> bool:
    """Note when an account's sites go; false when newer facts are known. Idempotent.

    One that is not known is noted too: a deploy may be under way.
    """
    return (
        await conn.fetchval(
            "INSERT INTO accounts AS a (id, email, plan, revision, ends_at) VALUES ($1, '', 'free', $2, $3)"
            " ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, ends_at = excluded.ends_at"
            " WHERE a.revision < excluded.revision RETURNING true",
            event.account_id, event.revision, event.ends_at,
        )
        is True
    )  # fmt: skip


# What goes with an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A site that was just taken down."""

    id: str
    slug: str
    version: int | None


async def ended(conn: Connection) -> str | None:
    """Return an account whose time is over, locked; None when there is none for which something can be done now.

    What another replica is at is left to it.
    """
    account_id: str | None = await conn.fetchval(
        f"SELECT a.id FROM accounts a WHERE a.ends_at <= now() - {MARGIN} AND ("
        "   EXISTS (SELECT FROM deployments d WHERE d.account_id = a.id AND d.deleted_at IS NULL)"
        "   OR NOT EXISTS (SELECT FROM deployments d WHERE d.account_id = a.id"
        f"                 AND d.deleted_at > now() - {SETTLED}))"
        " ORDER BY a.ends_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return account_id


async def take_down(conn: Connection, account_id: str) -> list[Down]:
    """Take some of an account's sites down and return them; their names stay taken."""
    rows = await conn.fetch(
        "WITH up AS (SELECT id, live_version FROM deployments WHERE account_id = $1 AND deleted_at IS NULL"
        "            ORDER BY id LIMIT $2 FOR UPDATE)"
        " UPDATE deployments d SET deleted_at = now(), updated_at = now() FROM up WHERE d.id = up.id"
        " RETURNING d.id, d.slug, up.live_version AS version",
        account_id, SITES,
    )  # fmt: skip
    for row in rows:
        await deployments.rest_name(conn, row["slug"], account_id)
    return [Down(**row) for row in rows]


async def remove(conn: Connection, account_id: str) -> int:
    """Remove some of what an account's sites, all down, have and received; 0 when nothing is left to remove now."""
    received: int = await conn.fetchval(
        "WITH batch AS (SELECT s.id FROM submissions s JOIN deployments d ON d.id = s.deployment_id"
        f"             WHERE d.account_id = $1 AND d.deleted_at <= now() - {SETTLED} LIMIT $2),"
        " gone AS (DELETE FROM submissions s USING batch WHERE s.id = batch.id RETURNING 1)"
        " SELECT count(*) FROM gone",
        account_id, ROWS,
    )  # fmt: skip
    if received:
        return received
    await conn.execute(
        "UPDATE deployments SET live_version = NULL, settings = '{}', idempotency_key = NULL, body_digest = NULL"
        f" WHERE account_id = $1 AND deleted_at <= now() - {SETTLED}"
        " AND (live_version IS NOT NULL OR settings <> '{}')",
        account_id,
    )
    gone: int = await conn.fetchval(
        "WITH batch AS (SELECT v.deployment_id, v.number"
        "              FROM versions v JOIN deployments d ON d.id = v.deployment_id"
        f"             WHERE d.account_id = $1 AND d.deleted_at <= now() - {SETTLED} LIMIT $2),"
        " gone AS (DELETE FROM versions v USING batch"
        "          WHERE (v.deployment_id, v.number) = (batch.deployment_id, batch.number) RETURNING 1)"
        " SELECT count(*) FROM gone",
        account_id, ROWS,
    )  # fmt: skip
    return gone


async def forget(conn: Connection, account_id: str) -> bool:
    """Forget who the account was, when nothing of its sites is left but their names; false while something is."""
    forgotten = (
        await conn.fetchval(
            # asked again: another replica may have taken sites down between the look and the lock of `ended`
            "UPDATE accounts a SET email = '', ends_at = NULL WHERE id = $1 AND NOT EXISTS ("
            "   SELECT FROM deployments d WHERE d.account_id = a.id"
            f"  AND (d.deleted_at IS NULL OR d.deleted_at > now() - {SETTLED})) RETURNING true",
            account_id,
        )
        is True
    )
    if forgotten:
        # nobody can restore them: what is left goes now
        await conn.execute(
            "UPDATE deployments SET deleted_at = least(deleted_at, now() - interval '8 days') WHERE account_id = $1",
            account_id,
        )
    return forgotten
