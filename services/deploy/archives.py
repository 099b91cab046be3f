"""Sites as archives. Nothing here reads or writes files."""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Final

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
