"""What has to be true of deploy's tables and its store at any moment, whatever was done, cut off or killed."""

from typing import Final

from tests.support.deploying import Deploy
from tests.support.publishing import fetch, stored, tables

#: Each finds rows that must not be there.
RULES: Final = {
    "a version without its bytes": """
        SELECT v.deployment_id, v.number, f.file->>0 AS sha256 FROM versions v, jsonb_each(v.manifest) AS f (path, file)
        WHERE NOT EXISTS (SELECT FROM blob_refs r JOIN blobs b USING (sha256) WHERE r.deployment_id = v.deployment_id
                          AND r.sha256 = f.file->>0 AND b.stored_at IS NOT NULL)
        AND (v.ready_at IS NOT NULL OR NOT EXISTS (SELECT FROM missing m WHERE m.deployment_id = v.deployment_id
                                                   AND m.number = v.number AND m.sha256 = f.file->>0))""",
    "a live version that is not there or not ready": """
        SELECT d.id FROM deployments d LEFT JOIN versions v ON v.deployment_id = d.id AND v.number = d.live_version
        WHERE d.live_version IS NOT NULL AND v.ready_at IS NULL""",
    "a deployment without versions": """
        SELECT d.id FROM deployments d WHERE NOT EXISTS (SELECT FROM versions v WHERE v.deployment_id = d.id)""",
    "a ready version that waits": """
        SELECT m.deployment_id, m.number FROM missing m JOIN versions v USING (deployment_id, number)
        WHERE v.ready_at IS NOT NULL""",
    "something of no deployment's": """
        SELECT deployment_id FROM (SELECT deployment_id FROM versions UNION ALL SELECT deployment_id FROM blob_refs
            UNION ALL SELECT deployment_id FROM missing UNION ALL SELECT deployment_id FROM publications) each
        WHERE NOT EXISTS (SELECT FROM deployments d WHERE d.id = deployment_id)""",
    "a site charged for other bytes than it has or waits for": """
        SELECT d.id, d.stored FROM deployments d WHERE d.stored <> (
            SELECT coalesce(sum(size), 0) FROM (
                SELECT r.sha256, b.size FROM blob_refs r JOIN blobs b USING (sha256) WHERE r.deployment_id = d.id
                UNION SELECT m.sha256, m.size FROM missing m WHERE m.deployment_id = d.id) each)""",
    "a number beyond the last one": """
        SELECT d.id FROM deployments d JOIN versions v ON v.deployment_id = d.id WHERE v.number > d.last_version""",
    "a live version that was never published": """
        SELECT d.id FROM deployments d WHERE d.live_version IS NOT NULL AND NOT EXISTS (
            SELECT FROM publications p WHERE p.deployment_id = d.id AND p.version = d.live_version)""",
}


async def judge(deploy: Deploy) -> None:
    """Raise AssertionError with what is wrong."""
    async with tables(deploy) as conn:
        for name, sql in RULES.items():
            assert not (found := [dict(row) for row in await conn.fetch(sql)]), f"{name}: {found}"
        rows = await conn.fetch("SELECT sha256, br, gzip FROM blobs WHERE stored_at IS NOT NULL")
    names = stored(deploy)
    for row in rows:
        wanted = {row["sha256"], *([row["sha256"] + ".br"] if row["br"] else ()),
                  *([row["sha256"] + ".gz"] if row["gzip"] else ())}  # fmt: skip
        assert wanted <= names, f"bytes that are said to be stored are not: {wanted - names}"


async def judge_swept(deploy: Deploy) -> None:
    """Raise AssertionError unless, after a sweep, all that is stored is some site's."""
    await judge(deploy)
    used = {row["sha256"] for row in await fetch(deploy, "SELECT DISTINCT sha256 FROM blob_refs")}
    assert {row["sha256"] for row in await fetch(deploy, "SELECT sha256 FROM blobs")} == used
    assert {name.partition(".")[0] for name in stored(deploy)} == used
