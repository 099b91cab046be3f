"""The rule for leak scanners: a planted key is found, what only looks like one is not, and our own files have none."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared import credentials
from tests.test_ground_rules import ROOT, tracked

CONFIG = ROOT / ".gitleaks.toml"
RULES: dict[str, Any] = tomllib.loads(CONFIG.read_text())
(RULE,) = RULES["rules"]

Scan = Callable[[Path], list[str]]


def as_read(folder: Path) -> list[str]:
    """Scan as gitleaks does: keyword, expression, its group, and what the rule allows."""
    allowed = [re.compile(regex) for entry in RULE["allowlists"] for regex in entry["regexes"]]
    texts = [path.read_text() for path in folder.iterdir()]
    return sorted(
        match[RULE["secretGroup"]]
        for text in texts
        if any(word in text.lower() for word in RULE["keywords"])
        for match in re.finditer(RULE["regex"], text, re.ASCII)
        if not any(each.search(match[0]) for each in allowed)
    )


def by_gitleaks(folder: Path) -> list[str]:
    """Scan with gitleaks itself."""
    report = folder.with_suffix(".json")
    command = [
        "gitleaks",
        "dir",
        folder,
        "--config",
        CONFIG,
        "--report-path",
        report,
        "--exit-code",
        "0",
        "--no-banner",
    ]
    subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=60)
    return sorted(each["Secret"] for each in json.loads(report.read_text()) if each["RuleID"] == RULE["id"])


#: The binary joins in wherever it is installed.
SCANNERS: list[Scan] = [as_read, *([by_gitleaks] if shutil.which("gitleaks") else [])]

PLACES = [
    "INVOKER_API_KEY={}\n",
    'curl -H "Authorization: Bearer {}" https://api.example/keys',
    '{{"api_key":"{}"}}',
    "https://example.com/?key={}&x=1",
    "as _{}_ in Markdown, or my_{}_old",
    "{}",
]


@pytest.mark.parametrize("scan", SCANNERS)
def test_r53_a_planted_key_is_found_wherever_it_stands(scan: Scan, tmp_path: Path) -> None:
    """R53: in a file of settings, a command, JSON, an address, prose."""
    planted = []
    folder = tmp_path / "repository"
    folder.mkdir()
    for number, place in enumerate(PLACES):
        keys = [credentials.mint() for _ in range(place.count("{}"))]
        planted += keys
        (folder / f"{number}.txt").write_text(place.format(*keys))
    assert scan(folder) == sorted(planted)


@pytest.mark.parametrize("scan", SCANNERS)
def test_r53_what_only_looks_like_a_key_is_not_found(scan: Scan, tmp_path: Path) -> None:
    """R53: another length or prefix, a sign inside, what documentation shows."""
    key = credentials.mint()
    alike = [key[:-1], key + "0", "inf_" + key[4:], key[:20] + "-" + key[21:], key.replace("inv_", "inv-"), "x" + key]
    alike += ["inv_" + "0" * 36, "inv_" + "x" * 36, "inv_" + "EXAMPLE".center(36, "a"), credentials.hint(key)]
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "notes.txt").write_text("\n".join(alike))
    assert scan(folder) == []


def test_the_rule_finds_the_form_and_the_checksum_tells_real_keys() -> None:
    """A word of the form with a wrong checksum is no key: it can be told offline, nobody need be asked."""
    key = credentials.mint()
    forged = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert re.search(RULE["regex"], forged)
    assert (credentials.well_formed(key), credentials.well_formed(forged)) == (True, False)


def test_no_file_of_ours_has_a_key() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [path.name for match in re.finditer(RULE["regex"], text) if credentials.well_formed(match[1])]
    assert found == []
