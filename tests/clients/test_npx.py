"""The npx launcher: its own tests, and the packed package in an empty folder, where it starts the real server."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import invoker_mcp
from tests.support.servers.npm import npm, npm_install

CLIENTS = Path(__file__).parents[2] / "clients"
LAUNCHER = CLIENTS / "npm"
REAL = shlex.join(["env", f"PYTHONPATH={CLIENTS / 'python' / 'src'}", sys.executable, "-m", "invoker_mcp.server.main"])
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
STAND_IN = {
    "invoker_mcp/__init__.py": "",
    "invoker_mcp/server/__init__.py": "",
    "invoker_mcp/server/main.py": "import sys\nprint('stand-in', *sys.argv[1:])\n",
    "invoker_mcp-0.1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: invoker-mcp\nVersion: 0.1.0\n",
    "invoker_mcp-0.1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "invoker_mcp-0.1.0.dist-info/RECORD": "",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an empty folder into which the packed launcher was installed."""
    folder = tmp_path_factory.mktemp("npx")
    command = [npm(), "pack", "--silent", "--pack-destination", str(folder), str(LAUNCHER)]
    packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
    npm_install(folder, f"./{packed}", offline=True)
    return folder


def npx(folder: Path, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["npx", "--offline", "-y", "invoker-mcp", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "INVOKER_HOME": str(folder / "home"), **environment},
        input=given,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_its_own_tests_pass() -> None:
    npm()  # brings Node along
    tests = sorted(str(path) for path in (LAUNCHER / "test").glob("*.test.js"))
    done = subprocess.run(["node", "--test", *tests], cwd=LAUNCHER, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_package_is_small_and_has_no_dependencies(folder: Path) -> None:
    installed = folder / "node_modules" / "invoker-mcp"
    assert [path.name for path in (folder / "node_modules").iterdir() if path.name[0] != "."] == ["invoker-mcp"]
    assert not (installed / "test").exists()
    assert sum(path.stat().st_size for path in installed.rglob("*") if path.is_file()) < 32 * 1024


def test_npx_says_the_servers_version(folder: Path) -> None:
    done = npx(folder, "--version", INVOKER_MCP_COMMAND=REAL)
    assert (done.returncode, invoker_mcp.__version__ in done.stdout) == (0, True), done.stderr


def test_npx_starts_the_server_and_all_of_stdout_is_the_protocol(folder: Path) -> None:
    done = npx(folder, given=json.dumps(INITIALIZE) + "\n", INVOKER_MCP_COMMAND=REAL)
    (answer,) = map(json.loads, done.stdout.splitlines())
    assert answer["id"] == 1
    assert answer["result"]["protocolVersion"] == "2025-11-25"
    assert "tools" in answer["result"]["capabilities"]


def test_npx_with_python_alone_makes_an_environment(folder: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "invoker_mcp-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in STAND_IN.items():
            archive.writestr(name, text)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, path in (("python3", sys.executable), ("node", shutil.which("node")), ("sh", shutil.which("sh"))):
        # a script, since a linked Python would not know its own environment
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(path))} "$@"\n')
        (programs / name).chmod(0o755)
    alone = {"PATH": str(programs), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [str(programs / "node"), str(folder / "node_modules" / ".bin" / "invoker-mcp"), "--http", "a b"]
    environment = {**os.environ, **alone, "INVOKER_MCP_SOURCE": str(wheel), "PYTHONPATH": ""}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "stand-in --http a b\n"), done.stderr
    assert "first start" in done.stderr
