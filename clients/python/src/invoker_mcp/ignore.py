"""What of a folder belongs to its site: regular files inside it, without what `.invokerignore` names."""

import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from invoker_mcp.errors import ClientError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".invokerignore"
#: Never part of a site; a line such as `!node_modules/` in `.invokerignore` takes one back.
ALWAYS = (
    ".git", ".hg", ".svn", ".bzr", "_darcs", ".jj", ".invoker.json", ".invokerignore", ".DS_Store", "Thumbs.db",
    ".env", ".env.*", ".ssh/", ".aws/", ".gnupg/",
    ".npmrc", ".netrc", ".pypirc", ".venv/", "__pycache__/", "node_modules/",
)  # fmt: skip
MOST_FILES = 1000
MOST_BYTES = 10 * 1024 * 1024


def files_of(folder: Path) -> dict[str, Path]:
    """Return the site's files by their paths in it, sorted; raise `ClientError` for what cannot be one."""
    found: dict[str, Path] = {}
    for path, file in _walk(folder, folder.resolve(), _spec(folder), ""):
        if path in found:
            raise ClientError(f"Two files are called {path}", hint="Their names differ in how accents are written.")
        found[path] = file
        if len(found) > MOST_FILES:
            raise ClientError(
                f"{folder} has more than {MOST_FILES:,} files", hint=f"Name what is no part of it in {IGNORE_FILE}."
            )
    if not found:
        raise ClientError(f"There is nothing to deploy in {folder}", hint="Is it the folder with index.html?")
    return dict(sorted(found.items()))


def _walk(folder: Path, root: Path, spec: "GitIgnoreSpec", above: str) -> Iterator[tuple[str, Path]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ClientError(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        path = above + _name(entry)
        if entry.is_dir(follow_symlinks=False):
            # A linked folder is not entered: it may lead out, or around in a circle.
            if not spec.match_file(path + "/"):
                yield from _walk(Path(entry.path), root, spec, path + "/")
        elif not spec.match_file(path) and (file := _regular(Path(entry.path), root)):
            yield path, file


def _regular(file: Path, root: Path) -> Path | None:
    """Return where the bytes are, unless that is outside the folder, nowhere, or no file."""
    try:
        real = file.resolve(strict=True)
        regular = stat.S_ISREG(real.stat().st_mode)
    except (OSError, RuntimeError):
        return None
    return real if regular and real.is_relative_to(root) else None


def _name(entry: os.DirEntry[str]) -> str:
    """Return a name as addresses have it: macOS keeps letters and their accents apart."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        raise ClientError(f"The name of {entry.path!a} is not UTF-8", hint="Rename it.") from None
    return unicodedata.normalize("NFC", entry.name)


def _spec(folder: Path) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec

    try:
        own = (folder / IGNORE_FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        own = []
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError(f"{IGNORE_FILE} cannot be read: {error}") from error
    return GitIgnoreSpec.from_lines([*ALWAYS, *own])
