"""The SQL of versions and of which one is live."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from services.deploy import contracts, versions
from services.deploy.checks import Finding
from services.deploy.contracts import Contract
from services.deploy.deployments import DeploymentNotFound, TakenDown, Version, VersionConflict, VersionNotFound
from services.deploy.versions import File
from shared.db import Connection

#: Answered fields of a site that are held against a new version.
MAX_ANSWERED: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A version as it is stored."""

    number: int
    manifest: Mapping[str, File]
    #: What the deploy stated.
    settings: Mapping[str, Any]
    #: Paths whose bytes came apart and have not been gone through; None once it is ready.
    named: Sequence[str] | None
    rules: Mapping[str, Any] | None = None
    #: What was noticed about its pages.
    findings: Sequence[Finding] = ()
    #: What its forms ask for.
    contract: Contract = contracts.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A deployment whose row is locked until the transaction ends."""

    slug: str
    account_id: str
    live: int | None
    last: int
    settings: Mapping[str, Any]
    expires_at: Any


async def lock(
    conn: Connection, deployment_id: str, account_id: str, *, if_version: int | None = None, hold: bool = True
) -> Held:
    """Hold the account's deployment until the transaction ends, or only look at it.

    Raise DeploymentNotFound, TakenDown, and VersionConflict when `if_version` is not the live one.
    """
    row = await conn.fetchrow(
        "SELECT slug, account_id, live_version AS live, last_version AS last, settings, expires_at,"
        " taken_down_at IS NOT NULL AS taken_down, taken_down_why FROM deployments"
        " WHERE id = $1 AND account_id = $2 AND deleted_at IS NULL" + (" FOR UPDATE" if hold else ""),
        deployment_id, account_id,
    )  # fmt: skip
    if row is None:
        raise DeploymentNotFound
    facts = dict(row)
    why = facts.pop("taken_down_why")
    if facts.pop("taken_down"):
        raise TakenDown(hint=f"The operator's reason: {why}")
    held = Held(**facts)
    if if_version is not None and if_version != held.live:
        raise VersionConflict(held.live)
    return held


async def add(conn: Connection, deployment_id: str, row: Row, *, created_by: str) -> None:
    """Add a version; ready unless `named` says what has to be gone through first."""
    await conn.execute(
        "INSERT INTO versions (deployment_id, number, manifest, files, size, created_by, settings, rules, findings,"
        " named, forms, ready_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " CASE WHEN $10::text[] IS NULL THEN now() END)",
        deployment_id, row.number, versions.to_json(row.manifest), len(row.manifest), _size(row.manifest), created_by,
        row.settings, row.rules, _findings(row), row.named, contracts.to_json(row.contract),
    )  # fmt: skip


async def take_number(conn: Connection, deployment_id: str, number: int) -> None:
    """Note the number of the newest version."""
    await conn.execute("UPDATE deployments SET last_version = $2, updated_at = now() WHERE id = $1",
                       deployment_id, number)  # fmt: skip


async def complete(conn: Connection, deployment_id: str, row: Row) -> bool:
    """Make a version ready whose bytes are all there; false when somebody else has. It is never changed again."""
    return (
        await conn.fetchval(
            "UPDATE versions SET manifest = $3, size = $4, rules = $5, findings = $6, forms = $7, named = NULL,"
            " ready_at = now()"
            " WHERE deployment_id = $1 AND number = $2 AND ready_at IS NULL RETURNING true",
            deployment_id, row.number, versions.to_json(row.manifest), _size(row.manifest), row.rules, _findings(row),
            contracts.to_json(row.contract),
        )
        is True
    )  # fmt: skip


async def find(conn: Connection, deployment_id: str, number: int) -> Row:
    """Return a version. Raise VersionNotFound."""
    row = await conn.fetchrow(
        "SELECT number, manifest, settings, named, findings, forms FROM versions"
        " WHERE deployment_id = $1 AND number = $2",
        deployment_id, number,
    )  # fmt: skip
    if row is None:
        raise VersionNotFound
    return Row(
        number=row["number"], manifest=versions.from_json(row["manifest"]), settings=row["settings"],
        named=row["named"], findings=_noticed(row["findings"]), contract=contracts.from_json(row["forms"]),
    )  # fmt: skip


async def findings(conn: Connection, deployment_id: str, number: int) -> list[Finding]:
    """Return what was noticed about a version's pages."""
    found = await conn.fetchval(
        "SELECT findings FROM versions WHERE deployment_id = $1 AND number = $2", deployment_id, number
    )
    return _noticed(found)


