"""The public form in which visitors report a page, and what the operator gets of it."""

from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.deploy import commands
from tests.support.client import Answer
from tests.support.deploying import Deploy, deploying, settings
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth

OPERATOR = "abuse@invoker.example"


@pytest.fixture
async def deploy(database_url: str, tmp_path: Path, auth: FakeAuth) -> AsyncIterator[Deploy]:
    async with deploying(database_url, tmp_path / "blobs", auth, operator_email=OPERATOR) as running:
        yield running


def filled_in(site: dict[str, Any], **given: str) -> dict[str, str]:
    return {
        "url": site["url"],
        "reason": "phishing",
        "details": "My bank looks like this.",
        "email": "",
        "website": "",
    } | given


async def send(deploy: Deploy, form: dict[str, str], **given: Any) -> Answer:
    return await deploy.call("POST", "/report", data=form, headers={"Host": "localhost:8080"}, **given)


async def listed(deploy: Deploy, *handled: str) -> str:
    config = settings(deploy.database_url, deploy.blobs, "http://127.0.0.1:1")
    return await commands.reports(config, Namespace(handled=list(handled)))


async def test_the_form_needs_nothing_but_html(deploy: Deploy) -> None:
    page = await deploy.call("GET", "/report?url=http%3A%2F%2Fa.sites.localhost%2F%22%3E%3Cscript%3E")
    assert page.status == 200
    assert 'value="http://a.sites.localhost/&quot;&gt;&lt;script&gt;"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert "<script" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


async def test_a_report_reaches_the_operator(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    answer = await send(deploy, filled_in(site, email="grace@example.org"))
    assert answer.status == 200
    assert "a person will look at the page" in answer.text
    mails = await eventually(lambda: [each.data for each in deploy.bus.published if each.type == "mail.site_reported"])
    assert (mails[0]["to"], mails[0]["slug"], mails[0]["reply_to"]) == (OPERATOR, site["slug"], "grace@example.org")
    assert mails[0]["reason"].startswith("Phishing")
    text = await listed(deploy)
    assert mails[0]["report_id"] in text
    assert "My bank looks like this." in text
    assert await listed(deploy, mails[0]["report_id"]) == "No open reports."


async def test_what_visitors_write_cannot_move_the_operators_cursor(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    await send(deploy, filled_in(site, details="\x1b[2J\r\nrep_fake  handled\x07"))
    text = await listed(deploy)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize(
    "given, said",
    [
        ({"url": ""}, "give the address"),
        ({"url": "https://example.com/"}, "not the address of a page that is published here"),
        ({"url": "http://localhost:8080/dashboard"}, "not the address of a page"),
        ({"url": "\u202ehttp://x"}, "give the address"),
        ({"reason": "spite"}, "choose what is wrong"),
        ({"details": "x" * 2001}, "2,000 characters"),
        ({"email": "nobody"}, "cannot be written to"),
        ({"email": "a@b.c\nBcc: d@e.f"}, "cannot be written to"),
    ],
)
async def test_what_is_wrong_with_a_report_is_said_and_what_was_typed_stays(
    deploy: Deploy, key: str, given: dict[str, str], said: str
) -> None:
    site = await deploy.publish(key)
    answer = await send(deploy, filled_in(site, **given))
    assert answer.status == 400
    assert said in answer.text
    assert ("My bank looks like this." in answer.text) is ("details" not in given)
    assert await listed(deploy) == "No open reports."


async def test_a_program_that_fills_in_everything_is_thanked_and_not_read(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    assert (await send(deploy, filled_in(site, website="https://spam.example"))).status == 200
    assert await listed(deploy) == "No open reports."


async def test_a_visitor_reports_five_pages_an_hour(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key)
    assert [(await send(deploy, filled_in(site))).status for _ in range(5)] == [200] * 5
    limited = await send(deploy, filled_in(site))
    assert (limited.status, "in an hour" in limited.text) == (429, True)
    assert 0 < int(limited.headers["Retry-After"]) <= 3600


async def test_other_bodies_are_refused_with_a_page(deploy: Deploy) -> None:
    for given, status in (
        ({"json": {}}, 415),
        ({"data": b"a=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"data": {"details": "x" * 40_000}}, 413),
    ):
        answer = await deploy.call("POST", "/report", **given)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
