"""The SQL of custom domains: proofs, who has one, and the certificates that go with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from services.deploy.domains import Domain, DomainLimitReached, DomainNotFound, Look
from shared.db import Connection

#: How long one process has for what it took on; then another one may.
LEASE: Final = timedelta(minutes=5)


_COLUMNS = """
    m.domain, m.deployment_id, d.slug, d.account_id, a.email, m.token, m.created_at, m.verified_at, m.sought_since,
    m.next_at, m.looked_at, m.failures, m.failing_since, m.leads_here, m.problem, m.certificate_failures,
    m.certificate_problem, m.certificate_expires_at
"""
_DOMAINS = f"""
    SELECT {_COLUMNS} FROM domains m
    JOIN deployments d ON d.id = m.deployment_id JOIN accounts a ON a.id = d.account_id
"""


def _domain(row: asyncpg.Record) -> Domain:
    return Domain(**row)


async def of_site(conn: Connection, deployment_id: str) -> list[Domain]:
    """Return all domains of a site, oldest first."""
    rows = await conn.fetch(
        _DOMAINS + " WHERE m.deployment_id = $1 ORDER BY m.created_at, m.domain", deployment_id
    )  # fmt: skip
    return [_domain(row) for row in rows]


async def find(conn: Connection, deployment_id: str, domain: str) -> Domain:
    """Return one domain of a site. Raise DomainNotFound."""
    row = await conn.fetchrow(_DOMAINS + " WHERE m.deployment_id = $1 AND m.domain = $2", deployment_id, domain)
    if row is None:
        raise DomainNotFound
    return _domain(row)


async def add(conn: Connection, deployment_id: str, domain: str, token: str, *, most: int) -> bool:
    """Add a domain to a site; false when it has it. Raise DomainLimitReached.

    In a transaction: the site's row is held, so that its domains are counted one by one.
    """
    await conn.execute("SELECT FROM deployments WHERE id = $1 FOR UPDATE", deployment_id)
    if await conn.fetchval("SELECT true FROM domains WHERE deployment_id = $1 AND domain = $2", deployment_id, domain):
        return False
    if await conn.fetchval("SELECT count(*) FROM domains WHERE deployment_id = $1", deployment_id) >= most:
        raise DomainLimitReached
    # the first look is the worker's, a minute from now: who adds a domain has not yet made its record
    await conn.execute(
        "INSERT INTO domains (domain, deployment_id, token, next_at) VALUES ($1, $2, $3, now() + interval '1 minute')",
        domain, deployment_id, token,
    )  # fmt: skip
    return True


async def remove(conn: Connection, deployment_id: str, domain: str) -> None:
    """Remove a domain."""
    await conn.execute("DELETE FROM domains WHERE deployment_id = $1 AND domain = $2", deployment_id, domain)


async def hold(conn: Connection, domain: str) -> None:
    """Let nobody else prove the domain, for any site, until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('invoker.domain.' || $1))", domain)


# What looks find


@dataclass(frozen=True, slots=True)
class Loser:
    """A site that had a domain until somebody else proved it."""

    id: str
    slug: str


async def take_over(conn: Connection, deployment_id: str, domain: str) -> list[Loser]:
    """Take a domain from every other site: the newest proof stands. It is not looked for there again by itself."""
    rows = await conn.fetch(
        "UPDATE domains m SET verified_at = NULL, next_at = NULL, failing_since = now(), certificate_next_at = NULL,"
        " problem = 'Another site has proved this domain since.'"
        " FROM deployments d WHERE d.id = m.deployment_id AND m.domain = $1 AND m.deployment_id <> $2"
        " AND m.verified_at IS NOT NULL RETURNING d.id, d.slug",
        domain, deployment_id,
    )  # fmt: skip
    return [Loser(**row) for row in rows]


async def verify(conn: Connection, of: Domain, *, leads_here: bool, next_at: datetime) -> None:
    """Note that a domain is proved: from now on the site is served there, and a certificate is got for it.

    Once visitors arrive, that is tried at once, unless the authority has refused before: it counts.
    """
    await conn.execute(
        "UPDATE domains SET verified_at = coalesce(verified_at, now()), next_at = $3, looked_at = now(), failures = 0,"
        " failing_since = NULL, problem = NULL, leads_here = $4, certificate_next_at = CASE WHEN verified_at IS NULL"
        " OR ($4 AND certificate_failures = 0 AND certificate_expires_at IS NULL) THEN now()"
        " ELSE certificate_next_at END WHERE deployment_id = $1 AND domain = $2",
        of.deployment_id, of.domain, next_at, leads_here,
    )  # fmt: skip


async def miss(conn: Connection, of: Domain, look: Look, *, next_at: datetime | None, asked: bool) -> None:
    """Note that a look found no proof; one that the owner `asked` for begins the three days anew."""
    await conn.execute(
        "UPDATE domains SET problem = $3, leads_here = $4, next_at = $5, looked_at = now(),"
        " failures = CASE WHEN $6 THEN 0 ELSE failures + 1 END,"
        " sought_since = CASE WHEN $6 THEN now() ELSE sought_since END,"
        " failing_since = CASE WHEN verified_at IS NULL THEN failing_since ELSE coalesce(failing_since, now()) END"
        " WHERE deployment_id = $1 AND domain = $2",
        of.deployment_id, of.domain, look.problem, look.leads_here, next_at, asked,
    )  # fmt: skip


