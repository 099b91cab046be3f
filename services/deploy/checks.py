"""What is looked at before files go live: what would not work, and what must not be published. Pure functions."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from services.deploy import versions
from services.deploy.rules import Rules
from shared import credentials
from shared.errors import Invalid

_KEY: Final = re.compile(rb"inv_[0-9A-Za-z]{36}")
_PASSWORD: Final = re.compile(rb"""<input\b[^>]*\btype\s*=\s*["']?password\b""", re.IGNORECASE)


class KeyInFile(Invalid):
    """A file that was to be public has a real key in it."""

    code = "key_in_file"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was noticed about a file."""

    code: str
    message: str
    path: str
    line: int | None = None


class KeyScanner:
    """Looks for keys in bytes that come in pieces."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tail = b""

    def feed(self, piece: bytes) -> None:
        """Look at the next piece. Raise KeyInFile."""
        data = self._tail + piece
        for found in _KEY.finditer(data):
            if credentials.well_formed(found[0].decode()):
                raise KeyInFile(f"{self._name} contains an Invoker key", hint="Revoke it, take it out and try again.")
        self._tail = data[-39:]


def refuse(files: Mapping[str, bytes]) -> None:
    """Raise KeyInFile when a file has a key in it that passes the checksum."""
    for path, data in files.items():
        KeyScanner(f"The file {path!r}").feed(data)


def secrets(files: Mapping[str, tuple[bytes, str]]) -> Finding | None:
    """Return where a page asks for a password, None when none does."""
    for path, (data, kind) in files.items():
        if versions.is_html(kind) and _PASSWORD.search(data):
            return Finding("asks_for_secrets", f"The page {path!r} asks for a password", path)
    return None


def warnings(
    files: Mapping[str, tuple[bytes, str]], *, paths: Collection[str], is_spa: bool, rules: Rules, submit_url: str
) -> list[Finding]:
    """Return what will not work as it is meant."""
    del files, is_spa, rules, submit_url
    return [] if versions.INDEX in paths else [Finding("no_index", "There is no index.html", versions.INDEX)]
