"""What docs/assistants.md has people paste is what is shipped."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import invoker_mcp
from invoker_mcp import settings
from invoker_mcp.cli import codes

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "assistants.md").read_text()
CODE = re.findall(r"^```(\w+)\n(.+?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
STARTED = ("npx", ["-y", "invoker-mcp"])


def blocks(language: str) -> list[str]:
    return [text for found, text in CODE if found == language]


def test_every_configuration_starts_what_is_shipped() -> None:
    servers = [next(iter(json.loads(text).values())) for text in blocks("json")]
    servers += [tomllib.loads(text)["mcp_servers"] for text in blocks("toml")]
    assert len(servers) == 3
    for each in servers:
        assert (each["invoker"]["command"], each["invoker"]["args"]) == STARTED
        assert each["invoker"]["env"] == {"INVOKER_API_URL": settings.DEFAULT_API_URL}
    assert json.loads((ROOT / "clients" / "npm" / "package.json").read_text())["name"] == "invoker-mcp"


@pytest.mark.parametrize("file", ["README.md", "clients/npm/README.md"])
def test_so_do_the_readmes(file: str) -> None:
    shown = re.search(r"^```json\n(.+?)^```", (ROOT / file).read_text(), re.MULTILINE | re.DOTALL)
    assert shown
    invoker = json.loads(shown[1])["mcpServers"]["invoker"]
    assert (invoker["command"], invoker["args"]) == STARTED


def test_the_dashboard_shows_the_same() -> None:
    shown = (ROOT / "web" / "views" / "connect.js").read_text()
    assert 'invoker: { command: "npx", args: ["-y", "invoker-mcp"], env: { INVOKER_API_URL: apiUrl } }' in shown


def test_the_ci_example_is_the_file_and_names_this_version() -> None:
    (shown,) = blocks("yaml")
    assert shown == (ROOT / "docs" / "examples" / "deploy.yml").read_text()
    assert yaml.safe_load(shown)["jobs"]
    assert set(re.findall(r"invoker-mcp(?:==|@)([\d.]+)", DOCUMENT)) == {invoker_mcp.__version__}


def test_exit_codes_are_all_told() -> None:
    codes_told = {int(code) for code in re.findall(r"^\| (\d+) \| ", DOCUMENT, re.MULTILINE)}
    assert codes_told == {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}


def test_variables_are_those_that_are_read() -> None:
    told = set(re.findall(r"^\| `(INVOKER_[A-Z_]+)", DOCUMENT, re.MULTILINE))
    read = set[str]()
    for path in [
        *(ROOT / "clients" / "python" / "src").rglob("*.py"),
        *(ROOT / "clients" / "npm" / "lib").glob("*.js"),
    ]:
        read |= set(re.findall(r"environ(?:\.get\(\"|\[\"|\.)(INVOKER_[A-Z_]+)", path.read_text()))
    assert told == read


def test_tools_are_those_of_the_server() -> None:
    from invoker_mcp.server.tools import TOOLS

    table = DOCUMENT.partition("## What the assistant can do")[2].partition("\n\nA `deploy`")[0]
    assert set(re.findall(r"`(\w+)`", table)) == {tool.name for tool in TOOLS}


def test_commands_and_flags_are_those_of_the_command_line() -> None:
    from typer.main import get_command

    from invoker_mcp.cli.app import app

    commands: dict[str, Any] = {}
    for name, command in vars(get_command(app))["commands"].items():
        commands |= {f"{name} {each}": part for each, part in getattr(command, "commands", {"": command}).items()}
    table = DOCUMENT.partition("| `invoker …` | |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([a-z]+(?: [a-z]+)?)[ A-Z]*`", table))
    assert told == {name.strip() for name in commands}
    flags = {flag for command in commands.values() for param in command.params for flag in param.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", table)) <= flags
