"""What publishing costs does not grow with the versions of a site and with all the sites that there are."""

from pathlib import Path
from typing import Any

import asyncpg

from tests.support.deploying import Deploy, deploying
from tests.support.fake_auth import FakeAuth
from tests.support.publishing import change, digest, edit, go_live, inline, named, put_all, replace, upkeep_of

SITES, VERSIONS = 20_000, 10_000
#: What nearly every site has.
COMMON = b"what every site has " * 40

CROWD = f"""
    INSERT INTO blobs (sha256, size, stored_at, loose)
        SELECT encode(sha256(n::text::bytea), 'hex'), 10, now(), false FROM generate_series(1, {SITES}) n;
    INSERT INTO accounts (id, email, plan) SELECT 'acc_' || n, n || '@example.com', 'free'
        FROM generate_series(1, {SITES}) n;
    INSERT INTO deployments (id, account_id, slug, last_version, live_version, stored)
        SELECT 'dep_crowd' || n, 'acc_' || n, 'crowd-' || n, 1, 1, 10 FROM generate_series(1, {SITES}) n;
    INSERT INTO versions (deployment_id, number, manifest, files, size, created_by, ready_at)
        SELECT 'dep_crowd' || n, 1, '{{}}', 0, 0, 'key', now() FROM generate_series(1, {SITES}) n;
    INSERT INTO blob_refs (deployment_id, sha256) SELECT 'dep_crowd' || n, '{digest(COMMON)}'
        FROM generate_series(1, {SITES}) n;
    INSERT INTO publications (deployment_id, version, published_by) SELECT 'dep_crowd' || n, 1, 'key'
        FROM generate_series(1, {SITES}) n;
    INSERT INTO names (slug, account_id, rests_until) SELECT 'rests-' || n, 'acc_' || n, now() + interval '1 day'
        FROM generate_series(1, {SITES}) n;
    INSERT INTO missing (deployment_id, number, sha256, size, type)
        SELECT 'dep_crowd' || n, 1, encode(sha256(n::text::bytea), 'hex'), 10, 'text/plain'
        FROM generate_series(1, {SITES}) n;
"""

HISTORY = f"""
    INSERT INTO versions (deployment_id, number, manifest, files, size, created_by, ready_at)
        SELECT $1, n, '{{}}', 0, 0, 'key', now() FROM generate_series(2, {VERSIONS}) n;
"""


async def journey(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    """Do everything that publishing can do, once, to a site with a history."""
    async with upkeep_of(deploy) as upkeep:
        await upkeep.expire()
        await upkeep.purge()
        assert await upkeep.sweep_blobs() == 0
    files = {"index.html": b"<title>one</title>", "a.txt": COMMON, "b.txt": b"mine"}
    again = (await replace(deploy, key, site["id"], files=named(files))).json
    assert len(again["missing"]) == 3, "what everybody has is not mine"
    await put_all(deploy, key, again, files)
    assert (await go_live(deploy, key, site["id"], again["version"])).status == 200
    assert (await edit(deploy, key, site["id"], ("index.html", "one", "two"))).status == 200
    assert (await replace(deploy, key, site["id"], files=inline({"index.html": "three"}))).status == 200
    assert (await change(deploy, key, site["id"], title="x")).status == 200
    assert (await go_live(deploy, key, site["id"], again["version"])).status == 200
    for path in ("", "/versions", "/archive"):
        assert (await deploy.call("GET", f"/deploy/{site['id']}{path}", key=key)).status == 200
    assert (await deploy.call("GET", "/deploy", key=key)).status == 200
    assert (await deploy.site(site["slug"])).status == 200
    other = await deploy.publish(key, slug="a-new-one")
    assert (await deploy.call("DELETE", f"/deploy/{other['id']}", key=key)).status == 200
    assert (await deploy.call("POST", f"/deploy/{other['id']}/restore", key=key)).status == 200
    nobodys = (await deploy.call("POST", "/deploy", json={"html": "x"})).json
    body = {"slug": nobodys["slug"], "token": nobodys["claim_token"]}
    assert (await deploy.call("POST", "/claim", key=key, json=body)).status == 200


async def read_so_far(conn: asyncpg.Connection) -> dict[str, tuple[int, int]]:
    """Return rows that were read from each table: one after the other, and by an index."""
    rows = await conn.fetch(
        "SELECT t.relname, t.seq_tup_read, coalesce(sum(i.idx_tup_read), 0)::bigint AS by_index"
        " FROM pg_stat_user_tables t LEFT JOIN pg_stat_user_indexes i USING (relid)"
        " WHERE t.schemaname = 'deploy' GROUP BY 1, 2"
    )
    return {row["relname"]: (row["seq_tup_read"], row["by_index"]) for row in rows}


async def test_publishing_reads_as_little_among_many_sites_and_versions(
    database_url: str, tmp_path: Path, auth: FakeAuth
) -> None:
    """No statement of it reads a table through, or an index over what others have."""
    key = auth.key()
    async with deploying(database_url, tmp_path, auth, rate_limits=False) as deploy:
        site = await deploy.publish(key, html="one")
        await deploy.publish(auth.key(), files=inline({"a.txt": COMMON.decode()}))
    conn = await asyncpg.connect(database_url, server_settings={"search_path": "deploy"})
    await conn.execute(CROWD)
    await conn.execute(HISTORY, site["id"])
    await conn.execute("UPDATE deployments SET last_version = $2 WHERE id = $1", site["id"], VERSIONS)
    await conn.execute("UPDATE blobs SET touched_at = now() - interval '2 hours'")
    await conn.execute("VACUUM ANALYZE")
    await conn.close()
    # what connections counted is told when they end
    conn = await asyncpg.connect(database_url)
    before = await read_so_far(conn)
    await conn.close()
    async with deploying(database_url, tmp_path, auth, rate_limits=False) as deploy:
        await journey(deploy, key, site)
    conn = await asyncpg.connect(database_url)
    after = await read_so_far(conn)
    await conn.close()
    read = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}
    assert sum(one_by_one for one_by_one, _ in read.values()) < 1000, read
    assert sum(by_index for _, by_index in read.values()) < 5000, read
