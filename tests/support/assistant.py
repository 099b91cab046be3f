"""An AI assistant's side of the MCP server: the SDK's own client, over both transports, in both revisions."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from tests.support.client import Client as Person
from tests.support.ports import free_port

SOURCE = Path(__file__).parents[2] / "clients" / "python" / "src"
COMMAND = ("-m", "invoker_mcp.server.main")
#: The client's `mode` for each revision of the protocol.
REVISIONS = {"2026-07-28": "2026-07-28", "2025-11-25": "legacy"}
KEY = re.compile(r"inv_[0-9A-Za-z]{36}")


def environment(api: str, home: Path, **more: str) -> dict[str, str]:
    """Give what a client of an MCP server sets: where the API is, and nothing of this machine's own."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    ours = {
        "PYTHONPATH": str(SOURCE),
        "INVOKER_API_URL": api,
        "INVOKER_HOME": str(home),
        "INVOKER_NO_BROWSER": "1",
        "INVOKER_KEYRING": "off",
    }
    return kept | ours | more


@dataclass
class Assistant:
    """Calls tools, and keeps all that it was ever told."""

    client: Client
    told: list[str] = field(default_factory=list)

    async def call(self, name: str, *, progress: Any = None, **given: Any) -> CallToolResult:
        answer = await self.client.call_tool(name, given, progress_callback=progress)
        self.told.append(answer.model_dump_json())
        return answer

    async def ask(self, name: str, **given: Any) -> dict[str, Any]:
        """Call a tool that succeeds, and give its data."""
        answer = await self.call(name, **given)
        assert not answer.is_error, text(answer)
        assert isinstance(answer.structured_content, dict)
        return answer.structured_content

    async def mistake(self, name: str, **given: Any) -> str:
        """Call a tool that fails, and give what it says."""
        answer = await self.call(name, **given)
        assert answer.is_error, text(answer)
        return text(answer)

    @property
    def keys(self) -> list[str]:
        return KEY.findall("\n".join(self.told))


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tea</title></head><body><h1>Tee</h1>
<form method="post" action="{{SUBMIT_URL}}"><label>Mail <input name="email" type="email"></label>
<input name="_hp" hidden><button>Join</button></form></body></html>"""


async def approve(person: Person, started: dict[str, Any], email: str) -> None:
    """Do what the user does in the browser: give the address, read the mail, type the code."""
    session = started["login_url"].rpartition("/")[2]
    asked = await person.api("POST", "/auth/otp", json={"session_id": session, "email": email})
    assert asked.status == 202, asked.text
    body = {"session_id": session, "code": await person.code(email)}
    approved = await person.api("POST", "/auth/verify", json=body)
    assert approved.json == {"status": "approved"}, approved.text


def text(answer: CallToolResult) -> str:
    return "\n".join(part.text for part in answer.content if isinstance(part, TextContent))


@asynccontextmanager
async def over_stdio(
    env: dict[str, str], mode: str, *, log: Path | None = None, **client: Any
) -> AsyncIterator[Assistant]:
    """Start the server as assistants do, and talk with it."""
    parameters = StdioServerParameters(command=sys.executable, args=list(COMMAND), env=env)
    with (log or Path(os.devnull)).open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode=mode, **client) as connected:
            yield Assistant(connected)


@asynccontextmanager
async def over_http(url: str, mode: str, *, key: str | None = None) -> AsyncIterator[Assistant]:
    """Talk with a server that runs, with this key or none."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as connected,
    ):
        yield Assistant(connected)


@contextmanager
def serving_http(env: dict[str, str], log: Path) -> Iterator[str]:
    """Start the server over HTTP, and give its address."""
    port = free_port()
    command = [sys.executable, *COMMAND, "--http", "--port", str(port)]
    with log.open("ab") as out, subprocess.Popen(command, env=env, stdout=out, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{port}/mcp"
            _until_up(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def _until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
        except HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not answer")
