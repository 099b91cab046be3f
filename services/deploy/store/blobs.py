"""The SQL of which bytes are stored, who has them, and which are still missing."""

from collections.abc import Iterable, Mapping

from services.deploy.variants import Sizes
from shared.db import Connection

#: For how long bytes are left alone that somebody said they need: a deploy has a minute, an upload a few (R69).
SETTLED = "interval '1 hour'"


async def touch(conn: Connection, sizes: Mapping[str, int]) -> set[str]:
    """Say that these bytes are needed, and return the digests of those that are stored. Committed at once.

    Whoever sweeps one of them right now is waited for: afterwards it counts as not stored.
    """
    rows = await conn.fetch(
        "INSERT INTO blobs (sha256, size) SELECT sha256, size"
        " FROM unnest($1::text[], $2::bigint[]) AS given (sha256, size) ORDER BY sha256"
        " ON CONFLICT (sha256) DO UPDATE SET touched_at = now() RETURNING sha256, stored_at IS NOT NULL AS stored",
        list(sizes), list(sizes.values()),
    )  # fmt: skip
    return {row["sha256"] for row in rows if row["stored"]}


async def mark_stored(conn: Connection, stored: Mapping[str, Sizes]) -> None:
    """Note that bytes and variants are durable. Idempotent."""
    digests = sorted(stored)
    await conn.execute(
        "UPDATE blobs b SET stored_at = now(), br = given.br, gzip = given.gzip"
        " FROM (SELECT sha256, br, gzip FROM unnest($1::text[], $2::int[], $3::int[]) AS g (sha256, br, gzip)) given"
        " WHERE b.sha256 = given.sha256 AND b.stored_at IS NULL",
        digests, [stored[each].br or None for each in digests], [stored[each].gzip or None for each in digests],
    )  # fmt: skip


async def known(conn: Connection, account_id: str, digests: Iterable[str]) -> dict[str, int]:
    """Return digest and size of the bytes, among these, that the account has sent before and that are stored."""
    rows = await conn.fetch(
        "SELECT b.sha256, b.size FROM blobs b WHERE b.sha256 = ANY($1) AND b.stored_at IS NOT NULL AND EXISTS ("
        " SELECT FROM blob_refs r JOIN deployments d ON d.id = r.deployment_id"
        " WHERE r.sha256 = b.sha256 AND d.account_id = $2)",
        list(digests), account_id,
    )  # fmt: skip
    return {row["sha256"]: row["size"] for row in rows}


async def add_refs(conn: Connection, deployment_id: str, sizes: Mapping[str, int]) -> int:
    """Note that a site has these bytes, and return how many of them, in bytes, are new to it."""
    added: int = await conn.fetchval(
        "WITH added AS (INSERT INTO blob_refs (deployment_id, sha256)"
        "   SELECT $1, sha256 FROM unnest($2::text[]) AS given (sha256) ON CONFLICT DO NOTHING RETURNING sha256)"
        " SELECT coalesce(sum(g.size), 0)::bigint FROM added JOIN unnest($2::text[], $3::bigint[]) AS g (sha256, size)"
        " USING (sha256)",
        deployment_id, list(sizes), list(sizes.values()),
    )  # fmt: skip
    return added


# What is still missing


async def add_missing(conn: Connection, deployment_id: str, number: int, wanted: Mapping[str, tuple[int, str]]) -> None:
    """Note what a version waits for: size and type by digest."""
    await conn.execute(
        "INSERT INTO missing (deployment_id, number, sha256, size, type)"
        " SELECT $1, $2, sha256, size, type FROM unnest($3::text[], $4::bigint[], $5::text[])"
        " AS g (sha256, size, type)",
        deployment_id, number, list(wanted), [each[0] for each in wanted.values()],
        [each[1] for each in wanted.values()],
    )  # fmt: skip


async def missing_of(conn: Connection, deployment_id: str, number: int) -> list[str]:
    """Return the digests that a version still waits for."""
    rows = await conn.fetch(
        "SELECT sha256 FROM missing WHERE deployment_id = $1 AND number = $2 ORDER BY sha256", deployment_id, number
    )
    return [row["sha256"] for row in rows]


async def wanted(conn: Connection, deployment_id: str, digest: str) -> tuple[int, str] | None:
    """Return size and type of bytes that some version of the site waits for."""
    row = await conn.fetchrow(
        "SELECT size, type FROM missing WHERE deployment_id = $1 AND sha256 = $2 LIMIT 1", deployment_id, digest
    )
    return (row["size"], row["type"]) if row else None


async def has(conn: Connection, deployment_id: str, digest: str) -> bool:
    """Tell whether the site has these bytes."""
    return bool(
        await conn.fetchval(
            "SELECT true FROM blob_refs WHERE deployment_id = $1 AND sha256 = $2", deployment_id, digest
        )
    )


async def arrived(conn: Connection, deployment_id: str, digests: Iterable[str]) -> dict[int, int]:
    """Note that bytes came, and return how many each version still waits for that waited for one of them."""
    rows = await conn.fetch(
        "DELETE FROM missing WHERE deployment_id = $1 AND sha256 = ANY($2) RETURNING number",
        deployment_id, list(digests),
    )  # fmt: skip
    numbers = sorted({row["number"] for row in rows})
    left = await conn.fetch(
        "SELECT number, count(*) AS missing FROM missing WHERE deployment_id = $1 AND number = ANY($2) GROUP BY number",
        deployment_id, numbers,
    )  # fmt: skip
    return dict.fromkeys(numbers, 0) | {row["number"]: row["missing"] for row in left}


# Sweeping


async def drop_refs(conn: Connection, deployment_id: str, limit: int) -> int:
    """Note that a site has some of its bytes no more, and return how many those were; the sweep looks at them."""
    gone: int = await conn.fetchval(
        "WITH gone AS (DELETE FROM blob_refs WHERE deployment_id = $1 AND sha256 IN ("
        "   SELECT sha256 FROM blob_refs WHERE deployment_id = $1 LIMIT $2) RETURNING sha256),"
        " loose AS (UPDATE blobs SET loose = true FROM gone WHERE blobs.sha256 = gone.sha256)"
        " SELECT count(*) FROM gone",
        deployment_id, limit,
    )  # fmt: skip
    return gone


async def sweep(conn: Connection, limit: int) -> tuple[int, list[str]]:
    """Look at bytes that may be nobody's: return how many, and delete the rows of those that are, with their digests.

    The transaction is to be kept open until the bytes are gone: whoever needs some again waits, and stores them anew.
    """
    rows = await conn.fetch(
        "SELECT b.sha256, EXISTS (SELECT FROM blob_refs r WHERE r.sha256 = b.sha256) AS used FROM blobs b"
        f" WHERE b.loose AND b.touched_at < now() - {SETTLED}"
        " ORDER BY b.touched_at LIMIT $1 FOR UPDATE OF b SKIP LOCKED",
        limit,
    )
    used = [row["sha256"] for row in rows if row["used"]]
    free = [row["sha256"] for row in rows if not row["used"]]
    await conn.execute("UPDATE blobs SET loose = false WHERE sha256 = ANY($1)", used)
    await conn.execute("DELETE FROM blobs WHERE sha256 = ANY($1)", free)
    return len(rows), free
