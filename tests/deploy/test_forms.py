"""Form intake: three encodings, limits, the honeypot, where a browser goes next, and what the owner sees."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import asyncpg
import pytest

from shared import logs
from tests.support.deploying import BROWSER, Deploy, deploying
from tests.support.eventually import eventually

Site = dict[str, Any]
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form."""
    return await deploy.publish(key)


@pytest.fixture
async def unlimited(deploy: Deploy) -> AsyncIterator[Deploy]:
    """Give a second process of the same service, without rate limits."""
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus, rate_limits=False) as running:
        yield running


def multipart(*parts: tuple[str, str], file: tuple[str, bytes] | None = None) -> aiohttp.FormData:
    """Build a multipart body."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in parts:
        form.add_field(name, value)
    if file is not None:
        form.add_field("upload", file[1], filename=file[0], content_type="application/octet-stream")
    return form


@pytest.mark.parametrize(
    "given",
    [
        {"json": {"name": "Ada ü", "tags": ["a", "b"], "empty": ""}},
        {"data": b"name=Ada+%C3%BC&tags=a&tags=b&empty=", "headers": URLENCODED},
        {"data": multipart(("name", "Ada ü"), ("tags", "a"), ("tags", "b"), ("empty", ""))},
    ],
    ids=["json", "urlencoded", "multipart"],
)
async def test_three_encodings_give_one_submission(deploy: Deploy, site: Site, key: str, given: dict[str, Any]) -> None:
    sent = await deploy.submit(site, **given)
    assert (sent.status, sent.json["message"]) == (200, "Submission received")
    assert sent.headers["Access-Control-Allow-Origin"] == "*"
    listed = await deploy.submissions(key, site)
    (row,) = listed.pop("submissions")
    assert row.pop("created_at").endswith("Z")
    assert row == {
        "id": sent.json["id"],
        "data": {"name": "Ada ü", "tags": ["a", "b"], "empty": ""},
        "form": None,
        "status": "accepted",
        "version": 1,
        "files": [],
        "read_at": None,
        "unknown_fields": ["name", "tags", "empty"],
        "problems": [],
        "spam_reason": None,
    }
    assert [column["name"] for column in listed.pop("columns")] == ["email", "name", "tags", "empty"]
    assert listed == {"total": 1, "total_is_exact": True, "page": 1, "limit": 50, "next_cursor": None}


async def test_the_owner_is_told(deploy: Deploy, site: Site, key: str) -> None:
    sent = await deploy.submit(site, json={"z": "last", "email": "a@b.example", "a": 1})
    await eventually(lambda: deploy.bus.notices)
    (notice,) = deploy.bus.notices
    assert (notice.to, notice.submission_id) == (deploy.auth.email(key), sent.json["id"])
    assert (notice.slug, notice.site_url, notice.reply_to) == (site["slug"], site["url"], "a@b.example")
    assert list(notice.data) == ["z", "email", "a"]


@pytest.mark.parametrize(
    "data, reply_to",
    [
        ({"_replyto": "a@b.example", "email": "other@b.example"}, "a@b.example"),
        ({"_replyto": "nonsense", "Email": "a@b.example"}, "a@b.example"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, None),
        ({"email": "=?UTF-8?Q?a?=@b.example"}, None),
        ({"email": ["a@b.example"]}, None),
        ({"email": "Ada <a@b.example>"}, None),
    ],
)
async def test_a_reply_goes_to_a_plain_address_or_nowhere(
    deploy: Deploy, site: Site, data: dict[str, Any], reply_to: str | None
) -> None:
    await deploy.submit(site, json=data)
    await eventually(lambda: deploy.bus.notices)
    assert deploy.bus.notices[0].reply_to == reply_to


async def test_control_fields_are_no_data(deploy: Deploy, site: Site, key: str) -> None:
    control = {"_hp": "", "_next": "/x", "_subject": "s", "_replyto": "", "_form": "contact", "_else": "y"}
    await deploy.submit(site, json={"a": 1, **control})
    (row,) = (await deploy.submissions(key, site))["submissions"]
    assert (row["data"], row["form"]) == ({"a": 1}, "contact")


@pytest.mark.parametrize("given", [{"json": {"a": "b", "_hp": "bot"}}, {"data": {"a": "b", "_hp": "bot"}}])
async def test_a_filled_honeypot_looks_the_same_and_is_kept_apart(
    deploy: Deploy, site: Site, key: str, given: dict[str, Any]
) -> None:
    spam, fair = await deploy.submit(site, **given), await deploy.submit(site, json={"a": "b"})
    assert (spam.status, spam.json.keys()) == (fair.status, fair.json.keys())
    await eventually(lambda: deploy.bus.notices)
    assert [notice.submission_id for notice in deploy.bus.notices] == [fair.json["id"]]
    listed = await deploy.submissions(key, site)
    assert (listed["total"], listed["submissions"][0]["id"]) == (1, fair.json["id"])
    assert (await deploy.call("GET", f"/deploy/{site['id']}", key=key)).json["submission_count"] == 1
    conn = await asyncpg.connect(deploy.database_url)
    status = await conn.fetchval("SELECT status FROM deploy.submissions WHERE id = $1", spam.json["id"])
    await conn.close()
    assert status == "spam"


async def test_submissions_come_in_pages_newest_first(deploy: Deploy, site: Site, key: str) -> None:
    for number in range(5):
        await deploy.submit(site, json={"n": number})
    page = await deploy.submissions(key, site, "?page=2&limit=2")
    assert [row["data"]["n"] for row in page["submissions"]] == [2, 1]
    assert (page["total"], page["page"], page["limit"]) == (5, 2, 2)
    beyond = await deploy.submissions(key, site, "?page=1000000&limit=200")
    assert (beyond["submissions"], beyond["total"]) == ([], 5)


async def test_a_bad_page_is_422(deploy: Deploy, site: Site, key: str) -> None:
    for query in ("page=0", "page=x", "limit=0", "limit=201", "page=1e3", "page=99999999999999999999"):
        assert (await deploy.call("GET", f"/submissions/{site['id']}?{query}", key=key)).status == 422


async def test_a_browser_is_led_to_a_page_that_thanks(deploy: Deploy, site: Site) -> None:
    sent = await deploy.submit(site, data={"a": "b"}, headers=BROWSER)
    assert sent.status == 303
    assert sent.headers["Location"] == f"http://localhost:8080/api/submit/{site['id']}/thanks"
    thanks = await deploy.call("GET", f"/submit/{site['id']}/thanks")
    assert (thanks.status, thanks.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert site["url"] in thanks.text
    assert thanks.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_a_script_that_accepts_html_too_gets_json(deploy: Deploy, site: Site) -> None:
    assert (await deploy.submit(site, json={"a": "b"}, headers=BROWSER)).status == 200


async def test_next_leads_to_the_same_site(deploy: Deploy, site: Site) -> None:
    for given in ("/danke?a=1#b", "danke?a=1#b", site["url"] + "/danke?a=1#b"):
        sent = await deploy.submit(site, data={"_next": given}, headers=BROWSER)
        assert sent.headers["Location"] == site["url"] + "/danke?a=1#b"


ELSEWHERE = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
    "data:text/html,x", "http://localhost:8080@evil.example/", "\t//evil.example", "/\t/evil.example", "///evil",
    "http:/\\evil", "//[", "\u2028//evil.example", "mailto:a@b.example", "https://{host}/", "http://{host}.evil/",
    "http://{host}@evil.example/", "http://x:y@{host}/",
]  # fmt: skip


async def test_next_never_leads_elsewhere(unlimited: Deploy, site: Site) -> None:
    """R63, for the form's own parameter."""
    own = (f"http://localhost:8080/api/submit/{site['id']}/thanks", site["url"] + "/")
    for given in ELSEWHERE:
        data = {"_next": given.replace("{host}", site["url"].removeprefix("http://"))}
        location = (await unlimited.submit(site, data=data, headers=BROWSER)).headers["Location"]
        assert location.startswith(own), given


