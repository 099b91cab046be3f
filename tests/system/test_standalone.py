"""`make run` as a user meets it: one command, all of it, and nothing lost however it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client, an_address
from tests.support.launched import ROOT
from tests.support.ports import free_port
from tests.support.standalone import Standalone, running
from tests.support.timing import once_within

FORM = '<form action="{{SUBMIT_URL}}" method=post><input name=email><button>Join</button></form>'


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session that keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


async def the_journey(client: Client) -> tuple[str, str, str]:
    """Log in, put a page live, send its form, read the submission and the notice; return key, id and slug."""
    email = an_address()
    key = (await client.login(email))["api_key"]
    site = (await client.api("POST", "/deploy", key=key, json={"html": FORM})).json
    page = await client.site(site["slug"])
    assert f"{client.target.api}/submit/{site['id']}" in page.text
    sent = await client.api("POST", f"/submit/{site['id']}", data={"email": "ada@example.com"})
    assert sent.json["message"] == "Submission received"
    rows = (await client.api("GET", f"/submissions/{site['id']}", key=key)).json["submissions"]
    assert [row["data"] for row in rows] == [{"email": "ada@example.com"}]
    notice = await client.mail(email, having=site["slug"])
    assert "ada@example.com" in notice["Text"]
    return key, site["id"], site["slug"]


async def test_the_journey_survives_kill_9_and_a_clean_stop(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    with running(tmp_path / "data", INVOKER_RATE_LIMITS="off") as system:
        client = Client(session, system.target)
        key, deployment, slug = await the_journey(client)
        mails = (await client.call("GET", f"{system.target.mailbox}/api/v1/messages")).json["total"]

        for end in (system.kill, system.stop):
            await once_within(5, partial(started_again, system, end))
            assert (await client.site(slug)).status == 200
            rows = (await client.api("GET", f"/submissions/{deployment}", key=key)).json
            assert rows["total"] == 1
            listed = (await client.call("GET", f"{system.target.mailbox}/api/v1/messages")).json
            assert listed["total"] == mails
        await the_journey(client)


async def started_again(system: Standalone, end: Callable[[], object]) -> float:
    """End it, and return how long it then took to start."""
    end()
    return system.start()


async def test_a_mail_not_sent_when_it_was_killed_is_sent_after_the_next_start(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """R33 in small: a login answered 202 leads to a mail, whatever happens in between.

    One that the mailer had in hand when it died waits for its claim to end; here that is 4 s.
    """
    with running(tmp_path / "data", module="tests.support.short_lease", INVOKER_RATE_LIMITS="off") as system:
        client = Client(session, system.target)
        addresses = [an_address() for _ in range(8)]
        for address in addresses:
            body = {"verifier_hash": "0" * 64}
            started = (await client.api("POST", "/auth/session", json=body)).json["session_id"]
            asked = await client.api("POST", "/auth/otp", json={"session_id": started, "email": address})
            assert asked.status == 202
        system.kill()
        system.start()
        for address in addresses:
            assert await client.code(address)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_by_signal_is_clean(tmp_path: Path, number: int) -> None:
    with running(tmp_path / "data") as system:
        began = time.monotonic()
        assert system.stop(number) == 0
        assert time.monotonic() - began < 30
        assert not (tmp_path / "data" / "postgres" / "postmaster.pid").exists(), "the database still runs"
        assert "Traceback" not in system.output


def test_it_says_where_everything_is_and_what_to_try(tmp_path: Path) -> None:
    with running(tmp_path / "data") as system:
        for text in (system.target.app, system.target.api, system.target.mailbox, "curl -X POST"):
            assert text in system.output
        assert (tmp_path / "data" / "invoker.log").exists()


async def test_two_run_side_by_side(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    with running(tmp_path / "a") as one, running(tmp_path / "b") as other:
        for system in (one, other):
            answer = await Client(session, system.target).call("GET", f"{system.target.app}/readyz")
            assert answer.status == 200


def test_a_second_start_on_the_same_data_is_refused_in_words(tmp_path: Path) -> None:
    with running(tmp_path / "data"), pytest.raises(AssertionError, match="already runs"):
        Standalone(tmp_path / "data").start()


@pytest.mark.parametrize(
    "name,value", [("RATE_LIMITS", "maybe"), ("SITES_URL", "http://{slug}"), ("DATA_DIR", "/dev/null/x")]
)
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    out = refused(tmp_path, 78, **{f"INVOKER_{name}": value})
    assert out.startswith(f"configuration: INVOKER_{name}: ")
    assert not (tmp_path / "data" / "postgres").exists(), "nothing is made before the settings are right"


def test_a_port_in_use_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        out = refused(tmp_path, 1, INVOKER_PORT=str(other.getsockname()[1]))
    assert out.startswith("Port ")
    assert "INVOKER_PORT=" in out


def refused(tmp_path: Path, code: int, **environment: str) -> str:
    """Start a standalone that cannot, and return the one line that it writes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVOKER_")}
    given = {"INVOKER_PORT": str(free_port()), "INVOKER_DATA_DIR": str(tmp_path / "data"), **environment}
    command = [sys.executable, "-m", "services.standalone"]
    ended = subprocess.run(command, cwd=ROOT, env=kept | given, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


async def test_its_operator_takes_sites_down_from_another_terminal(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with running(tmp_path / "data") as system:
        client = Client(session, system.target)
        slug = (await client.api("POST", "/deploy", json={"html": "<p>hello"})).json["slug"]
        assert (await client.site(slug)).status == 200, "it is known by now"
        for words, status in ((("takedown", slug, "--reason", "It is a test."), 451), (("reinstate", slug), 200)):
            done = await asyncio.to_thread(operate, system.directory, *words)
            assert (done.returncode, "untold" in done.stderr) == (0, False), done.stderr
            assert (await client.site(slug)).status == status
        wrong = await asyncio.to_thread(operate, system.directory, "reinstate", "nobody")
        assert (wrong.returncode, "There is no such site." in wrong.stderr) == (1, True)
        for asked, said in ((("suppress", "Ada@example.com"), "gets no mails"), (("suppressed",), "ada@example.com")):
            done = await asyncio.to_thread(operate, system.directory, *asked)
            assert (done.returncode, said in done.stdout) == (0, True), done.stderr
        system.stop()
        gone = await asyncio.to_thread(operate, system.directory, "reports")
        assert (gone.returncode, "does not run on" in gone.stderr) == (1, True)


def operate(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask what runs there to do something."""
    return subprocess.run(
        [sys.executable, "-m", "services.standalone", *words], cwd=ROOT, timeout=60, check=False,
        capture_output=True, text=True, env={**os.environ, "INVOKER_DATA_DIR": str(directory)},
    )  # fmt: skip
