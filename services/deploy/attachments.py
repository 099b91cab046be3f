"""A file that a visitor sent, on its way in: what is small stays in memory, the rest lies in a file without a name."""

import asyncio
import hashlib
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any, Final

from shared import ids, parsing

MAX_FILES: Final = 5
MAX_FILE: Final = 5 * 1024 * 1024
#: Bytes of one file that are in memory at most, but for those that came last.
IN_MEMORY: Final = 128 * 1024
MAX_NAME: Final = 100
OCTETS: Final = "application/octet-stream"

_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
#: What browsers write in a name for what would end it (HTML, 4.10.21.8).
_ESCAPES: Final = (("%22", '"'), ("%0D", " "), ("%0A", " "))
#: What some system takes for more than a letter.
_SPECIAL: Final = str.maketrans(dict.fromkeys('"<>:|?*', "_"))


class Attachment:
    """One file of a form. Whoever holds it closes it."""

    def __init__(self, field: str, name: str, kind: str) -> None:
        self.id: Final = ids.new_id("fil")
        #: What the store calls its bytes: nothing that anybody chose or could guess.
        self.blob: Final = secrets.token_hex(20)
        self.field, self.name, self.type, self.size = field, name, kind, 0
        self._hash = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._file: tempfile._TemporaryFileWrapper[bytes] | None = None

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    @property
    def content(self) -> bytes | Path:
        """What came, after the last `spill`."""
        return Path(self._file.name) if self._file is not None else b"".join(self._pieces)

    def shown(self) -> dict[str, Any]:
        """Return what its submission says of it."""
        return {"id": self.id, "field": self.field, "name": self.name, "type": self.type, "size": self.size}

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.size += len(piece)
        self._hash.update(piece)
        self._pieces.append(piece)
        self._waiting += len(piece)

    async def spill(self, *, last: bool = False) -> None:
        """Write down what is too much for the memory; of a file that has begun to be written, at `last` the rest."""
        if self._waiting > IN_MEMORY or (last and self._file is not None):
            if self._file is None:
                self._file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - closed with the whole
            pieces, self._pieces, self._waiting = self._pieces, [], 0
            await asyncio.to_thread(_write, self._file, pieces)

    def close(self) -> None:
        """Give up the bytes."""
        if self._file is not None:
            self._file.close()


def _write(file: "tempfile._TemporaryFileWrapper[bytes]", pieces: list[bytes]) -> None:
    file.writelines(pieces)
    file.flush()


def clean_name(raw: bytes) -> str:
    """Return the last part of a declared name, as a person sees it and any system can keep it."""
    text = raw.decode("utf-8", "replace")
    for escape, meant in _ESCAPES:
        text = text.replace(escape, meant)
    text = parsing.visible(text.replace("\\", "/").rpartition("/")[2]).translate(_SPECIAL).strip(" .")
    stem, dot, ending = text.rpartition(".")
    if len(text) > MAX_NAME:
        kept = dot + ending if dot and len(ending) <= 10 else ""
        text = (stem if kept else text)[: MAX_NAME - len(kept)] + kept
    return text or "file"


def clean_type(raw: bytes) -> str:
    """Return the declared type without its parameters; for what is none, the one of bytes that nobody knows."""
    bare = raw.decode("latin-1").partition(";")[0].strip().lower()
    return bare if _TYPE.fullmatch(bare) else OCTETS
