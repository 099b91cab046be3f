"""The SQL of anonymous deployments until somebody claims them."""

from dataclasses import dataclass

from services.deploy.deployments import AlreadyClaimed, DeploymentNotFound
from shared.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimable:
    """An anonymous deployment, its row locked."""

    id: str
    account_id: str
    version: int | None


async def add_account(conn: Connection, account_id: str) -> None:
    """Add the account that an anonymous deployment belongs to until it is claimed."""
    await conn.execute(
        "INSERT INTO accounts (id, email, plan, anonymous) VALUES ($1, '', 'anonymous', true)", account_id
    )


async def holder(conn: Connection, claim_digest: str) -> tuple[str, str] | None:
    """Return id and account of the anonymous deployment that this token stands for, None when it stands for none."""
    row = await conn.fetchrow(
        "SELECT id, account_id FROM deployments WHERE claim_digest = $1 AND claimed_at IS NULL"
        " AND deleted_at IS NULL AND expires_at > now()",
        claim_digest,
    )
    return (row["id"], row["account_id"]) if row else None


async def lock(conn: Connection, slug: str, claim_digest: str) -> Claimable:
    """Hold the anonymous deployment until the transaction ends. Raise DeploymentNotFound, AlreadyClaimed."""
    row = await conn.fetchrow(
        "SELECT id, account_id, live_version AS version, claimed_at IS NOT NULL AS claimed FROM deployments"
        " WHERE slug = $1 AND claim_digest = $2 AND deleted_at IS NULL"
        " AND (claimed_at IS NOT NULL OR expires_at > now()) FOR UPDATE",
        slug, claim_digest,
    )  # fmt: skip
    if row is None:
        raise DeploymentNotFound(hint="The claim link is wrong, or the 24 hours are over.")
    if row["claimed"]:
        raise AlreadyClaimed
    return Claimable(id=row["id"], account_id=row["account_id"], version=row["version"])


async def claim(conn: Connection, given: Claimable, account_id: str) -> None:
    """Make a deployment an account's own: it expires no more."""
    await conn.execute(
        "UPDATE deployments SET account_id = $2, claimed_at = now(), expires_at = NULL, updated_at = now()"
        " WHERE id = $1",
        given.id, account_id,
    )  # fmt: skip
    await conn.execute("DELETE FROM accounts WHERE id = $1 AND anonymous", given.account_id)
