"""The SQL of live sites, for visitors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.deploy import versions
from services.deploy.versions import File
from shared.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What visitors need of a live site: enough to serve it and to take in its forms."""

    id: str
    slug: str
    version: int
    is_spa: bool
    #: The owner's address.
    email: str
    manifest: Mapping[str, File]
    #: What serving has worked out about this version, by request path.
    #: Whether the owner is told what visitors send.
    notified: bool = True
    #: Origins whose pages may post to its forms, beside its own; none means any.
    allowed_origins: tuple[str, ...] = ()
    #: Where a browser goes after its form was sent.
    redirect: str | None = None
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


async def find_site(conn: Connection, name: str, known: Site | None) -> Site | None:
    """Return the live site of this slug or id, None when there is none.

    What `known` holds of the same version is not read again: a manifest is up to a thousand files.
    """
    row = await conn.fetchrow(
        "SELECT d.id, d.slug, d.live_version, d.settings, a.email,"
        " CASE WHEN (d.id, d.live_version) IS DISTINCT FROM ($2, $3::int) THEN v.manifest END AS manifest"
        " FROM deployments d JOIN accounts a ON a.id = d.account_id"
        " JOIN versions v ON v.deployment_id = d.id AND v.number = d.live_version"
        " WHERE d.deleted_at IS NULL AND " + ("d.id = $1" if "_" in name else "d.slug = $1"),
        name, known and known.id, known and known.version,
    )  # fmt: skip
    if row is None:
        return None
    return Site(
        id=row["id"],
        slug=row["slug"],
        version=row["live_version"],
        is_spa=bool(row["settings"].get("is_spa")),
        email=row["email"],
        notified=bool(row["email"]) and row["settings"].get("notify_email", True),
        allowed_origins=tuple(row["settings"].get("allowed_origins", ())),
        redirect=row["settings"].get("redirect"),
        manifest=known.manifest if known and row["manifest"] is None else versions.from_json(row["manifest"]),
    )
