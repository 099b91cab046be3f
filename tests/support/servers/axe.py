"""The accessibility engine for the browser tests, pinned in tests/browser/package.json."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support.servers.machine import MissingServerError, apt_install, can_install, installing, say

FOLDER = Path(__file__).parents[2] / "browser"
INSTALLED = FOLDER / "node_modules" / "axe-core"


@cache
def axe_source() -> str:
    """Give the engine's script; installed with npm, into a folder that git ignores, when it is not there yet."""
    pinned = json.loads((FOLDER / "package.json").read_text())["devDependencies"]["axe-core"]
    with installing():
        if installed_version() != pinned:
            install()
    return (INSTALLED / "axe.min.js").read_text()


def installed_version() -> str | None:
    described = INSTALLED / "package.json"
    return json.loads(described.read_text())["version"] if described.exists() else None


def install() -> None:
    if shutil.which("npm") is None and can_install():
        apt_install("npm")
    if shutil.which("npm") is None:
        message = "no npm: install Node.js, for the accessibility engine axe-core"
        raise MissingServerError(message)
    say("installing the accessibility engine axe-core")
    # a lock file would hold the address of this machine's registry
    command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=FOLDER, check=False, capture_output=True, text=True)
    if done.returncode:
        message = f"npm could not install axe-core:\n{done.stdout}{done.stderr}"
        raise MissingServerError(message)
