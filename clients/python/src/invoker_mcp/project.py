"""Which site was made last from a folder: `.invoker.json` in it, and the tokens of nobody's sites in the home."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoker_mcp import locks
from invoker_mcp.errors import ClientError
from invoker_mcp.settings import Settings, is_web_page

PROJECT_FILE = ".invoker.json"
SITE_ID = re.compile(r"dep_[0-9A-Za-z]{16,32}")
TOKEN = re.compile(r"tok_[0-9A-Za-z_-]{20,80}")


@dataclass(frozen=True, slots=True)
class Project:
    """A folder, or one file in a folder, that becomes a site of one API."""

    settings: Settings
    source: Path
    #: Its site is nobody's: a site of the person's own is another one.
    anonymous: bool = False

    @property
    def _file(self) -> Path:
        return (self.source if self.source.is_dir() else self.source.parent) / PROJECT_FILE

    @property
    def _name(self) -> str:
        name = "." if self.source.is_dir() else self.source.name
        return f"{name} (anonymous)" if self.anonymous else name

    def site(self) -> str | None:
        """Return the id of the site that was made last from here."""
        found = _object(_object(_load(self._file)).get(self.settings.api_url)).get(self._name)
        site = _object(found).get("id")
        return site if isinstance(site, str) and SITE_ID.fullmatch(site) else None

    def remember(self, made: dict[str, Any]) -> None:
        """Keep which site it is; a folder that cannot be written to is no reason to fail."""
        if not SITE_ID.fullmatch(str(made.get("id"))):
            return
        row = {"id": made["id"], "slug": made.get("slug")}
        kept = _load(self._file)
        of_api = _object(kept.get(self.settings.api_url))
        if of_api.get(self._name) == row:
            return
        with suppress(OSError, ClientError):
            locks.write_private(
                self._file, json.dumps({**kept, self.settings.api_url: {**of_api, self._name: row}}, indent=2) + "\n"
            )
            self._file.chmod(0o644)

    def token(self, site: str) -> str | None:
        """Return the claim token of a site that nobody has claimed, if it was made on this machine."""
        token = self._claim(site).get("token")
        return token if isinstance(token, str) and TOKEN.fullmatch(token) else None

    def claim_url(self, site: str) -> str | None:
        url = self._claim(site).get("claim_url")
        return url if is_web_page(url) else None

    def keep_claim(self, site: str, token: str, claim_url: object) -> None:
        with locks.held(self.settings.home / "claims.lock"):
            # The newest hundred: such a site is gone after a day.
            kept = dict(list(_load(self._claims).items())[-99:])
            claim = {"token": token, "claim_url": claim_url}
            locks.write_private(self._claims, json.dumps({**kept, site: claim}, indent=2) + "\n")

    def _claim(self, site: str) -> dict[str, Any]:
        return _object(_load(self._claims).get(site))

    @property
    def _claims(self) -> Path:
        return self.settings.home / "claims.json"


def _load(file: Path) -> dict[str, Any]:
    try:
        return _object(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
