"""Contract, section 5: what came in is listed, found, marked, exported, counted and deleted."""

import csv
import io
import re
from typing import Any

import orjson
import pytest

from tests.support.client import Client
from tests.support.eventually import eventually

FORM = (
    '<!doctype html><html lang="de"><title>Warteliste</title><form action="{{SUBMIT_URL}}" method=post>'
    "<input name=email type=email required><input name=message><select name=size><option>S<option>M</select></form>"
)
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
async def site(client: Client, key: str) -> dict[str, Any]:
    """Give a site with a form."""
    answer = await client.api("POST", "/deploy", key=key, json={"html": FORM})
    assert answer.status == 200, answer.text
    made: dict[str, Any] = answer.json
    return made


async def sent(client: Client, site: dict[str, Any], **data: Any) -> str:
    answer = await client.api("POST", f"/submit/{site['id']}", json=data)
    assert answer.status == 200, answer.text
    found: str = answer.json["id"]
    return found


async def listed(client: Client, key: str, site: dict[str, Any], query: str = "") -> Any:
    answer = await client.api("GET", f"/submissions/{site['id']}{query}", key=key)
    assert answer.status == 200, answer.text
    return answer.json


async def test_an_idempotency_key_stores_once(client: Client, key: str, site: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "double-click"}
    path = f"/submit/{site['id']}"
    first = await client.api("POST", path, json={"email": "a@b.example"}, headers=headers)
    again = await client.api("POST", path, json={"email": "a@b.example"}, headers=headers)
    other = await client.api("POST", path, json={"email": "c@d.example"}, headers=headers)
    assert (first.status, again.json, other.status) == (200, first.json, 422)
    assert (await listed(client, key, site))["total"] == 1


async def test_a_row_has_what_is_known_of_a_submission(client: Client, key: str, site: dict[str, Any]) -> None:
    name = await sent(client, site, email="nobody", extra="kept", _form="contact", _subject="Hi")
    (row,) = (await listed(client, key, site))["submissions"]
    assert (row["id"], row["data"]) == (name, {"email": "nobody", "extra": "kept"})
    assert (row["form"], row["status"], row["version"], row["files"], row["read_at"]) == (
        "contact",
        "accepted",
        1,
        [],
        None,
    )
    assert row["unknown_fields"] == ["extra"]
    assert {"field": "email", "problem": "not_an_email"} in row["problems"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["created_at"])


async def test_a_list_has_typed_columns(client: Client, key: str, site: dict[str, Any]) -> None:
    await sent(client, site, email="a@b.example", extra="x")
    columns = {each["name"]: each for each in (await listed(client, key, site))["columns"]}
    assert list(columns) == ["email", "message", "size", "extra"]
    assert (columns["email"]["type"], columns["size"]["options"]) == ("email", ["S", "M"])
    assert (columns["email"]["current"], columns["extra"]["current"]) == (True, False)


async def test_spam_is_apart_and_can_be_rescued_and_marked(client: Client, key: str, site: dict[str, Any]) -> None:
    name = await sent(client, site, email="a@b.example", _hp="bot")
    good = await sent(client, site, email="c@d.example")
    assert [row["id"] for row in (await listed(client, key, site))["submissions"]] == [good]
    (held,) = (await listed(client, key, site, "?status=spam"))["submissions"]
    assert (held["id"], held["status"], held["spam_reason"]) == (name, "spam", "honeypot")
    path = f"/submissions/{site['id']}/{name}"
    rescued = await client.api("PATCH", path, key=key, json={"status": "accepted", "read": True})
    assert (rescued.status, rescued.json["status"]) == (200, "accepted")
    assert rescued.json["read_at"]
    assert (await listed(client, key, site))["total"] == 2
    back = await client.api("PATCH", path, key=key, json={"status": "spam", "read": False})
    assert (back.json["status"], back.json["read_at"]) == ("spam", None)
    assert (await listed(client, key, site))["total"] == 1


@pytest.mark.parametrize("query,found", [
    ("?q=ada", 1), ("?q=LOVE", 1), ("?q=nothing", 0), ("?form=contact", 1), ("?since=2000-01-01T00:00:00Z", 3),
    ("?until=2000-01-01T00:00:00Z", 0), ("?q=example&form=contact", 1),
])  # fmt: skip
async def test_lists_are_narrowed(client: Client, key: str, query: str, found: int) -> None:
    made = (await client.api("POST", "/deploy", key=key, json={"html": FORM})).json
    await sent(client, made, email="ada@example.com", message="Lovelace")
    await sent(client, made, email="bob@example.com")
    await sent(client, made, email="eve@example.com", _form="contact")
    narrowed = await listed(client, key, made, query)
    assert (len(narrowed["submissions"]), narrowed["total"]) == (found, found)


async def test_exports_are_formula_safe(client: Client, key: str, site: dict[str, Any]) -> None:
    names = [await sent(client, site, email="a@b.example", message="=1+1", **{"@x": "y"}),
             await sent(client, site, email="ä@b.example", message='say "hi",\nplease')]  # fmt: skip
    path = f"/submissions/{site['id']}/export"
    answers = {form: await client.api("GET", f"{path}?format={form}", key=key) for form in ("csv", "json", "ndjson")}
    assert {form: each.status for form, each in answers.items()} == dict.fromkeys(answers, 200)
    rows = list(csv.DictReader(io.StringIO(answers["csv"].text, newline="")))
    assert list(rows[0])[:4] == ["id", "created_at", "form", "status"]
    assert [row["id"] for row in rows] == names[::-1]
    assert (rows[1]["message"], rows[0]["message"]) == ("'=1+1", 'say "hi",\nplease')
    assert "'@x" in rows[0]
    assert "attachment" in answers["csv"].headers["Content-Disposition"]
    shown = (await listed(client, key, site))["submissions"]
    assert answers["json"].json == shown
    assert [orjson.loads(line) for line in answers["ndjson"].text.splitlines()] == shown


