"""MCP Inspector, the protocol's own tool, lists and calls what the server has."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.assistant import COMMAND, PAGE, environment, serving_http
from tests.support.client import Client, Target, an_address
from tests.support.servers.npm import installed

pytestmark = pytest.mark.server


@pytest.fixture(scope="session")
def inspector() -> Path:
    """Give its program."""
    there = installed(Path(__file__).parent, "@modelcontextprotocol/inspector")
    return there.parents[1] / ".bin" / "mcp-inspector"


def inspect(inspector: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    given = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
    done = subprocess.run(
        [str(inspector), "--cli", *given, *arguments], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_lists_and_calls_tools_over_stdio(inspector: Path, target: Target, tmp_path: Path) -> None:
    env, server = environment(target.api, tmp_path), (sys.executable, *COMMAND)
    tools = inspect(inspector, *server, "--method", "tools/list", **env)["tools"]
    assert [tool["name"] for tool in tools][::20] == ["login", "undo"]
    asked = ("--method", "tools/call", "--tool-name", "deploy", "--tool-arg", f"html={PAGE}")
    made = inspect(inspector, *server, *asked, **env)
    assert made["structuredContent"]["version"] == 1
    assert [each["uri"] for each in inspect(inspector, *server, "--method", "resources/list", **env)["resources"]]
    assert len(inspect(inspector, *server, "--method", "prompts/list", **env)["prompts"]) == 5


async def test_it_calls_tools_over_http_with_a_key(
    inspector: Path, target: Target, person: Client, tmp_path: Path
) -> None:
    account = await person.login(an_address())
    asked = ("--transport", "http", "--header", f"Authorization: Bearer {account['api_key']}")
    with serving_http(environment(target.api, tmp_path), tmp_path / "log") as url:
        me = inspect(inspector, url, *asked, "--method", "tools/call", "--tool-name", "whoami")
    assert me["structuredContent"]["email"] == account["email"]
