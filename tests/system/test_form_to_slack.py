"""The walk-through from a page with a form to a Slack message works word for word; Slack is a receiver of this test."""

import asyncio
import re
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web

from tests.support.client import Client, an_address
from tests.support.launched import ROOT
from tests.support.standalone import Standalone, running


def blocks() -> str:
    """Return the shell blocks from the page on; the address of Slack and the key are the test's."""
    text = (ROOT / "docs" / "form-to-slack.md").read_text()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text.split("## 2.", 1)[1], re.DOTALL))
    assert "SLACK_URL=https://hooks.slack.com/services/…" in script
    return script.replace("SLACK_URL=https://hooks.slack.com/services/…", "SLACK_URL=$OUR_SLACK")


async def walk(system: Standalone, directory: Path, slack: str) -> str:
    """Log in, run the blocks, and return what they print."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        key = (await Client(session, system.target).login(an_address()))["api_key"]
    script = f"API={system.target.api}\nOUR_SLACK={slack}\nexport INVOKER_API_KEY={key}\n" + blocks()
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, cwd=directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def test_the_walk_through_to_slack_works_word_for_word(tmp_path: Path) -> None:
    taken: list[bytes] = []

    async def slack(request: web.BaseRequest) -> web.Response:
        taken.append(await request.read())
        return web.Response(text="ok")

    runner = web.ServerRunner(web.Server(slack))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/services/T/B/x"
    with running(tmp_path / "data", INVOKER_WEBHOOK_ALLOW_PRIVATE="1") as system:
        out = await walk(system, tmp_path, url)
    await runner.cleanup()
    tried, sent = (orjson.loads(each) for each in taken)
    assert tried["blocks"]
    assert "The chain is off" in orjson.dumps(sent["blocks"]).decode()
    assert '"answer":"ok"' in out
    assert '"hop":"webhook"' in out
