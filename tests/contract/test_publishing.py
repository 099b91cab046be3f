"""Versions, previews, claims, settings and files by digest, from outside (contract, section 4)."""

import hashlib
import io
import zipfile
from typing import Any

from tests.support.client import Answer, Client

PAGE = '<!doctype html><title>t</title><form action="{{SUBMIT_URL}}" method=post><input name=email></form>'


async def deploy(client: Client, key: str | None, **body: Any) -> Any:
    answer = await client.api("POST", "/deploy", key=key, json={"html": PAGE, **body} if "files" not in body else body)
    assert answer.status == 200, answer.text
    return answer.json


def named(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


async def test_an_anonymous_site_lives_a_day_and_belongs_to_whoever_has_its_token(client: Client) -> None:
    site = await deploy(client, None, html="<h1>one</h1>")
    token, path = site["claim_token"], f"/deploy/{site['id']}"
    assert site["claim_url"].startswith(f"{client.target.app}/claim/{site['slug']}")
    assert (await client.site(site["slug"], "/")).text == "<h1>one</h1>"
    assert (await client.api("PUT", path, key=token, json={"html": "<h1>two</h1>"})).json["version"] == 2
    assert (await client.api("GET", path, key=token)).json["version"] == 2
    assert (await client.api("POST", f"{path}/publish", key=token, json={"version": 1})).status == 200
    assert (await client.site(site["slug"], "/")).text == "<h1>one</h1>"
    assert (await client.api("GET", path, key="tok_" + "0" * 43)).status == 401
    assert (await client.api("DELETE", path, key=token)).status == 200
    assert (await client.site(site["slug"], "/")).status == 404


async def test_what_was_noticed_about_a_preview_is_told_again_when_it_is_published(client: Client, key: str) -> None:
    site = await deploy(client, key, html="<a href=/missing>x</a>", preview=True)
    assert [each["code"] for each in site["warnings"]] == ["missing_file"]
    published = await client.api("POST", f"/deploy/{site['id']}/publish", key=key, json={"version": 1})
    assert (published.json["live"], published.json["warnings"]) == (True, site["warnings"])


async def test_a_claim_url_is_a_page_of_the_app(client: Client) -> None:
    """The path is the app's own; what the API takes at `/claim` is below `/api`."""
    site = await deploy(client, None)
    page = await client.call("GET", site["claim_url"].partition("#")[0], headers={"Accept": "text/html"})
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert site["slug"] in page.text
    assert page.headers["Referrer-Policy"] == "same-origin"


async def test_a_claimed_site_is_the_accounts_own_and_stays(client: Client, key: str) -> None:
    site = await deploy(client, None)
    wrong = await client.api("POST", "/claim", key=key, json={"slug": site["slug"], "token": "tok_" + "0" * 43})
    assert wrong.status == 404
    claim = {"slug": site["slug"], "token": site["claim_token"]}
    claimed = await client.api("POST", "/claim", key=key, json=claim)
    assert (claimed.status, claimed.json["expires_at"]) == (200, None)
    assert (await client.api("POST", "/claim", key=key, json=claim)).status == 409
    assert (await client.api("GET", f"/deploy/{site['id']}", key=key)).status == 200
    assert (await client.api("GET", f"/deploy/{site['id']}", key=site["claim_token"])).status == 401


async def test_a_preview_leaves_the_live_site_until_it_is_published_and_a_rollback_is_one_too(
    client: Client, key: str
) -> None:
    site = await deploy(client, key, html="one")
    path = f"/deploy/{site['id']}"
    preview = (await client.api("PUT", path, key=key, json={"html": "two", "preview": True})).json
    assert (preview["version"], preview["live"]) == (2, False)
    assert (await client.site(site["slug"], "/")).text == "one"
    assert (await client.site(f"{site['slug']}--v2", "/")).text == "two"
    for number, text in ((2, "two"), (1, "one")):
        assert (await client.api("POST", f"{path}/publish", key=key, json={"version": number})).status == 200
        page = await client.site(site["slug"], "/")
        assert (page.text, page.headers["X-Invoker-Version"]) == (text, str(number))
    assert (await client.api("POST", f"{path}/publish", key=key, json={"version": 9})).status == 404
    listed = (await client.api("GET", f"{path}/versions", key=key)).json["versions"]
    assert [(each["version"], each["live"]) for each in listed] == [(2, False), (1, True)]


async def test_a_site_whose_first_version_is_a_preview_is_404_until_it_is_published(client: Client, key: str) -> None:
    site = await deploy(client, key, html="soon", preview=True)
    assert (await client.site(site["slug"], "/")).status == 404
    assert (await client.site(f"{site['slug']}--v1", "/")).text == "soon"
    await client.api("POST", f"/deploy/{site['id']}/publish", key=key, json={"version": 1})
    assert (await client.site(site["slug"], "/")).text == "soon"


async def test_who_has_seen_an_older_version_overwrites_nothing(client: Client, key: str) -> None:
    site = await deploy(client, key, html="one")
    path = f"/deploy/{site['id']}"
    assert (await client.api("PUT", path, key=key, json={"html": "two", "if_version": 1})).status == 200
    late = await client.api("PUT", path, key=key, json={"html": "three", "if_version": 1})
    assert (late.status, late.json["live_version"]) == (409, 2)
    edit = {"edits": [{"path": "index.html", "find": "two", "replace": "2"}], "if_version": 1}
    assert (await client.api("PATCH", path, key=key, json=edit)).status == 409


async def test_an_edit_has_to_fit_exactly_once(client: Client, key: str) -> None:
    site = await deploy(client, key, html="<p>a</p>\n<p>b</p>\n<p>b</p>")

    async def edit(find: str) -> Answer:
        edits = [{"path": "index.html", "find": find, "replace": "<p>c</p>"}]
        return await client.api("PATCH", f"/deploy/{site['id']}", key=key, json={"edits": edits})

    assert [(answer.status, answer.json["count"]) for answer in (await edit("<p>b</p>"), await edit("<p>x</p>"))] == [
        (409, 2),
        (409, 0),
    ]
    assert (await edit("<p>a</p>")).json["version"] == 2
    assert (await client.site(site["slug"], "/")).text == "<p>c</p>\n<p>b</p>\n<p>b</p>"


async def test_files_by_digest_are_sent_once(client: Client, key: str) -> None:
    page, style = PAGE.encode(), b"body { color: #123456 }"
    files = [named("index.html", page), named("style.css", style)]
    site = await deploy(client, key, files=files)
    path = f"/deploy/{site['id']}"
    assert sorted(site["missing"]) == sorted(each["sha256"] for each in files)
    assert (await client.api("POST", f"{path}/publish", key=key, json={"version": 1})).status == 409
    wrong = await client.api("PUT", f"{path}/blobs/{files[0]['sha256']}", key=key, data=style)
    assert wrong.status == 422
    for each, data in zip(files, (page, style), strict=True):
        assert (await client.api("PUT", f"{path}/blobs/{each['sha256']}", key=key, data=data)).status == 200
    assert (await client.site(site["slug"], "/")).status == 404, "the last bytes publish nothing"
    assert (await client.api("POST", f"{path}/publish", key=key, json={"version": 1})).json["live"] is True
    assert f"/submit/{site['id']}" in (await client.site(site["slug"], "/")).text
    again = (await client.api("PUT", path, key=key, json={"files": files})).json
    assert (again["missing"], again["live"]) == ([], True)


async def test_a_password_covers_the_site_and_its_versions_until_it_is_removed(client: Client, key: str) -> None:
    site = await deploy(client, key, html="secret")
    settings = f"/deploy/{site['id']}/settings"
    changed = await client.api("PATCH", settings, key=key, json={"password": "open sesame"})
    assert changed.status == 200
    assert "sesame" not in changed.text
    for host in (site["slug"], f"{site['slug']}--v1"):
        locked = await client.site(host, "/")
        assert (locked.status, "secret" in locked.text, "<form" in locked.text) == (401, False, True)
    wrong = await client.site(site["slug"], "/", method="POST", data={"password": "open barley"})
    assert (wrong.status, "<form" in wrong.text) == (401, True)
    right = await client.site(site["slug"], "/", method="POST", data={"password": "open sesame"})
    assert right.status == 303
    cookie = right.headers["Set-Cookie"].partition(";")[0]
    assert (await client.site(site["slug"], "/", headers={"Cookie": cookie})).text == "secret"
    await client.api("PATCH", settings, key=key, json={"password": None})
    assert (await client.site(site["slug"], "/")).text == "secret"


async def test_a_deleted_site_comes_back_within_its_week(client: Client, key: str) -> None:
    site = await deploy(client, key, html="here")
    path = f"/deploy/{site['id']}"
    await client.api("DELETE", path, key=key)
    assert (await client.site(site["slug"], "/")).status == 404
    listed = (await client.api("GET", "/deploy?status=deleted&limit=200", key=key)).json["deployments"]
    assert site["id"] in {each["id"] for each in listed}
    assert (await client.api("POST", f"{path}/restore", key=key)).status == 200
    assert (await client.site(site["slug"], "/")).text == "here"
    assert (await client.api("POST", f"{path}/restore", key=key)).status == 409


async def test_a_site_can_be_downloaded(client: Client, key: str) -> None:
    site = await deploy(
        client, key, files=[{"path": "index.html", "content": "x"}, {"path": "a/b.txt", "content": "y"}]
    )
    answer = await client.api("GET", f"/deploy/{site['id']}/archive", key=key)
    with zipfile.ZipFile(io.BytesIO(answer.raw)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"index.html": b"x", "a/b.txt": b"y"}


async def test_pages_are_served_as_http_has_it(client: Client, key: str) -> None:
    text = "0123456789" * 200
    site = await deploy(client, key, files=[{"path": "index.html", "content": text}, {"path": "_redirects",
                        "content": "/old /docs/ 301"}, {"path": "docs/index.html", "content": "docs"}])  # fmt: skip
    whole = await client.site(site["slug"], "/")
    tag = whole.headers["ETag"]
    assert (await client.site(site["slug"], "/", headers={"If-None-Match": tag})).status == 304
    part = await client.site(site["slug"], "/", headers={"Range": "bytes=5-9", "Accept-Encoding": "identity"})
    assert (part.status, part.text, part.headers["Content-Range"]) == (206, "56789", "bytes 5-9/2000")
    assert (await client.site(site["slug"], "/", headers={"Range": "bytes=9000-"})).status == 416
    packed = await client.site(site["slug"], "/", headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["Content-Encoding"], packed.text) == ("gzip", text)
    assert packed.headers["ETag"] != tag or whole.headers.get("Content-Encoding") == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    head = await client.site(site["slug"], "/", method="HEAD")
    assert (head.status, head.raw) == (200, b"")
    for path, status, location in (("/docs", 308, "/docs/"), ("/old", 301, "/docs/")):
        answer = await client.site(site["slug"], path)
        assert (answer.status, answer.headers["Location"]) == (status, location)


async def test_a_new_accounts_page_that_asks_for_passwords_is_held(client: Client, key: str) -> None:
    html = "<h1>Your bank</h1><form action='{{SUBMIT_URL}}'><input type=password name=pin></form>"
    answer = await client.api("POST", "/deploy", key=key, json={"html": html})
    assert (answer.status, answer.json["code"]) == (403, "held_for_review")
    assert (await client.api("POST", "/deploy", json={"html": html})).status == 403


async def test_a_key_in_a_file_is_refused(client: Client, key: str) -> None:
    answer = await client.api("POST", "/deploy", key=key, json={"html": f"<script>const key = '{key}'</script>"})
    assert (answer.status, answer.json["code"]) == (422, "key_in_file")
    assert key not in answer.text
