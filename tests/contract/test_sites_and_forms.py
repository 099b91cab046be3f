"""Contract, sections 4 and 5: a page goes live at its own host, and its form is collected."""

import base64
import secrets

import pytest

from tests.support.client import Client
from tests.support.eventually import eventually

FORM = '<!doctype html><title>t</title><form action="{{SUBMIT_URL}}" method=post><input name=email></form>'
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def a_site(client: Client, key: str, **body: object) -> dict[str, str]:
    answer = await client.api("POST", "/deploy", key=key, json={"html": FORM, **body})
    assert answer.status == 200, answer.text
    result: dict[str, str] = answer.json
    return result


async def test_a_page_is_live_at_its_own_host(client: Client, key: str) -> None:
    site = await a_site(client, key)
    assert site["url"] == "http://" + client.target.site_host.format(slug=site["slug"])
    page = await client.site(site["slug"])
    assert page.status == 200
    assert f"{client.target.api}/submit/{site['id']}" in page.text
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Invoker-Version"] == "1"
    assert "Set-Cookie" not in page.headers


async def test_a_page_is_revalidated_by_a_strong_etag(client: Client, key: str) -> None:
    site = await a_site(client, key)
    page = await client.site(site["slug"])
    etag = page.headers["ETag"]
    assert etag.startswith('"')
    again = await client.site(site["slug"], headers={"If-None-Match": etag})
    assert (again.status, again.raw) == (304, b"")
    head = await client.site(site["slug"], method="HEAD")
    assert (head.status, head.raw, head.headers["ETag"]) == (200, b"", etag)
    assert int(head.headers["Content-Length"]) == len(page.raw)


async def test_a_replaced_page_is_live_at_once_under_the_same_url(client: Client, key: str) -> None:
    site = await a_site(client, key)
    assert (await client.site(site["slug"])).status == 200
    answer = await client.api("PUT", f"/deploy/{site['id']}", key=key, json={"html": "<p>second</p>"})
    assert (answer.status, answer.json["url"]) == (200, site["url"])
    page = await client.site(site["slug"])
    assert "second" in page.text
    assert page.headers["X-Invoker-Version"] == "2"


async def test_a_deleted_site_is_gone_and_its_name_kept(client: Client, key: str) -> None:
    site = await a_site(client, key)
    gone = await client.api("DELETE", f"/deploy/{site['id']}", key=key)
    assert set(gone.json) == {"id", "deleted_at", "restore_until"}
    assert (await client.site(site["slug"])).status == 404
    assert (await client.api("GET", f"/deploy/{site['id']}", key=key)).json["error"] == "Deployment not found"
    assert (await client.api("POST", f"/submit/{site['id']}", json={"a": "b"})).status == 404


async def test_many_files_are_served_by_their_paths(client: Client, key: str) -> None:
    files = [
        {"path": "index.html", "content": "<h1>home</h1>", "contentType": "text/html"},
        {"path": "docs/index.html", "content": "<h1>docs</h1>", "contentType": "text/html"},
        {"path": "a.css", "content": "a{}", "contentType": "text/css"},
        {"path": "dot.png", "content": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64",
         "contentType": "image/png"},
    ]  # fmt: skip
    answer = await client.api("POST", "/deploy", key=key, json={"files": files})
    slug = answer.json["slug"]
    assert (await client.site(slug, "/a.css")).headers["Content-Type"] == "text/css; charset=utf-8"
    assert (await client.site(slug, "/dot.png")).raw == b"\x89PNG"
    moved = await client.site(slug, "/docs")
    assert (moved.status, moved.headers["Location"]) == (308, "/docs/")
    assert "docs" in (await client.site(slug, "/docs/")).text
    assert (await client.site(slug, "/nothing")).status == 404


async def test_an_spa_answers_unknown_paths_with_its_index(client: Client, key: str) -> None:
    site = await a_site(client, key, is_spa=True)
    assert (await client.site(site["slug"], "/deep/link")).status == 200


