"""What is looked at when a site is published, through the API: whichever way its bytes come."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import credentials
from tests.support.client import Answer
from tests.support.deploying import Deploy

LOST = "<!doctype html><title>t</title>\n<form><input></form>\n<a href=/none>x</a><img src=http://other.example/x.png>"
FOUND = ["form_goes_nowhere", "input_without_name", "missing_file", "insecure_content"]
PASSWORD = "<p>\n<input type=password name=p>"


def codes(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [warning["code"] for warning in answer.json["warnings"]]


async def apart(deploy: Deploy, key: str, files: dict[str, str], **body: Any) -> tuple[dict[str, Any], list[Answer]]:
    """Deploy files by digest and send their bytes; return the site and what the uploads were answered."""
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    named = [{"path": path, "sha256": digests[path], "size": len(text.encode())} for path, text in files.items()]
    made = (await deploy.call("POST", "/deploy", key=key, json={"files": named, **body})).json
    uploads = [
        await deploy.call("PUT", f"/deploy/{made['id']}/blobs/{digests[path]}", key=key, data=text.encode())
        for path, text in files.items()
    ]
    return made, uploads


async def publish(deploy: Deploy, key: str, made: dict[str, Any]) -> Answer:
    return await deploy.call("POST", f"/deploy/{made['id']}/publish", key=key, json={"version": made["version"]})


async def test_every_way_of_publishing_answers_with_what_is_probably_a_mistake(deploy: Deploy, key: str) -> None:
    made = await deploy.call("POST", "/deploy", key=key, json={"html": LOST})
    assert codes(made) == FOUND
    assert made.json["warnings"][2] == {
        "code": "missing_file",
        "message": "index.html line 3: '/none' leads to '/none', which is not there; "
        "add the file, or correct the address",
        "path": "index.html",
        "line": 3,
    }
    path = f"/deploy/{made.json['id']}"
    assert codes(await deploy.call("PUT", path, key=key, json={"html": LOST})) == FOUND
    edits = [{"path": "index.html", "find": "<form>", "replace": "<form action='{{SUBMIT_URL}}' method=post>"}]
    assert codes(await deploy.call("PATCH", path, key=key, json={"edits": edits})) == FOUND[1:]
    assert codes(await deploy.call("POST", f"{path}/publish", key=key, json={"version": 1})) == FOUND


async def test_files_that_come_apart_are_looked_at_when_all_are_there(deploy: Deploy, key: str) -> None:
    made, uploads = await apart(deploy, key, {"index.html": LOST, "a.css": "a { src: url(x.png) }"}, favicon="🚀")
    assert [answer.status for answer in uploads] == [200, 200]
    assert made["warnings"] == []
    assert codes(await publish(deploy, key, made)) == [*FOUND, "missing_file"]
    assert "image/svg+xml" in (await deploy.site(made["slug"])).text


async def test_a_key_in_a_file_that_comes_apart_is_refused(deploy: Deploy, key: str) -> None:
    made, uploads = await apart(deploy, key, {"index.html": "<p>", "a.js": f"\n\n'{credentials.mint()}'"})
    assert [answer.status for answer in uploads] == [200, 422]
    assert uploads[1].json["code"] == "key_in_file"
    assert uploads[1].json["line"] == 3
    refused = await publish(deploy, key, made)
    assert (refused.status, refused.json["code"]) == (409, "incomplete_version")
    assert len(refused.json["missing"]) == 1


async def test_wrong_rules_are_not_published_however_they_come(deploy: Deploy, key: str) -> None:
    rules = "/a /b\n/c\n"
    files = [{"path": "index.html", "content": "x"}, {"path": "_redirects", "content": rules}]
    inline = await deploy.call("POST", "/deploy", key=key, json={"files": files})
    made, _ = await apart(deploy, key, {"index.html": "x", "_redirects": rules})
    for answer in (inline, await publish(deploy, key, made)):
        assert (answer.status, answer.json["code"]) == (422, "bad_rules")
        assert answer.json["problems"] == [
            {"file": "_redirects", "line": 2, "message": "names no target; write '/c /target 301'"}
        ]
    assert (await deploy.site(made["slug"])).status == 404


@pytest.mark.parametrize("way", ["inline", "apart", "edited"])
async def test_r73_a_young_accounts_page_that_asks_for_passwords_is_held(deploy: Deploy, way: str) -> None:
    """R73: pages with password inputs from accounts younger than 24 h are held for review, whichever way they come."""
    created = ((datetime.now(UTC) - timedelta(hours=hours)).isoformat() for hours in (23, 25))
    young, old = (deploy.key(account_created_at=moment) for moment in created)
    for key, status in ((young, 403), (old, 200)):
        if way == "inline":
            answer = await deploy.call("POST", "/deploy", key=key, json={"html": PASSWORD})
        elif way == "apart":
            made, _ = await apart(deploy, key, {"index.html": PASSWORD})
            answer = await publish(deploy, key, made)
        else:
            made = await deploy.publish(key, html="<p>hello")
            edits = [{"path": "index.html", "find": "hello", "replace": "<input type=password>"}]
            answer = await deploy.call("PATCH", f"/deploy/{made['id']}", key=key, json={"edits": edits})
        assert answer.status == status, answer.text
        if status == 403:
            assert answer.json["code"] == "held_for_review"
            assert "index.html line" in answer.json["error"]
            assert "held_until" in answer.json


async def test_a_page_that_grows_too_large_by_its_forms_address_is_refused(deploy: Deploy, key: str) -> None:
    body = io.BytesIO(b'{"html": "' + b"{{SUBMIT_URL}}" * 400_000 + b'"}')
    answer = await deploy.call("POST", "/deploy", key=key, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (413, "too_large")