async def test_a_submission_has_its_trace(
    client: Client, key: str, account: dict[str, str], site: dict[str, Any]
) -> None:
    name = await sent(client, site, email="a@b.example")
    await client.mail(account["email"], having=site["slug"])

    async def traced() -> None:
        found = (await client.api("GET", f"/submissions/{site['id']}/{name}", key=key)).json
        hops = {hop["hop"]: hop for hop in found["trace"]}
        assert (found["id"], hops["stored"]["status"], hops["mail"]["status"]) == (name, "accepted", "sent")
        assert all(set(hop) == {"hop", "at", "ms", "status", "detail"} for hop in found["trace"])

    await eventually(traced)


async def test_the_owner_tries_a_form(client: Client, key: str, site: dict[str, Any]) -> None:
    tried = await client.api("POST", f"/deploy/{site['id']}/test-form", key=key, json={})
    assert (tried.status, tried.json["complete"]) == (200, True), tried.text
    assert {hop["hop"]: hop["status"] for hop in tried.json["trace"]} == {"stored": "test", "mail": "sent"}
    named = await client.api("POST", f"/submit/{site['id']}", key=key, json={"email": "a@b.example", "_test": True})
    assert named.status == 200
    assert (await listed(client, key, site))["total"] == 0
    tests = (await listed(client, key, site, "?status=test"))["submissions"]
    assert [row["id"] for row in tests] == [named.json["id"], tried.json["id"]]
    assert (await client.api("GET", f"/deploy/{site['id']}", key=key)).json["submission_count"] == 0


async def test_the_ledger_is_honest(client: Client, key: str, site: dict[str, Any]) -> None:
    await sent(client, site, email="a@b.example")
    await sent(client, site, email="a@b.example", _hp="x")
    refused = await client.api("POST", f"/submit/{site['id']}", data=b"x", headers={"Content-Type": "text/csv"})
    assert refused.status == 415

    async def counted() -> None:
        days = (await client.api("GET", f"/submissions/{site['id']}/stats", key=key)).json["days"]
        sums = {name: sum(day[name] for day in days) for name in ("accepted", "held", "dropped")}
        assert sums == {"accepted": 1, "held": 1, "dropped": 1}
        assert days[-1]["reasons"]["held.honeypot"] == 1

    await eventually(counted, within=20)


async def test_submissions_are_deleted_one_and_many(client: Client, key: str, site: dict[str, Any]) -> None:
    names = [await sent(client, site, email=f"{n}@b.example") for n in range(4)]
    path = f"/submissions/{site['id']}"
    gone = await client.api("DELETE", f"{path}/{names[0]}", key=key)
    assert (gone.status, gone.json["id"]) == (200, names[0])
    many = await client.api("POST", f"{path}/delete", key=key, json={"ids": names[:3]})
    assert (many.status, many.json["deleted"]) == (200, 2)
    assert [row["id"] for row in (await listed(client, key, site))["submissions"]] == names[3:]
    assert (await client.api("GET", f"{path}/{names[0]}", key=key)).status == 404


async def test_files_are_taken_when_the_owner_allows_them(client: Client, key: str, site: dict[str, Any]) -> None:
    import aiohttp

    def form() -> aiohttp.FormData:
        made = aiohttp.FormData({"email": "a@b.example"})
        made.add_field("cv", b"<script>alert(1)</script>", filename="../my cv.html", content_type="text/html")
        return made

    path = f"/submit/{site['id']}"
    assert (await client.api("POST", path, data=form())).status == 415
    await client.api("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"files": True})

    async def taken() -> None:
        assert (await client.api("POST", path, data=form())).status == 200

    await eventually(taken)
    (row,) = (await listed(client, key, site))["submissions"]
    (file,) = row["files"]
    assert (file["field"], file["size"], row["data"]) == ("cv", 25, {"email": "a@b.example"})
    assert "/" not in file["name"]
    got = await client.call("GET", file["url"], key=key)
    assert (got.status, got.raw) == (200, b"<script>alert(1)</script>")
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.call("GET", file["url"])).status == 401


async def test_a_browser_is_thanked_in_the_pages_own_words(client: Client, key: str, site: dict[str, Any]) -> None:
    posted = await client.api("POST", f"/submit/{site['id']}", data={"email": "a@b.example"}, headers=BROWSER)
    page = await client.call("GET", posted.headers["Location"])
    assert 'lang="de"' in page.text
    assert "Warteliste" in page.text


async def test_next_leads_to_the_same_site_alone(client: Client, key: str, site: dict[str, Any]) -> None:
    for given, leads in (("/thanks.html", True), ("https://evil.example/", False), ("//evil.example/", False)):
        posted = await client.api("POST", f"/submit/{site['id']}", data={"_next": given}, headers=BROWSER)
        assert posted.status == 303
        assert (posted.headers["Location"] == site["url"] + given) is leads
        assert "evil" not in posted.headers["Location"]


async def test_a_field_that_was_answered_and_goes_is_said(client: Client, key: str, site: dict[str, Any]) -> None:
    await sent(client, site, email="a@b.example", message="hello")
    html = FORM.replace("name=message", "name=text")
    again = await client.api("PUT", f"/deploy/{site['id']}", key=key, json={"html": html})
    said = [each["message"] for each in again.json["warnings"] if each["code"] == "answered_field_removed"]
    assert len(said) == 1
    assert "message" in said[0]