async def test_a_form_may_be_sent_from_any_origin_without_credentials(deploy: Deploy, site: Site) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = await deploy.call("OPTIONS", f"/submit/{site['id']}", headers=headers)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Access-Control-Allow-Credentials" not in answer.headers


TYPE = "Content-Type"
BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "another type": (415, {"data": b"x", "headers": {TYPE: "text/csv"}}),
    "no type": (415, {"data": b"a=b", "headers": {TYPE: ""}}),
    "a list": (422, {"json": [1]}),
    "a text": (422, {"json": "x"}),
    "no JSON": (400, {"data": b"{", "headers": {TYPE: "application/json"}}),
    "empty JSON": (400, {"data": b"", "headers": {TYPE: "application/json"}}),
    "JSON with NUL": (422, {"data": rb'{"a": "\u0000"}', "headers": {TYPE: "application/json"}}),
    "JSON with NUL in a name": (422, {"data": rb'{"\u0000": 1}', "headers": {TYPE: "application/json"}}),
    "JSON with half a character": (400, {"data": rb'{"a": "\ud800"}', "headers": {TYPE: "application/json"}}),
    "JSON in Latin-1": (400, {"data": b'{"a": "\xff"}', "headers": {TYPE: "application/json"}}),
    "deep JSON": (422, {"data": b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "headers": {TYPE: "application/json"}}),
    "very deep JSON": (400, {"data": b'{"a":' + b"[" * 60_000, "headers": {TYPE: "application/json"}}),
    "urlencoded with NUL": (422, {"data": b"a=%00", "headers": URLENCODED}),
    "urlencoded in Latin-1": (400, {"data": b"a=%FF", "headers": URLENCODED}),
    "raw Latin-1": (400, {"data": b"a=\xff", "headers": URLENCODED}),
    "multipart without boundary": (400, {"data": b"x", "headers": {TYPE: "multipart/form-data"}}),
    "multipart of nothing": (400, {"data": b"x", "headers": {TYPE: "multipart/form-data; boundary=b"}}),
    "multipart cut off": (
        400,
        {
            "data": b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
            "headers": {TYPE: "multipart/form-data; boundary=b"},
        },
    ),
    "multipart in Latin-1": (
        400,
        {
            "data": b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n',
            "headers": {TYPE: "multipart/form-data; boundary=b"},
        },
    ),
    "multipart without a name": (
        400,
        {"data": b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n", "headers": {TYPE: "multipart/form-data; boundary=b"}},
    ),
    "an idempotency key of spaces": (400, {"json": {}, "headers": {"Idempotency-Key": ""}}),
    "a long idempotency key": (400, {"json": {}, "headers": {"Idempotency-Key": "k" * 256}}),
}


