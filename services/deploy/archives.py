"""Sites as archives, on their way in and out. Nothing here reads or writes files."""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Final

from services.deploy import tars, versions, zips
from services.deploy.unpacking import BadArchive, Budget

#: Types of a body that is an archive.
TYPES: Final = frozenset(
    {
        "application/zip",
        "application/x-zip-compressed",
        "application/gzip",
        "application/x-gzip",
        "application/x-tar",
        "application/x-gtar",
    }
)

#: A fixed moment: the same version is the same archive.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)


class _Out:
    """What a zip is written to: it keeps the bytes until they are taken, and cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        """Return what was written since."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


async def stream_zip(entries: AsyncIterable[tuple[str, AsyncIterator[bytes]]]) -> AsyncGenerator[bytes, None]:
    """Yield a zip of these files, each given as its path and its bytes in pieces."""
    out = _Out()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:  # type: ignore[call-overload]
        async for path, pieces in entries:
            facts = zipfile.ZipInfo(path, _MOMENT)
            facts.compress_type = zipfile.ZIP_DEFLATED
            facts.external_attr = 0o644 << 16
            with archive.open(facts, "w") as file:
                async for piece in pieces:
                    file.write(piece)
                    if taken := out.take():
                        yield taken
    yield out.take()


def read(data: bytes) -> dict[str, bytes]:
    """Return the files of a zip, tar or tar.gz by their checked paths, a folder around all of them left out.

    Raise BadArchive, TooLarge, BadPath. What it takes is bounded whatever the archive is (R67). For a thread.
    """
    budget = Budget()
    members = zips.read(data, budget) if data.startswith(zips.MAGIC) else tars.read(data, budget)
    # a list, so that the same name twice is seen
    found = list(members)
    if not found:
        raise BadArchive("The archive has no files")
    paths = versions.check_paths(name for name, _ in found)
    top = paths[0].partition("/")[0] + "/"
    if all(path.startswith(top) for path in paths):
        paths = [path.removeprefix(top) for path in paths]
    return dict(zip(paths, (content for _, content in found), strict=True))
