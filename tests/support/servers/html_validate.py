"""The HTML validator for the tests of composed pages, pinned in tests/browser/package.json."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.servers.axe import FOLDER, install
from tests.support.servers.machine import installing

INSTALLED = FOLDER / "node_modules" / "html-validate"
#: The standard and accessibility; how HTML is laid out and spelled is not asked for.
RULES = {
    "extends": ["html-validate:standard", "html-validate:a11y"],
    "rules": {"long-title": "off", "no-inline-style": "error", "require-sri": "off", "tel-non-breaking": "off"},
}


def complaints(pages: Mapping[str, str], folder: Path) -> list[str]:
    """Return what the validator finds in the pages, by their names."""
    pinned = json.loads((FOLDER / "package.json").read_text())["devDependencies"]["html-validate"]
    with installing():
        described = INSTALLED / "package.json"
        if not described.exists() or json.loads(described.read_text())["version"] != pinned:
            install()
    (folder / "rules.json").write_text(json.dumps({**RULES, "root": True}))
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    node = shutil.which("node") or "node"
    command = [node, str(INSTALLED / "bin/html-validate.mjs"), "--config", "rules.json", "--formatter", "json", "."]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.stdout.startswith("["), done.stderr
    return [
        f"{Path(page['filePath']).stem} {found['line']}:{found['column']} {found['ruleId']}: {found['message']}"
        for page in json.loads(done.stdout)
        for found in page["messages"]
    ]
