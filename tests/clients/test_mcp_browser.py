"""login opens the browser of BROWSER, which may print what it likes and sees nothing of the conversation."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from tests.support.assistant import REVISIONS, approve, environment, over_stdio
from tests.support.client import Client, Target, an_address
from tests.support.eventually import eventually

pytestmark = [pytest.mark.server, pytest.mark.skipif(os.name == "nt", reason="the browser is a shell script")]


def a_browser(folder: Path) -> Path:
    """Make a program that prints, reads its input to the end, and keeps the address it was given."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\necho "{{not json"\ncat\necho "$1" > "{folder}/opened"\n')
    script.chmod(stat.S_IRWXU)
    return script


def read(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


async def test_login_opens_the_browser_and_waits(target: Target, person: Client, tmp_path: Path) -> None:
    env = environment(target.api, tmp_path / "home", BROWSER=str(a_browser(tmp_path)))
    del env["INVOKER_NO_BROWSER"]
    email = an_address()
    async with over_stdio(env, REVISIONS["2025-11-25"]) as assistant:
        waiting = asyncio.create_task(assistant.ask("login"))

        async def opened() -> str:
            address = await asyncio.to_thread(read, tmp_path / "opened")
            assert address.startswith(target.app)
            return address

        await approve(person, {"login_url": await eventually(opened)}, email)
        done = await waiting
    assert (done["status"], done["email"]) == ("logged_in", email)
    assert assistant.keys == []
