"""The accessibility engine for the browser tests, pinned in tests/browser/package.json."""

from functools import cache
from pathlib import Path

from tests.support.servers.npm import installed

FOLDER = Path(__file__).parents[2] / "browser"


@cache
def axe_source() -> str:
    """Give the engine's script."""
    return (installed(FOLDER, "axe-core") / "axe.min.js").read_text()
