"""The SQL of which bytes are stored, who has them, and which are still missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.deploy.deployments import DeploymentNotFound
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
        "UPDATE blobs b SET stored_at = now(), br = held.br, gzip = held.gzip FROM ("
        # in one order everywhere: two deploys of the same files would wait for each other
        "   SELECT x.sha256, g.br, g.gzip FROM blobs x"
        "   JOIN unnest($1::text[], $2::int[], $3::int[]) AS g (sha256, br, gzip) USING (sha256)"
        "   WHERE x.stored_at IS NULL ORDER BY x.sha256 FOR UPDATE OF x) held WHERE b.sha256 = held.sha256",
        digests, [stored[each].br or None for each in digests], [stored[each].gzip or None for each in digests],
    )  # fmt: skip


async def known(conn: Connection, account_id: str, digests: Iterable[str]) -> dict[str, int]:
    """Return digest and size of the bytes, among these, that the account has sent before and that are stored."""
    rows = await conn.fetch(
        # from the account's sites on: what everybody has is named by every site that there is
        "WITH own AS MATERIALIZED (SELECT id FROM deployments WHERE account_id = $2)"
        " SELECT DISTINCT b.sha256, b.size FROM own JOIN blob_refs r ON r.deployment_id = own.id"
        " JOIN blobs b USING (sha256) WHERE r.sha256 = ANY ($1) AND b.stored_at IS NOT NULL",
        list(digests), account_id,
    )  # fmt: skip
    return {row["sha256"]: row["size"] for row in rows}


async def add_refs(conn: Connection, deployment_id: str, sizes: Mapping[str, int]) -> int:
    """Note that a site has these bytes, and return how many of them, in bytes, it has not been charged for yet."""
    added: int = await conn.fetchval(
        "WITH added AS (INSERT INTO blob_refs (deployment_id, sha256)"
        "   SELECT $1, sha256 FROM unnest($2::text[]) AS given (sha256) ORDER BY sha256"
        "   ON CONFLICT DO NOTHING RETURNING sha256)"
        " SELECT coalesce(sum(g.size), 0)::bigint FROM added JOIN unnest($2::text[], $3::bigint[]) AS g (sha256, size)"
        # what some version waits for was charged for when it was named
        " USING (sha256) WHERE NOT EXISTS (SELECT FROM missing m WHERE m.deployment_id = $1 AND m.sha256 = g.sha256)",
        deployment_id, list(sizes), list(sizes.values()),
    )  # fmt: skip
    return added


# What is still missing


async def add_missing(conn: Connection, deployment_id: str, number: int, wanted: Mapping[str, tuple[int, str]]) -> int:
    """Note what a version waits for: size and type by digest. Return how many bytes of it are new to the site.

    The deployment's row is held: nothing may arrive meanwhile.
    """
    new: int = await conn.fetchval(
        "WITH given AS (SELECT sha256, size, type FROM unnest($3::text[], $4::bigint[], $5::text[])"
        "     AS g (sha256, size, type)),"
        " new AS (SELECT size FROM given g WHERE"
        "     NOT EXISTS (SELECT FROM missing m WHERE m.deployment_id = $1 AND m.sha256 = g.sha256)"
        "     AND NOT EXISTS (SELECT FROM blob_refs r WHERE r.deployment_id = $1 AND r.sha256 = g.sha256)),"
        " added AS (INSERT INTO missing (deployment_id, number, sha256, size, type)"
        "     SELECT $1, $2, sha256, size, type FROM given)"
        " SELECT coalesce(sum(size), 0)::bigint FROM new",
        deployment_id, number, list(wanted), [each[0] for each in wanted.values()],
        [each[1] for each in wanted.values()],
    )  # fmt: skip
    return new


async def missing_of(conn: Connection, deployment_id: str, number: int) -> list[str]:
    """Return the digests that a version still waits for."""
    rows = await conn.fetch(
        "SELECT sha256 FROM missing WHERE deployment_id = $1 AND number = $2 ORDER BY sha256", deployment_id, number
    )
    return [row["sha256"] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """What is known of bytes that somebody wants to send for a site."""

    slug: str
    #: Sizes with which versions of the site name them that wait for them: one, unless somebody erred.
    sizes: list[int]
    type: str
    #: The site has them.
    had: bool


async def awaited(conn: Connection, account_id: str, deployment_id: str, digest: str) -> Awaited:
    """Return what the account's site knows of a digest. Raise DeploymentNotFound."""
    row = await conn.fetchrow(
        "SELECT d.slug, m.sizes, m.type, EXISTS (SELECT FROM blob_refs r WHERE r.deployment_id = d.id"
        "   AND r.sha256 = $3) AS had FROM deployments d, LATERAL (SELECT coalesce(array_agg(DISTINCT size), '{}')"
        "   AS sizes, coalesce(min(type), '') AS type FROM missing WHERE deployment_id = d.id AND sha256 = $3) m"
        " WHERE d.id = $2 AND d.account_id = $1 AND d.deleted_at IS NULL",
        account_id, deployment_id, digest,
    )  # fmt: skip
    if row is None:
        raise DeploymentNotFound
    return Awaited(**row)


