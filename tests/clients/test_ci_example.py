"""docs/examples/deploy.yml: its steps, run as CI runs them, against a real system."""

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.client import Client

ROOT = Path(__file__).parents[2]
STEPS: dict[str, str] = {
    step["name"]: step["run"]
    for step in yaml.safe_load((ROOT / "docs" / "examples" / "deploy.yml").read_text())["jobs"]["deploy"]["steps"]
    if "name" in step
}


@pytest.fixture
async def key(person: Client, account: dict[str, str]) -> str:
    """Give a key for CI as the file says to make it: for one site, to deploy."""
    own = account["api_key"]
    made = await person.api("POST", "/deploy", key=own, json={"slug": "my-site", "html": "<h1>One</h1>"})
    assert made.status < 300, made.text
    asked: dict[str, Any] = {"name": "CI of my-site", "scopes": ["deploy"], "site": "my-site"}
    return str((await person.api("POST", "/keys", key=own, json=asked)).json["key"])


async def step(name: str, checkout: Path, **environment: str) -> tuple[int, str, str]:
    """Run a step as a runner does; give its exit code, its summary and what it said."""
    programs, summary = checkout / "bin", checkout / "summary"
    programs.mkdir(exist_ok=True)
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'clients' / 'python' / 'src')!r}); "
    invoker = shlex.join([sys.executable, "-c", start + "from invoker_mcp.cli import main; main()"])
    (programs / "invoker").write_text(f'#!/bin/sh\nexec {invoker} "$@"\n')
    (programs / "invoker").chmod(0o755)
    told = {"GITHUB_STEP_SUMMARY": str(summary), "CI": "true", "INVOKER_HOME": str(checkout / "home"), **environment}
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]],
        cwd=checkout,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **told},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, summary.read_text() if summary.exists() else "", done.stdout + done.stderr


def page(checkout: Path, text: str) -> None:
    (checkout / "public").mkdir(exist_ok=True)
    (checkout / "public" / "index.html").write_text(f"<!doctype html><title>Mine</title><h1>{text}</h1>")


async def test_a_preview_then_a_push(person: Client, key: str, tmp_path: Path) -> None:
    page(tmp_path, "Two")
    environment = {"INVOKER_API_URL": person.target.api, "INVOKER_API_KEY": key}
    code, summary, said = await step("Preview", tmp_path, **environment)
    assert (code, summary[:9]) == (0, "Preview: "), said
    assert "One" in (await person.site("my-site")).text
    code, summary, said = await step("Publish", tmp_path, **environment)
    assert code == 0, said
    assert summary.splitlines()[-1] == f"Live: http://{person.target.site_host.format(slug='my-site')}"
    assert "Two" in (await person.site("my-site")).text
    assert key not in said


async def test_a_step_fails_when_the_deploy_does(person: Client, tmp_path: Path) -> None:
    page(tmp_path, "Two")
    nobodys = {"INVOKER_API_URL": person.target.api, "INVOKER_API_KEY": "inv_" + "0" * 36}
    code, summary, said = await step("Publish", tmp_path, **nobodys)
    assert (code, summary) == (3, ""), said
