"""Files that several processes of one person share: one writer at a time, and never half a file."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from invoker_mcp.errors import ClientError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, *, within: float = 10.0) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when the process ends, however that is."""
    private_folder(path.parent)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        until = time.monotonic() + within
        while True:
            try:
                _try_lock(handle)
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise ClientError(f"Another process holds {path.name}", hint="Try again in a moment.") from error
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that its owner alone can read; readers see the old one or the new one, whole."""
    private_folder(path.parent)
    try:
        _replace(path, text)
    except OSError as error:
        raise _not_written(path, error) from error


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from its first moment
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def private_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> ClientError:
    return ClientError(f"{path} cannot be written: {error.strerror}", hint="INVOKER_HOME names another place.")
