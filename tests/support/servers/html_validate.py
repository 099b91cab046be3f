"""The HTML validator for the tests of composed pages, pinned in tests/browser/package.json."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.servers.axe import FOLDER
from tests.support.servers.npm import installed

#: The standard and accessibility; how HTML is laid out and spelled is not asked for.
RULES = {
    "extends": ["html-validate:standard", "html-validate:a11y"],
    "rules": {"long-title": "off", "no-inline-style": "error", "require-sri": "off", "tel-non-breaking": "off"},
}


def complaints(pages: Mapping[str, str], folder: Path) -> list[str]:
    """Return what the validator finds in the pages, by their names."""
    program = installed(FOLDER, "html-validate") / "bin" / "html-validate.mjs"
    (folder / "rules.json").write_text(json.dumps({**RULES, "root": True}))
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    node = shutil.which("node") or "node"
    command = [node, str(program), "--config", "rules.json", "--formatter", "json", "."]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.stdout.startswith("["), done.stderr
    return [
        f"{Path(page['filePath']).stem} {found['line']}:{found['column']} {found['ruleId']}: {found['message']}"
        for page in json.loads(done.stdout)
        for found in page["messages"]
    ]
