"""The system's keyring, where the extra is installed and it answers soon; else there is the file."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

SERVICE = "invoker"
#: A keyring may open a window and wait for somebody who is not there.
PATIENCE = 3.0

T = TypeVar("T")


def get(api_url: str) -> str | None:
    return _soon(lambda keyring: _text(keyring.get_password(SERVICE, api_url)))


def put(api_url: str, key: str) -> bool:
    """Keep a key, and say whether the keyring gives it back."""

    def keep(keyring: Any) -> bool:
        keyring.set_password(SERVICE, api_url, key)
        return bool(keyring.get_password(SERVICE, api_url) == key)

    return _soon(keep) or False


def delete(api_url: str) -> None:
    _soon(lambda keyring: keyring.delete_password(SERVICE, api_url))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _soon(call: Callable[[Any], T]) -> T | None:
    """Return what the keyring says within its time; None when there is none, it fails, or it takes longer."""
    said: list[T] = []

    def ask() -> None:
        try:
            import keyring

            # Below one are those that keep nothing, and those that keep it in a file as plain as ours.
            if keyring.get_keyring().priority >= 1:
                said.append(call(keyring))
        except Exception:  # noqa: BLE001, S110 - backends raise whatever their libraries raise
            pass

    # A daemon: a keyring that waits for ever does not keep the process from ending.
    thread = threading.Thread(target=ask, name="keyring", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return said[0] if said else None
