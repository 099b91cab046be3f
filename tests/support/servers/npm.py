"""Node.js's package manager, for the tests that need something of it."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.support.servers.machine import MissingServerError, apt_install, can_install, installing, say


def npm() -> str:
    """Give where npm is; installed as a system's package when it is not there yet."""
    if shutil.which("npm") is None and can_install():
        with installing():
            if shutil.which("npm") is None:
                apt_install("npm")
    found = shutil.which("npm")
    if found is None:
        message = "no npm: install Node.js 18 or newer"
        raise MissingServerError(message)
    return found


def npm_install(folder: Path, *packages: str, offline: bool = False) -> None:
    """Install what the folder's package.json names, or these; without a lock file, which would name a registry.

    Whoever holds the lock of `installing` has called `npm` before: it takes the same one.
    """
    quiet = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    command = [npm(), "install", *quiet, *(["--offline"] if offline else []), *packages]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        message = f"npm could not install {packages or 'what is pinned'} in {folder}:\n{done.stdout}{done.stderr}"
        raise MissingServerError(message)


def installed(folder: Path, package: str) -> Path:
    """Give the folder of a package that a package.json pins; installed beside it when it is not there yet."""
    pinned = json.loads((folder / "package.json").read_text())["devDependencies"][package]
    there = folder / "node_modules" / package
    if _version(there) != pinned:
        npm()  # takes the lock, too
        with installing():
            if _version(there) != pinned:
                say(f"installing {package}")
                npm_install(folder)
    return there


def _version(there: Path) -> str | None:
    described = there / "package.json"
    return str(json.loads(described.read_text())["version"]) if described.exists() else None
