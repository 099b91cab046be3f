"""Files that visitors sent: downloaded by the owner alone, never run, and gone with what they came with."""

import secrets
from typing import Any

import pytest

from shared import streaming
from shared.errors import Unavailable
from tests.support.deploying import Deploy
from tests.support.inbox import add, url
from tests.support.publishing import BOTH_STORES, fetch, later, store_of, stored, upkeep_of, value

Site = dict[str, Any]
HTML = b"<script>alert(1)</script>"


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def upload(
    deploy: Deploy, site: Site, content: bytes, name: str = "a.html", *, tied: bool = True
) -> tuple[str, str]:
    """Have a file, with a submission or without; return the path it is downloaded at, and what the store calls it."""
    blob, file_id = secrets.token_hex(16), f"fil_{secrets.token_hex(8)}"
    await store_of(deploy).put_all({blob: content})
    file = {"id": file_id, "field": "cv", "name": name, "type": "text/html", "size": len(content)}
    (sid,) = await add(deploy, site, {"a": 1}, files=[file]) if tied else [None]
    await fetch(
        deploy, "INSERT INTO uploads VALUES ($1, $2, $3, $4, $5, 'text/html', $6)",
        file_id, site["id"], sid, blob, name, len(content),
    )  # fmt: skip
    return url(site, sid or "sub_0000000000000000", "files", file_id), blob


@BOTH_STORES
async def test_r83_a_file_is_downloaded_and_never_shown(deploy: Deploy, key: str, site: Site) -> None:
    """R83: as an attachment of no type that a browser runs, whatever its sender called it."""
    path, _ = await upload(deploy, site, HTML)
    answer = await deploy.call("GET", path, key=key)
    assert (answer.status, answer.raw) == (200, HTML)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.html"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_r83_a_large_and_an_empty_file_arrive_whole(deploy: Deploy, key: str, site: Site) -> None:
    """R83."""
    for content in (secrets.token_bytes(5 * 1024 * 1024), b""):
        path, _ = await upload(deploy, site, content)
        answer = await deploy.call("GET", path, key=key)
        assert (answer.status, answer.raw) == (200, content)


@pytest.mark.parametrize(
    "name, header",
    [
        ("cv.pdf", 'attachment; filename="cv.pdf"'),
        ("Über.pdf", "attachment; filename=\"_ber.pdf\"; filename*=UTF-8''%C3%9Cber.pdf"),
        ('a"; x=".pdf', "attachment; filename=\"a_; x=_.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%22.pdf"),
        ("a\r\nSet-Cookie: x", "attachment; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"),
        ("..\\%41", "attachment; filename=\"..__41\"; filename*=UTF-8''..%5C%2541"),
    ],
)  # fmt: skip
def test_a_files_name_ends_no_header(name: str, header: str) -> None:
    assert streaming.attachment(name) == header


async def test_a_file_is_its_owners_and_its_submissions(deploy: Deploy, key: str, site: Site) -> None:
    path, _ = await upload(deploy, site, HTML)
    loose, _ = await upload(deploy, site, HTML, tied=False)
    (other,) = await add(deploy, site, {"a": 2})
    file_id = path.rpartition("/")[2]
    for wrong, who in (
        (path, deploy.key()), (loose, key), (url(site, other, "files", file_id), key),
        (url(site, path.split("/")[3], "files", "fil_0000000000000000"), key), (f"{path}%00", key),
    ):  # fmt: skip
        assert (await deploy.call("GET", wrong, key=who)).status == 404, wrong
    assert (await deploy.call("GET", path, key=deploy.key(scopes=("deploy",)))).status == 403


async def test_a_file_whose_bytes_are_gone_is_unavailable_and_not_empty(deploy: Deploy, key: str, site: Site) -> None:
    path, blob = await upload(deploy, site, HTML)
    await store_of(deploy).delete([blob])
    assert (await deploy.call("GET", path, key=key)).status == 503


@BOTH_STORES
async def test_files_go_with_what_they_came_with(deploy: Deploy, key: str, site: Site) -> None:
    """At once out of reach, and out of the store with the next sweep; others stay."""
    path, blob = await upload(deploy, site, HTML)
    kept, kept_blob = await upload(deploy, site, b"kept")
    _, fresh_blob = await upload(deploy, site, b"about to be tied", tied=False)
    await deploy.call("DELETE", url(site, path.split("/")[3]), key=key)
    assert (await deploy.call("GET", path, key=key)).status == 404
    async with upkeep_of(deploy) as upkeep:
        assert await upkeep.sweep_uploads() == 0, "a post may be about to tie it"
        await fetch(
            deploy, "UPDATE uploads SET created_at = created_at - interval '2 hours' WHERE blob <> $1", fresh_blob
        )
        assert await upkeep.sweep_uploads() == 1
    assert {blob, kept_blob, fresh_blob} & stored(deploy) == {kept_blob, fresh_blob}
    assert await value(deploy, "SELECT count(*) FROM uploads") == 2
    assert (await deploy.call("GET", kept, key=key)).raw == b"kept"


async def test_a_sweep_that_dies_in_the_middle_is_made_good(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, blob = await upload(deploy, site, HTML, tied=False)
    await later(deploy, "uploads", "created_at", "2 hours")
    async with upkeep_of(deploy) as upkeep:
        delete = upkeep._blobs.delete

        async def dies(names: Any) -> None:
            await delete(names)
            raise Unavailable

        with monkeypatch.context() as patch:
            patch.setattr(upkeep._blobs, "delete", dies)
            with pytest.raises(Unavailable):
                await upkeep.sweep_uploads()
        assert (blob in stored(deploy), await value(deploy, "SELECT count(*) FROM uploads")) == (False, 1)
        assert await upkeep.sweep_uploads() == 1


async def test_a_site_that_goes_leaves_no_files(deploy: Deploy, key: str, site: Site) -> None:
    _, blob = await upload(deploy, site, HTML)
    await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
    await later(deploy, "deployments", "deleted_at", "8 days")
    async with upkeep_of(deploy) as upkeep:
        await upkeep.purge()
        await later(deploy, "uploads", "created_at", "2 hours")
        assert await upkeep.sweep_uploads() == 1
    assert blob not in stored(deploy)
    assert await value(deploy, "SELECT count(*) FROM submissions") == 0