async def arrive(conn: Connection, arrived: Iterable[tuple[str, str, int]]) -> list[tuple[str, int]]:
    """Note that sites (by id) have bytes (digest and size) now, and return the versions that waited for some of them.

    Nothing is noted for a site that is gone for good, nor for a version that names them with another size.
    """
    given = sorted(set(arrived))
    rows = await conn.fetch(
        # the rows are shared with other arrivals: a deploy to one of the sites, or its removal, is waited for
        "WITH sites AS (SELECT d.id FROM deployments d WHERE d.id = ANY ($1) ORDER BY d.id FOR KEY SHARE),"
        " given AS (SELECT g.deployment_id, g.sha256, g.size FROM unnest($1::text[], $2::text[], $3::bigint[])"
        "     AS g (deployment_id, sha256, size) JOIN sites s ON s.id = g.deployment_id ORDER BY 1, 2),"
        " refs AS (INSERT INTO blob_refs (deployment_id, sha256) SELECT deployment_id, sha256 FROM given"
        "     ON CONFLICT DO NOTHING),"
        " held AS (SELECT m.deployment_id, m.sha256, m.number FROM missing m JOIN given"
        "     USING (deployment_id, sha256, size) ORDER BY 1, 2, 3 FOR UPDATE OF m),"
        " gone AS (DELETE FROM missing m USING held h WHERE m.deployment_id = h.deployment_id"
        "     AND m.sha256 = h.sha256 AND m.number = h.number RETURNING m.deployment_id, m.number)"
        " SELECT DISTINCT deployment_id, number FROM gone",
        [site for site, _, _ in given], [digest for _, digest, _ in given], [size for _, _, size in given],
    )  # fmt: skip
    return [(row["deployment_id"], row["number"]) for row in rows]


async def left(conn: Connection, versions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return how many files versions still wait for.

    To be asked after the commit of `arrive`: of several that send a version's last files at once, one sees them all.
    """
    given = list(versions)
    rows = await conn.fetch(
        "SELECT g.deployment_id, g.number, (SELECT count(*) FROM missing m WHERE m.deployment_id = g.deployment_id"
        "   AND m.number = g.number) AS missing FROM unnest($1::text[], $2::int[]) AS g (deployment_id, number)",
        [site for site, _ in given], [number for _, number in given],
    )  # fmt: skip
    return {(row["deployment_id"], row["number"]): row["missing"] for row in rows}


async def unfinished_with(conn: Connection, deployment_id: str, digest: str) -> list[int]:
    """Return the site's versions that are not ready and name these bytes."""
    rows = await conn.fetch(
        "SELECT v.number FROM versions v WHERE v.deployment_id = $1 AND v.ready_at IS NULL"
        " AND EXISTS (SELECT FROM jsonb_each(v.manifest) AS entry (path, file) WHERE file->>0 = $2)",
        deployment_id, digest,
    )  # fmt: skip
    return [row["number"] for row in rows]


# Sweeping


async def drop_refs(conn: Connection, deployment_id: str, limit: int) -> int:
    """Note that a site has some of its bytes no more, and return how many those were; the sweep looks at them."""
    gone: int = await conn.fetchval(
        "WITH gone AS (DELETE FROM blob_refs WHERE deployment_id = $1 AND sha256 IN ("
        "   SELECT sha256 FROM blob_refs WHERE deployment_id = $1 LIMIT $2) RETURNING sha256),"
        " held AS (SELECT b.sha256 FROM blobs b JOIN gone USING (sha256) ORDER BY b.sha256 FOR UPDATE OF b),"
        " loose AS (UPDATE blobs b SET loose = true FROM held WHERE b.sha256 = held.sha256)"
        " SELECT count(*) FROM gone",
        deployment_id, limit,
    )  # fmt: skip
    return gone


async def find_free(conn: Connection, limit: int) -> tuple[int, list[str]]:
    """Look at bytes that may be nobody's: return how many, and which of them are; those count as not stored now.

    So whoever needs one from here on stores it anew, whatever becomes of the deletion.
    """
    rows = await conn.fetch(
        f"SELECT sha256 FROM blobs WHERE loose AND touched_at < now() - {SETTLED}"
        " ORDER BY touched_at LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    looked = [row["sha256"] for row in rows]
    # with the rows held, in a statement of its own: one that began earlier might not see who let go meanwhile
    rows = await conn.fetch(
        "SELECT sha256 FROM unnest($1::text[]) AS given (sha256)"
        " WHERE EXISTS (SELECT FROM blob_refs r WHERE r.sha256 = given.sha256)",
        looked,
    )
    used = {row["sha256"] for row in rows}
    free = [digest for digest in looked if digest not in used]
    await conn.execute("UPDATE blobs SET loose = false WHERE sha256 = ANY ($1)", list(used))
    await conn.execute("UPDATE blobs SET stored_at = NULL, br = NULL, gzip = NULL WHERE sha256 = ANY ($1)", free)
    return len(looked), free


async def drop(conn: Connection, digests: Iterable[str]) -> list[str]:
    """Delete the rows of bytes that `find_free` found, but for those that somebody needs by now; return which.

    The transaction is to be kept open until the bytes are gone: whoever needs some again waits, and stores them anew.
    """
    rows = await conn.fetch(
        "WITH free AS (SELECT sha256 FROM blobs WHERE sha256 = ANY ($1) AND stored_at IS NULL AND loose"
        f"    AND touched_at < now() - {SETTLED} ORDER BY sha256 FOR UPDATE SKIP LOCKED)"
        " DELETE FROM blobs b USING free WHERE b.sha256 = free.sha256 RETURNING b.sha256",
        list(digests),
    )
    return [row["sha256"] for row in rows]
