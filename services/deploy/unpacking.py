"""What a site's archive may hold, whatever its format: limits, checked before and while it is unpacked (R67)."""

from dataclasses import dataclass
from typing import Final

from services.deploy import versions
from shared.errors import BadRequest, TooLarge

#: Bytes of all files: they are in memory together.
MAX_TOTAL: Final = 50 * versions.MIB
#: Files, folders and what is left out.
MAX_ENTRIES: Final = 4 * versions.MAX_FILES
#: Bytes of a file for one of the archive, where there is more than a little of it: text has 3 to 20.
MAX_RATIO: Final = 200
_LITTLE: Final = versions.MIB

_JUNK_FOLDER: Final = "__MACOSX/"
_JUNK: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


class BadArchive(BadRequest):
    """The body is no archive, or one with something in it that no site needs."""

    code = "bad_archive"
    hint = "Make it anew from the site's own files: 'zip -r site.zip .' or 'tar czf site.tgz .' in their folder."


@dataclass(slots=True)
class Budget:
    """How much of an archive has been taken; every method raises TooLarge when that is too much."""

    entries: int = 0
    files: int = 0
    size: int = 0

    def count(self) -> None:
        """Count an entry of any kind."""
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise TooLarge("The archive has too many entries", hint=f"At most {versions.MAX_FILES} files are taken.")

    def take(self, name: str, size: int, packed: int | None = None, *, counted: bool = True) -> None:
        """Count a file of this size, before it is unpacked. Raise BadArchive for what only a bomb packs so well."""
        self.files += counted
        self.size += size
        if self.files > versions.MAX_FILES:
            raise TooLarge("The archive has too many files", hint=f"At most {versions.MAX_FILES} files are taken.")
        if size > versions.MAX_FILE:
            raise TooLarge(f"The file '{shown(name)}' is too large", hint="At most 10 MiB a file are taken.")
        if self.size > MAX_TOTAL:
            raise TooLarge("The archive is too large when it is unpacked", hint="At most 50 MiB of files are taken.")
        if packed is not None and size > max(_LITTLE, packed * MAX_RATIO):
            raise BadArchive(f"The file '{shown(name)}' is {size} bytes in {packed}: that is no site's file")


def shown(name: str) -> str:
    """Return a name as a message may have it."""
    return "".join(char for char in name[:100] if char.isprintable()) + ("…" if len(name) > 100 else "")


def is_junk(name: str) -> bool:
    """Tell whether an entry is what a desktop adds to archives by itself."""
    last = name.rpartition("/")[2]
    return name.startswith(_JUNK_FOLDER) or last in _JUNK or last.startswith("._")