async def test_a_site_is_also_below_the_app_in_a_sandbox(client: Client, key: str) -> None:
    site = await a_site(client, key)
    page = await client.call("GET", f"{client.target.app}/s/{site['slug']}/")
    assert page.status == 200
    assert page.headers["Content-Security-Policy"] == "sandbox allow-forms allow-scripts allow-popups"


REFUSED = {
    "no html": ({}, 400, "html is required"),
    "reserved": ({"html": "x", "slug": "api"}, 400, None),
    "bad slug": ({"html": "x", "slug": "-a"}, 400, None),
    "upper case": ({"html": "x", "slug": "Abc"}, 400, None),
    "looks like a version": ({"html": "x", "slug": "a--v1"}, 400, None),
    "punycode": ({"html": "x", "slug": "xn--a"}, 400, None),
    "html of a wrong type": ({"html": 5}, 422, None),
    "files of a wrong type": ({"files": "x"}, 422, None),
    "a path that leads out": ({"files": [{"path": "../x", "content": "", "contentType": "text/html"}]}, 400, None),
    "a path twice": ({"files": [{"path": "a", "content": "", "contentType": "text/html"}] * 2}, 400, None),
}


@pytest.mark.parametrize("body,status,error", REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_deploy_is_refused(
    client: Client, key: str, body: dict[str, object], status: int, error: str | None
) -> None:
    answer = await client.api("POST", "/deploy", key=key, json=body)
    assert answer.status == status, answer.text
    assert error is None or answer.json["error"] == error


async def test_a_taken_slug_is_409(client: Client, key: str) -> None:
    slug = f"s-{secrets.token_hex(6)}"
    await a_site(client, key, slug=slug)
    assert (await client.api("POST", "/deploy", key=key, json={"html": FORM, "slug": slug})).status == 409


async def test_the_free_plan_ends_at_five(client: Client, key: str) -> None:
    for _ in range(5):
        await a_site(client, key)
    answer = await client.api("POST", "/deploy", key=key, json={"html": FORM})
    assert answer.status == 403
    assert answer.json["error"] == "Deployment limit reached. Delete an existing deployment or upgrade your plan."


async def test_an_unknown_deployment_is_not_found(client: Client, key: str) -> None:
    for path in ("/deploy/dep_0000000000000000", "/submissions/dep_0000000000000000"):
        answer = await client.api("GET", path, key=key)
        assert (answer.status, answer.json["error"]) == (404, "Deployment not found")


@pytest.mark.parametrize("given", [{"json": {"email": "a@b.example"}}, {"data": {"email": "a@b.example"}}])
async def test_a_form_is_stored_and_its_owner_told(
    client: Client, key: str, account: dict[str, str], given: dict[str, object]
) -> None:
    site = await a_site(client, key)
    sent = await client.api("POST", f"/submit/{site['id']}", **given)
    assert (sent.status, sent.json["message"]) == (200, "Submission received")
    assert sent.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in sent.headers
    listed = (await client.api("GET", f"/submissions/{site['id']}", key=key)).json
    assert (listed["total"], listed["page"], listed["limit"]) == (1, 1, 50)
    row = listed["submissions"][0]
    assert (row["id"], row["data"]) == (sent.json["id"], {"email": "a@b.example"})
    mail = await client.mail(account["email"], having=site["slug"])
    assert "a@b.example" in mail["Text"]
    assert [address["Address"] for address in mail["ReplyTo"]] == ["a@b.example"]


async def test_a_browsers_own_post_gets_a_page(client: Client, key: str) -> None:
    site = await a_site(client, key)
    sent = await client.api("POST", f"/submit/{site['id']}", data={"name": "Ada"}, headers=BROWSER)
    assert sent.status == 303
    thanks = await client.call("GET", sent.headers["Location"])
    assert thanks.status == 200
    assert thanks.headers["Content-Type"].startswith("text/html")


async def test_a_filled_honeypot_is_answered_as_usual_and_not_listed(client: Client, key: str) -> None:
    site = await a_site(client, key)
    sent = await client.api("POST", f"/submit/{site['id']}", json={"a": "b", "_hp": "bot"})
    assert (sent.status, sent.json["message"]) == (200, "Submission received")
    assert (await client.api("GET", f"/submissions/{site['id']}", key=key)).json["total"] == 0


async def test_submissions_come_in_pages_newest_first(client: Client, key: str) -> None:
    site = await a_site(client, key)
    for number in range(5):
        assert (await client.api("POST", f"/submit/{site['id']}", json={"n": number})).status == 200
    page = (await client.api("GET", f"/submissions/{site['id']}?page=2&limit=2", key=key)).json
    assert [row["data"]["n"] for row in page["submissions"]] == [2, 1]
    assert (page["total"], page["page"], page["limit"]) == (5, 2, 2)


async def test_submissions_come_by_cursor_too(client: Client, key: str) -> None:
    site = await a_site(client, key)
    for number in range(5):
        assert (await client.api("POST", f"/submit/{site['id']}", json={"n": number})).status == 200
    seen: list[int] = []
    cursors: list[str | None] = [""]
    while cursors[-1] is not None:
        after = f"&cursor={cursors[-1]}" if cursors[-1] else ""
        listed = (await client.api("GET", f"/submissions/{site['id']}?limit=2{after}", key=key)).json
        seen += [row["data"]["n"] for row in listed["submissions"]]
        cursors.append(listed["next_cursor"])
    assert seen == [4, 3, 2, 1, 0]
    assert len(cursors) == 4
    wrong = await client.api("GET", f"/submissions/{site['id']}?cursor=nonsense", key=key)
    assert wrong.status == 422


@pytest.mark.parametrize(
    "given,status",
    [
        ({"data": b"x", "headers": {"Content-Type": "text/csv"}}, 415),
        ({"data": b"[]", "headers": {"Content-Type": "application/json"}}, 422),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": {"a": "x" * 300_000}}, 413),
        ({"json": {f"f{n}": 1 for n in range(101)}}, 413),
        ({"data": b'{"a": "\\u0000"}', "headers": {"Content-Type": "application/json"}}, 422),
        ({"data": b"a=%FF", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
    ],
)
async def test_a_bad_submission_is_refused(client: Client, key: str, given: dict[str, object], status: int) -> None:
    site = await a_site(client, key)
    answer = await client.api("POST", f"/submit/{site['id']}", **given)
    assert answer.status == status, answer.text
    assert answer.json["error"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (await client.api("GET", f"/submissions/{site['id']}", key=key)).json["total"] == 0


async def test_a_form_may_be_sent_from_any_origin(client: Client, key: str) -> None:
    site = await a_site(client, key)
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = await client.api("OPTIONS", f"/submit/{site['id']}", headers=headers)
    assert answer.status == 204
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


async def test_the_submission_count_follows(client: Client, key: str) -> None:
    site = await a_site(client, key)
    await client.api("POST", f"/submit/{site['id']}", json={"a": 1})

    async def counted() -> bool:
        row = (await client.api("GET", f"/deploy/{site['id']}", key=key)).json
        return bool(row["submission_count"] == 1)

    await eventually(counted)


HOSTILE = [
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5cx",
    "/%00",
    "//evil.example/",
    "/%c0%ae%c0%ae/",
]


@pytest.mark.parametrize("path", HOSTILE)
async def test_a_hostile_path_finds_nothing(client: Client, key: str, path: str) -> None:
    from yarl import URL

    site = await a_site(client, key)
    headers = {"Host": client.target.site_host.format(slug=site["slug"])}
    answer = await client.call("GET", URL(client.target.app + path, encoded=True), headers=headers)  # type: ignore[arg-type]
    assert answer.status in {400, 404}
    assert b"root:" not in answer.raw
