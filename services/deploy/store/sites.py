"""The SQL of sites as visitors see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import asyncpg

from services.deploy import contracts, hosts, rule_files, rules
from services.deploy.contracts import Contract
from services.deploy.rules import Rules
from services.deploy.versions import File, Manifest
from shared.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What visitors need of a site, or of one of its versions: enough to serve it and to take in its forms."""

    id: str
    slug: str
    version: int
    status: Literal["live", "expired", "taken_down"] = "live"
    #: Asked for as a version, whether that is the live one or not.
    preview: bool = False
    is_spa: bool
    noindex: bool = False
    password_hash: str | None = None
    #: Browsers may still have what the name's former holder left in them.
    clears: bool = False
    #: The owner's address, and whether what forms take in is sent there.
    email: str
    notified: bool = True
    #: Pages that may send forms; none stands for all. Where a form leads when it has been taken in.
    allowed_origins: tuple[str, ...] = ()
    redirect: str | None = None
    #: What its owner calls it, and what its forms may be sent: files, words that make spam, proof of work when busy.
    title: str | None = None
    takes_files: bool = False
    spam_words: tuple[str, ...] = ()
    proof_of_work: bool = False
    #: What its pages' forms ask for.
    contract: Contract = field(default=contracts.NONE, compare=False, repr=False)
    #: Never changes: version and id stand for it in comparisons.
    manifest: Manifest = field(default_factory=dict, compare=False, repr=False)
    rules: Rules = field(default=rules.NONE, compare=False, repr=False)
    #: What serving has worked out about this version, by request path.
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


#: A site, without its files, and for how many seconds at most that is true.
Row = tuple[Site, float | None]
#: What never changes about a version.
Files = tuple[Manifest, Rules, Contract]

# LIMIT makes each name's look-up one of its own, over indexes: for many at once, or a site of many versions, the
# planner would go through whole tables
_SITES: Final = """
    SELECT asked.name, asked.number IS NOT NULL AS preview, d.id, d.slug, v.number AS version, d.password_hash,
           (SELECT a.email FROM accounts a WHERE a.id = d.account_id) AS email,
           CASE WHEN asked.number IS NULL THEN d.settings ELSE d.settings || v.settings END AS settings,
           CASE WHEN d.taken_down_at IS NOT NULL THEN 'taken_down'
                WHEN d.expires_at <= now() THEN 'expired' ELSE 'live' END AS status,
           coalesce(d.clears_until > now(), false) AS clears,
           extract(epoch FROM least(CASE WHEN d.expires_at > now() THEN d.expires_at END,
               CASE WHEN d.clears_until > now() THEN d.clears_until END) - now())::float8 AS remains
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS asked (name, kind, key, number)
    CROSS JOIN LATERAL (
        SELECT d.id, d.account_id, d.slug, d.live_version, d.password_hash, d.settings,
               d.taken_down_at, d.expires_at, d.clears_until
        FROM deployments d
        WHERE d.deleted_at IS NULL AND d.id = CASE asked.kind
            WHEN 'id' THEN asked.key
            WHEN 'slug' THEN (SELECT s.id FROM deployments s WHERE s.slug = asked.key AND s.deleted_at IS NULL)
            ELSE (SELECT m.deployment_id FROM domains m WHERE m.domain = asked.key AND m.verified_at IS NOT NULL) END
        LIMIT 1
    ) AS d
    CROSS JOIN LATERAL (
        SELECT v.number, v.settings FROM versions v
        WHERE v.deployment_id = d.id AND v.number = coalesce(asked.number, d.live_version) AND v.ready_at IS NOT NULL
        LIMIT 1
    ) AS v
"""


async def find_sites(conn: Connection, names: Sequence[str]) -> dict[str, Row]:
    """Return sites by their names, without their files, and for how many seconds at most that is true.

    A name is a slug, `slug--v3`, an id or a domain. What is not there, not published, or not complete is left out.
    """
    asked = [(name, found) for name in names if (found := hosts.read(name)) is not None]
    rows = await conn.fetch(
        _SITES,
        [name for name, _ in asked], [found.kind for _, found in asked],
        [found.key for _, found in asked], [found.number for _, found in asked],
    )  # fmt: skip
    return {row["name"]: (_site(row), row["remains"]) for row in rows}


def _site(row: asyncpg.Record) -> Site:
    settings = row["settings"]
    return Site(
        id=row["id"],
        slug=row["slug"],
        version=row["version"],
        status=row["status"],
        preview=row["preview"],
        is_spa=bool(settings.get("is_spa")),
        noindex=row["preview"] or bool(settings.get("noindex")),
        password_hash=row["password_hash"],
        clears=row["clears"],
        email=row["email"],
        notified=bool(row["email"]) and settings.get("notify_email", True),
        allowed_origins=tuple(settings.get("allowed_origins", ())),
        redirect=settings.get("redirect"),
        title=settings.get("title"),
        takes_files=bool(settings.get("files")),
        spam_words=tuple(settings.get("spam_words", ())),
        proof_of_work=bool(settings.get("proof_of_work")),
    )


async def load_version(conn: Connection, deployment_id: str, number: int) -> Files | None:
    """Return a version's files, with the variants that the store has of them, and its rules; None when it is gone."""
    row = await conn.fetchrow(
        "SELECT v.manifest, v.rules, v.forms,"
        " (SELECT jsonb_object_agg(b.sha256, jsonb_build_array(b.br, b.gzip)) FROM blobs b"
        " WHERE b.sha256 = ANY (ARRAY(SELECT entry->>0 FROM jsonb_each(v.manifest) AS file (path, entry)))"
        " AND (b.br IS NOT NULL OR b.gzip IS NOT NULL)) AS variants"
        " FROM versions v WHERE v.deployment_id = $1 AND v.number = $2",
        deployment_id, number,
    )  # fmt: skip
    if row is None:
        return None
    variants: Mapping[str, list[int | None]] = row["variants"] or {}
    nothing: list[int | None] = [None, None]
    manifest = {
        path: File(digest, size, kind, *(length or 0 for length in variants.get(digest, nothing)))
        for path, (digest, size, kind) in row["manifest"].items()
        if path not in rule_files.FILES
    }
    return manifest, rules.from_json(row["rules"]), contracts.from_json(row["forms"])
