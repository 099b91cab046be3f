"""Where the API is and where this machine keeps what belongs to it: read once, from flags and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard
from urllib.parse import urlsplit

from invoker_mcp.errors import ClientError

#: The system that `make run` starts; a distribution for a public one changes this line.
DEFAULT_API_URL = "http://localhost:8080/api"
PATIENCE = 60.0
ON = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says; a flag goes before it."""

    api_url: str = DEFAULT_API_URL
    home: Path = field(default_factory=lambda: Path.home() / ".invoker")
    #: The key of INVOKER_API_KEY, which no print of this shows.
    api_key: str | None = field(default=None, repr=False)
    no_browser: bool = False
    #: Whether a keyring is tried before the file.
    keyring: bool = True
    connect_timeout: float = 5.0
    timeout: float = PATIENCE

    @property
    def credentials_file(self) -> Path:
        return self.home / "credentials.json"


def load(
    environ: Mapping[str, str],
    *,
    api_url: str | None = None,
    home: Path | None = None,
    no_browser: bool | None = None,
    timeout: float | None = None,
) -> Settings:
    """Return the settings; raise `ClientError` for an address that is not http or https."""
    named_home = home or (Path(environ["INVOKER_HOME"]).expanduser() if environ.get("INVOKER_HOME") else None)
    return Settings(
        api_url=web_address(api_url or environ.get("INVOKER_API_URL") or DEFAULT_API_URL),
        home=named_home or Path.home() / ".invoker",
        api_key=environ.get("INVOKER_API_KEY", "").strip() or None,
        no_browser=environ.get("INVOKER_NO_BROWSER", "").lower() in ON if no_browser is None else no_browser,
        keyring=environ.get("INVOKER_KEYRING", "on").lower() in ON,
        timeout=timeout or PATIENCE,
    )


def web_address(url: str) -> str:
    """Return the address without a slash at its end, if programs may be sent there."""
    try:
        parts = urlsplit(url.strip())
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    else:
        named = named and parts.scheme in {"http", "https"} and "@" not in parts.netloc
        named = named and not parts.query and not parts.fragment
    if not named or not url.strip().isprintable():
        raise ClientError(
            "INVOKER_API_URL is not the address of an API", hint=f"It is http or https, such as {DEFAULT_API_URL}."
        )
    return url.strip().rstrip("/")


def is_web_page(url: object) -> TypeGuard[str]:
    """Whether a browser may be sent there: http or https to a host, without anything that hides where it leads."""
    if not isinstance(url, str) or not url.isprintable() or any(sign in url for sign in ' "<>\\^`{|}'):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
