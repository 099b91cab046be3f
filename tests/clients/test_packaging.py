"""The Python package by itself: installed from its folder, it works without the rest of the checkout."""

import ast
import json
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import invoker_mcp

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "python"
#: The goal is 20 s; a busy machine or a slow line may take three times that.
LONGEST = 60
EVERYTHING = """
import importlib, importlib.util, pkgutil, sys
import invoker_mcp
for module in pkgutil.walk_packages(invoker_mcp.__path__, "invoker_mcp."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
ours = sorted(name for name in sys.modules if name.split(".")[0] in {"services", "shared", "tests"})
assert not ours, ours
assert importlib.util.find_spec("services") is importlib.util.find_spec("shared") is None
print(invoker_mcp.__file__)
"""


class Installed(NamedTuple):
    programs: Path
    seconds: float

    def run(self, program: str, *arguments: str) -> str:
        """Run one of its programs far from the checkout, and give what it prints."""
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(command, cwd=self.programs, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("packaging")
    # the build writes into what it builds
    built_from = shutil.copytree(PACKAGE, folder / "python", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    venv.create(folder / "environment", with_pip=True)
    programs = folder / "environment" / "bin"
    began = time.monotonic()
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(
        [str(programs / "python"), *pip, str(built_from)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield Installed(programs, time.monotonic() - began)
    shutil.rmtree(folder)


@pytest.mark.alone
def test_it_is_installed_while_one_waits(installed: Installed) -> None:
    assert installed.seconds < LONGEST


@pytest.mark.alone
def test_both_commands_say_their_version(installed: Installed) -> None:
    assert invoker_mcp.__version__ in installed.run("invoker", "--version")
    assert invoker_mcp.__version__ in installed.run("invoker-mcp", "--version")


@pytest.mark.alone
def test_every_module_is_there_and_needs_nothing_of_the_server(installed: Installed) -> None:
    place = installed.run("python", "-I", "-c", EVERYTHING)
    assert Path(place.strip()).is_relative_to(installed.programs.parent)


def test_the_source_names_nothing_of_the_server() -> None:
    strays = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (PACKAGE / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
        if name.split(".")[0] in {"services", "shared", "tests"}
    ]
    assert strays == []


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_all_say_the_same_version() -> None:
    described = re.search(r'^version = "(.+)"', (PACKAGE / "pyproject.toml").read_text(), re.MULTILINE)
    launcher = json.loads((ROOT / "clients" / "npm" / "package.json").read_text())
    assert described
    assert described[1] == launcher["version"] == invoker_mcp.__version__


def test_where_mcp_prints_a_command_for_any_folder(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts" / "where_mcp.py"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    said = subprocess.run(f"{printed.strip()} --version", shell=True, cwd=tmp_path, check=True, capture_output=True)  # noqa: S602 - as people paste it
    assert invoker_mcp.__version__ in said.stdout.decode()
