"""The accessibility engine for the browser tests, pinned in tests/browser/package.json."""

import json
from functools import cache
from pathlib import Path

from tests.support.servers.machine import installing, say
from tests.support.servers.npm import npm, npm_install

FOLDER = Path(__file__).parents[2] / "browser"
INSTALLED = FOLDER / "node_modules" / "axe-core"


@cache
def axe_source() -> str:
    """Give the engine's script; installed with npm, into a folder that git ignores, when it is not there yet."""
    pinned = json.loads((FOLDER / "package.json").read_text())["devDependencies"]["axe-core"]
    if installed_version() != pinned:
        npm()  # takes the lock, too
        with installing():
            if installed_version() != pinned:
                say("installing the accessibility engine axe-core")
                npm_install(FOLDER)
    return (INSTALLED / "axe.min.js").read_text()


def installed_version() -> str | None:
    described = INSTALLED / "package.json"
    return json.loads(described.read_text())["version"] if described.exists() else None
