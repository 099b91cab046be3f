"""Certificates of custom domains as files that nginx finds by a visitor's server name: `<domain>.crt`, `<domain>.key`.

The directory's group may read them: it is the gateway's, whose worker processes open them at each handshake. A domain
keeps its key when its certificate is renewed, so that one rename is the whole change.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Owner and group; files get the directory's group.
_FILE: Final = 0o640
_DIRECTORY: Final = 0o2750
_NAME: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class Certificates:
    """The files of one directory; every call blocks for as long as a disk takes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def key(self, domain: str) -> bytes:
        """Return the domain's private key as PEM; made and written when there is none."""
        path = self._path(domain, "key")
        with suppress(FileNotFoundError):
            return path.read_bytes()
        # a costly import, and few processes make keys
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._write(path, made)
        return made

    def write(self, domain: str, chain: str) -> None:
        """Put a certificate, and those above it, where the gateway finds it; at once or not at all."""
        self._write(self._path(domain, "crt"), chain.encode())

    def remove(self, domain: str) -> None:
        """Remove certificate and key. Idempotent."""
        for kind in ("crt", "key"):
            self._path(domain, kind).unlink(missing_ok=True)

    def domains(self) -> Iterator[str]:
        """Yield the domains that have files here."""
        with suppress(FileNotFoundError):
            names = {path.stem for path in self._directory.iterdir() if path.suffix in {".crt", ".key"}}
            yield from sorted(name for name in names if _NAME.fullmatch(name))

    def _path(self, domain: str, kind: str) -> Path:
        if not _NAME.fullmatch(domain):
            raise ValueError("not a domain")
        return self._directory / f"{domain}.{kind}"

    def _write(self, path: Path, content: bytes) -> None:
        if not self._directory.is_dir():
            self._directory.mkdir(parents=True, exist_ok=True)
            # not with mkdir: the umask would take from it
            self._directory.chmod(_DIRECTORY)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, _FILE)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