async def test_a_bad_submission_is_refused_and_leaves_nothing(unlimited: Deploy, site: Site, key: str) -> None:
    for name, (status, given) in BAD.items():
        answer = await unlimited.submit(site, **given)
        assert answer.status == status, f"{name}: {answer.text}"
        assert isinstance(answer.json["error"], str), name
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (await unlimited.submissions(key, site))["total"] == 0


@pytest.mark.parametrize("name, content", [("cv.pdf", b"x"), ("cv.pdf", b""), ("", b"x")])
async def test_a_file_is_refused_while_files_are_off(deploy: Deploy, site: Site, name: str, content: bytes) -> None:
    body = (
        f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n--b--\r\n"
    )
    answer = await deploy.submit(site, data=body, headers={TYPE: "multipart/form-data; boundary=b"})
    assert (answer.status, answer.json["code"]) == (415, "files_not_taken")


async def test_a_file_field_left_alone_does_no_harm(deploy: Deploy, site: Site, key: str) -> None:
    await deploy.submit(site, data=multipart(("a", "b"), file=("", b"")))
    assert (await deploy.submissions(key, site))["submissions"][0]["data"] == {"a": "b"}


async def test_ten_a_minute_and_visitor(database_url: str, deploy: Deploy, site: Site) -> None:
    answers = [await deploy.submit(site, json={}) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    refused = answers[-1]
    assert (refused.json["error"], refused.json["code"]) == ("Rate limit exceeded", "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


async def test_sixty_a_minute_over_all_visitors(deploy: Deploy, site: Site) -> None:
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus, trusted_proxies=1) as behind:
        answers = [await behind.submit(site, json={}, headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(61)]
    assert [answer.status for answer in answers] == [200] * 60 + [429]


async def test_an_idempotency_key_stores_once(deploy: Deploy, site: Site, key: str) -> None:
    headers = {"Idempotency-Key": "k-1"}
    answers = await asyncio.gather(*(deploy.submit(site, json={"a": 1}, headers=headers) for _ in range(5)))
    assert len({answer.json["id"] for answer in answers}) == 1
    assert (await deploy.submissions(key, site))["total"] == 1
    other = await deploy.submit(site, json={"a": 2}, headers=headers)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    await eventually(lambda: deploy.bus.notices)
    assert len(deploy.bus.notices) == 1


async def test_an_unknown_form_is_not_found(deploy: Deploy) -> None:
    for name in ("dep_0000000000000000", "nobody", "dep_", "';--", "%00", "%FF"):
        answer = await deploy.call("POST", f"/submit/{name}", json={})
        assert (answer.status, answer.json["error"]) == (404, "Deployment not found")


async def test_what_was_sent_is_in_no_log(deploy: Deploy, site: Site) -> None:
    out = io.StringIO()
    logs.configure("tests", out=out, json=True)
    await deploy.submit(site, json={"secret-name": "secret-value", "email": "visitor@b.example"})
    await eventually(lambda: deploy.bus.notices)
    logs.flush()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["path"] for line in lines if line["event"] == "request"] == ["/submit/{deployment_id}"]
    assert not any(word in out.getvalue() for word in ("secret-name", "secret-value", "visitor@", "inv_"))
