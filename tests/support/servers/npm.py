"""What tests need of npm: pinned in a package.json, installed beside it, into a folder that git ignores."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.support.servers.machine import MissingServerError, apt_install, can_install, installing, say


def installed(folder: Path, package: str) -> Path:
    """Give the folder of a package, installed when it is not there yet in the pinned version."""
    pinned = json.loads((folder / "package.json").read_text())["devDependencies"][package]
    there = folder / "node_modules" / package
    with installing():
        if _version(there) != pinned:
            _install(folder, package)
    return there


def _version(there: Path) -> str | None:
    described = there / "package.json"
    return json.loads(described.read_text())["version"] if described.exists() else None


def _install(folder: Path, package: str) -> None:
    if shutil.which("npm") is None and can_install():
        apt_install("npm")
    if shutil.which("npm") is None:
        message = f"no npm: install Node.js, for {package}"
        raise MissingServerError(message)
    say(f"installing {package}")
    # a lock file would hold the address of this machine's registry
    command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        message = f"npm could not install {package}:\n{done.stdout}{done.stderr}"
        raise MissingServerError(message)