async def suspend(conn: Connection, of: Domain) -> None:
    """Serve the site there no more."""
    await conn.execute(
        "UPDATE domains SET verified_at = NULL, next_at = NULL, certificate_next_at = NULL"
        " WHERE deployment_id = $1 AND domain = $2",
        of.deployment_id, of.domain,
    )  # fmt: skip


async def due(conn: Connection, limit: int) -> list[Domain]:
    """Take on domains to be looked at now; those that another process is at are left to it."""
    rows = await conn.fetch(
        "WITH due AS (SELECT m.domain, m.deployment_id FROM domains m WHERE m.next_at <= now()"
        "             ORDER BY m.next_at LIMIT $1 FOR UPDATE SKIP LOCKED)"
        " UPDATE domains m SET next_at = now() + $2 FROM due, deployments d JOIN accounts a ON a.id = d.account_id"
        " WHERE (m.domain, m.deployment_id) = (due.domain, due.deployment_id) AND d.id = m.deployment_id"
        f" RETURNING {_COLUMNS}",
        limit, LEASE,
    )  # fmt: skip
    return [_domain(row) for row in rows]


# Certificates


async def due_for_certificate(conn: Connection) -> Domain | None:
    """Take on one domain whose certificate is to be got or renewed now."""
    row = await conn.fetchrow(
        "WITH due AS (SELECT m.domain, m.deployment_id FROM domains m JOIN deployments d ON d.id = m.deployment_id"
        "             WHERE m.certificate_next_at <= now() AND m.verified_at IS NOT NULL AND d.deleted_at IS NULL"
        "             ORDER BY m.certificate_next_at LIMIT 1 FOR UPDATE OF m SKIP LOCKED)"
        " UPDATE domains m SET certificate_next_at = now() + $1"
        " FROM due, deployments d JOIN accounts a ON a.id = d.account_id"
        " WHERE (m.domain, m.deployment_id) = (due.domain, due.deployment_id) AND d.id = m.deployment_id"
        f" RETURNING {_COLUMNS}",
        LEASE,
    )
    return None if row is None else _domain(row)


async def certified(conn: Connection, of: Domain, *, expires_at: datetime, next_at: datetime) -> bool:
    """Note that a domain has a certificate, and when to renew it; false when nobody has the domain any more."""
    done = await conn.execute(
        "UPDATE domains SET certificate_expires_at = $3, certificate_next_at = $4, certificate_failures = 0,"
        " certificate_problem = NULL, leads_here = true WHERE deployment_id = $1 AND domain = $2"
        " AND verified_at IS NOT NULL",
        of.deployment_id, of.domain, expires_at, next_at,
    )  # fmt: skip
    return done == "UPDATE 1"


async def uncertified(conn: Connection, of: Domain, *, problem: str, next_at: datetime, counts: bool) -> None:
    """Note why there is no certificate, and when to try again; a refusal of the authority `counts`."""
    await conn.execute(
        "UPDATE domains SET certificate_problem = $3, certificate_next_at = $4,"
        " certificate_failures = certificate_failures + $5::int WHERE deployment_id = $1 AND domain = $2"
        " AND verified_at IS NOT NULL",
        of.deployment_id, of.domain, problem, next_at, int(counts),
    )  # fmt: skip


async def known(conn: Connection, names: Sequence[str]) -> set[str]:
    """Return which of these some site has."""
    rows = await conn.fetch("SELECT DISTINCT domain FROM domains WHERE domain = ANY($1)", names)
    return {row["domain"] for row in rows}


async def has_any(conn: Connection, domain: str) -> bool:
    """Tell whether any site has this domain proved."""
    return bool(await conn.fetchval("SELECT true FROM domains WHERE domain = $1 AND verified_at IS NOT NULL", domain))


async def account(conn: Connection, directory: str) -> dict[str, Any] | None:
    """Return the account at an authority."""
    state: dict[str, Any] | None = await conn.fetchval(
        "SELECT state FROM acme_accounts WHERE directory = $1", directory
    )
    return state


async def keep_account(conn: Connection, directory: str, state: dict[str, Any]) -> dict[str, Any]:
    """Keep the account at an authority, and return the one that is kept: another process may have been faster."""
    kept: dict[str, Any] = await conn.fetchval(
        "INSERT INTO acme_accounts (directory, state) VALUES ($1, $2)"
        " ON CONFLICT (directory) DO UPDATE SET directory = excluded.directory RETURNING state",
        directory, state,
    )  # fmt: skip
    return kept


async def add_challenges(conn: Connection, texts: dict[str, str]) -> None:
    """Let every replica answer these challenges; old ones go."""
    await conn.execute("DELETE FROM acme_challenges WHERE created_at < now() - interval '1 hour'")
    await conn.executemany(
        "INSERT INTO acme_challenges (token, authorization_text) VALUES ($1, $2) ON CONFLICT (token) DO NOTHING",
        list(texts.items()),
    )


async def end_challenges(conn: Connection, tokens: Sequence[str]) -> None:
    """Answer these no more."""
    await conn.execute("DELETE FROM acme_challenges WHERE token = ANY($1)", tokens)


async def challenges(conn: Connection) -> dict[str, str]:
    """Return all challenges that are to be answered now: a few."""
    rows = await conn.fetch("SELECT token, authorization_text FROM acme_challenges LIMIT 1000")
    return {row["token"]: row["authorization_text"] for row in rows}
