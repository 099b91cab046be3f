"""The journey through three processes, RabbitMQ and SMTP: from the login's mail to the submission's notice."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.client import an_address, until_refused
from tests.support.direct import Direct
from tests.support.timing import once_within


async def test_the_whole_journey(direct: Direct) -> None:
    email = an_address()
    account = await direct.login(email)
    key = account["api_key"]
    assert (await direct.mail(email, having="key"))["To"][0]["Address"] == email
    site = (await direct.api("POST", "/deploy", key=key, json={"html": '<a href="{{SUBMIT_URL}}">x</a>'})).json
    assert (await direct.site(site["slug"])).status == 200
    sent = await direct.api("POST", f"/submit/{site['id']}", json={"email": "ada@example.com"})
    assert sent.status == 200
    assert "ada@example.com" in (await direct.mail(email, having=site["slug"]))["Text"]
    me = (await direct.api("GET", "/auth/me", key=key)).json
    assert me["usage"] == {"deployments": 1, "limit": 5}


async def test_r40_the_code_is_in_the_mailbox_within_two_seconds(direct: Direct) -> None:
    """From the POST to SMTP's 250 and the mail's place in the mailbox: p95 of an idle system."""
    loop, took = asyncio.get_running_loop(), []
    for _ in range(20):
        email = an_address()
        started, _ = await direct.session()
        began = loop.time()
        await direct.api("POST", "/auth/otp", json={"session_id": started["session_id"], "email": email})
        await direct.code(email)
        took.append(loop.time() - began)
    assert sorted(took)[18] <= 2, took


async def test_a_revoked_key_is_refused_by_another_process_within_a_second(direct: Direct) -> None:
    key = (await direct.login(an_address()))["api_key"]
    await once_within(1, lambda: until_refused(direct, key))


async def test_visitors_need_deploy_alone(direct: Direct) -> None:
    """R49, R82: with auth and mailer gone, pages are served and forms taken; a key unknown here is 503, never 401."""
    key = (await direct.login(an_address()))["api_key"]
    fresh = (await direct.api("POST", "/keys", key=key, json={})).json["key"]
    site = (await direct.api("POST", "/deploy", key=key, json={"html": "<p>hi</p>"})).json
    direct._system.auth.kill()
    direct._system.mailer.kill()
    assert (await direct.site(site["slug"])).status == 200
    assert (await direct.api("POST", f"/submit/{site['id']}", json={"a": 1})).status == 200
    assert (await direct.api("GET", "/deploy", key=key)).status == 200, "seen valid within 300 s"
    unknown = await direct.api("GET", "/deploy", key=fresh)
    assert (unknown.status, unknown.headers["Retry-After"]) == (503, "1")


async def test_each_process_stops_cleanly(direct: Direct) -> None:
    for service in direct._system.services:
        assert service.stop() == 0, service.log.read_text()


def test_missing_configuration_is_named_and_nothing_starts(tmp_path: Path) -> None:
    for name in ("auth", "deploy", "mailer"):
        process = processes.Process(name, tmp_path)
        with pytest.raises(AssertionError) as refused:
            process.start()
        assert "INVOKER_DATABASE_URL: is required" in str(refused.value)
        assert "INVOKER_SERVICE_TOKEN: is required" in str(refused.value)


async def test_serving_refuses_a_stale_schema(tmp_path: Path, database: Callable[..., str]) -> None:
    """Serving never migrates: it says which command does."""
    environment = {
        "INVOKER_DATABASE_URL": database(),
        "INVOKER_AMQP_URL": "amqp://127.0.0.1:1/",
        "INVOKER_SERVICE_TOKEN": processes.TOKEN,
        "INVOKER_DEPLOY_INTERNAL_URL": "http://127.0.0.1:1",
    }
    process = processes.Process("auth", tmp_path, **environment)
    with pytest.raises(AssertionError, match=r"services\.auth migrate"):
        process.start()