async def answered(conn: Connection, deployment_id: str, live: int) -> tuple[Contract, list[tuple[str, str]]]:
    """Return what the live version's forms ask for, and forms and names of what was answered; both empty where no
    answers are stored.
    """
    row = await conn.fetchrow(
        "SELECT v.forms, (SELECT json_agg(json_build_array(f.form, f.name)) FROM ("
        "   SELECT form, name FROM form_fields WHERE deployment_id = $1 ORDER BY form, name LIMIT $3) AS f) AS names"
        " FROM versions v WHERE v.deployment_id = $1 AND v.number = $2 AND v.forms <> '{}'"
        " AND (SELECT sum(count) FROM submission_totals WHERE deployment_id = $1 AND status <> 'test') > 0",
        deployment_id, live, MAX_ANSWERED,
    )  # fmt: skip
    if row is None or row["names"] is None:
        return contracts.NONE, []
    return contracts.from_json(row["forms"]), [(form, name) for form, name in row["names"]]


async def put_live(
    conn: Connection, deployment_id: str, number: int, settings: Mapping[str, Any], *, published_by: str
) -> None:
    """Make a version the live one, and note that as an event: nothing is rewritten."""
    await conn.execute(
        "UPDATE deployments SET live_version = $2, settings = settings || $3, updated_at = now() WHERE id = $1",
        deployment_id, number, settings,
    )  # fmt: skip
    await note_published(conn, deployment_id, number, published_by=published_by)


async def note_published(conn: Connection, deployment_id: str, number: int, *, published_by: str) -> None:
    """Note that a version went live."""
    await conn.execute(
        "INSERT INTO publications (deployment_id, version, published_by) VALUES ($1, $2, $3)",
        deployment_id, number, published_by,
    )  # fmt: skip


async def was_published(conn: Connection, deployment_id: str, number: int) -> bool:
    """Tell whether a version was ever live."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM publications WHERE deployment_id = $1 AND version = $2)", deployment_id, number
        )
    )


async def list_page(conn: Connection, deployment_id: str, *, limit: int, before: int | None) -> list[Version]:
    """Return a deployment's versions, newest first, from below number `before`."""
    rows = await conn.fetch(
        "SELECT v.number, v.created_at, v.created_by, v.files, v.size, v.settings ->> 'title' AS title,"
        " v.ready_at IS NOT NULL AS ready, v.number IS NOT DISTINCT FROM d.live_version AS live,"
        " (SELECT count(*) FROM missing m WHERE m.deployment_id = $1 AND m.number = v.number) AS missing,"
        " (SELECT p.published_at FROM publications p WHERE p.deployment_id = $1 AND p.version = v.number"
        "  ORDER BY p.id DESC LIMIT 1) AS published_at"
        " FROM versions v JOIN deployments d ON d.id = v.deployment_id"
        " WHERE v.deployment_id = $1 AND ($2::int IS NULL OR v.number < $2) ORDER BY v.number DESC LIMIT $3",
        deployment_id, before, limit,
    )  # fmt: skip
    return [Version(**row) for row in rows]


def _size(manifest: Mapping[str, File]) -> int:
    return sum(file.size for file in manifest.values())


def _noticed(stored: Sequence[Mapping[str, Any]] | None) -> list[Finding]:
    return [Finding(**each) for each in stored or ()]


def _findings(row: Row) -> list[dict[str, Any]]:
    return [asdict(each) for each in row.findings]
