"""The person's key: where it came from, and where a login's key is kept – a keyring, else a file of mode 0600."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from invoker_mcp import keyrings, locks
from invoker_mcp.errors import ClientError
from invoker_mcp.settings import Settings

Source = Literal["flag", "environment", "keyring", "file", "claim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What calls are made with; its print has no key."""

    key: str = field(repr=False)
    source: Source
    email: str | None = None
    key_id: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def hint(self) -> str:
        """Enough of the key to tell it from others, as lists of keys show it."""
        return f"{self.key[:8]}…{self.key[-4:]}" if len(self.key) > 24 else "…"


def find(settings: Settings, flag_key: str | None = None) -> Credential | None:
    """Return the key to use: the flag's, the environment's, the keyring's, the file's."""
    if flag_key:
        return Credential(key=usable(flag_key), source="flag")
    if settings.api_key:
        return Credential(key=usable(settings.api_key), source="environment")
    return saved(settings)


def saved(settings: Settings) -> Credential | None:
    """Return the key of a login at this API, if there is one."""
    kept = _read(settings)
    # A key goes to the API that gave it, whatever the address is set to since.
    if kept is None or kept.get("api_url") != settings.api_url:
        return None
    key, source = kept.get("api_key"), "file"
    if key is None and kept.get("keyring"):
        key, source = keyrings.get(settings.api_url), "keyring"
    if not isinstance(key, str) or not key:
        return None
    return Credential(
        key=usable(key),
        source="keyring" if source == "keyring" else "file",
        email=_text(kept.get("email")),
        key_id=_text(kept.get("key_id")),
        created_at=moment(kept.get("created_at")),
        expires_at=moment(kept.get("expires_at")),
    )


def save(settings: Settings, credential: Credential) -> Credential:
    """Keep a login's key, and return it with where it is kept."""
    with locks.held(settings.home / "credentials.lock"):
        return _write(settings, credential)


def replace(settings: Settings, old: Credential, new: Credential) -> bool:
    """Keep the new key unless somebody has kept another one meanwhile; say whether it was kept."""
    with locks.held(settings.home / "credentials.lock"):
        now = saved(settings)
        if now is None or now.key != old.key:
            return False
        _write(settings, new)
        return True


def forget(settings: Settings) -> bool:
    """Remove what a login kept; say whether there was something."""
    with locks.held(settings.home / "credentials.lock"):
        kept = _read(settings)
        if kept and kept.get("keyring"):
            keyrings.delete(str(kept.get("api_url")))
        there = settings.credentials_file.exists()
        settings.credentials_file.unlink(missing_ok=True)
        return there


def elsewhere(settings: Settings) -> str | None:
    """Return the address of the other API that this machine is logged in at, if that is why there is no key."""
    kept = _read(settings)
    at = _text(kept.get("api_url")) if kept else None
    return at if at != settings.api_url else None


def usable(key: str) -> str:
    """Return a key that can stand in a header; the error for another one does not repeat it."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key or not 8 <= len(key) <= 200:
        raise ClientError("The API key is not one: it has the wrong length or characters", hint="Keys begin with inv_.")
    return key


def moment(value: Any) -> datetime | None:
    """Return an RFC 3339 time, or None for anything else."""
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def stamp(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _read(settings: Settings) -> dict[str, Any] | None:
    try:
        kept = json.loads(settings.credentials_file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def _write(settings: Settings, credential: Credential) -> Credential:
    in_keyring = settings.keyring and keyrings.put(settings.api_url, credential.key)
    kept: dict[str, Any] = {
        "api_url": settings.api_url,
        "key_id": credential.key_id,
        "email": credential.email,
        "created_at": stamp(credential.created_at),
        "expires_at": stamp(credential.expires_at),
    }
    kept |= {"keyring": True} if in_keyring else {"api_key": credential.key}
    locks.write_private(settings.credentials_file, json.dumps(kept, indent=2) + "\n")
    return Credential(
        key=credential.key,
        source="keyring" if in_keyring else "file",
        email=credential.email,
        key_id=credential.key_id,
        created_at=credential.created_at,
        expires_at=credential.expires_at,
    )
