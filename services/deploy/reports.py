"""What visitors report about sites, and which site an operator or a visitor means. Pure functions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from yarl import URL

from services.deploy import hosts
from services.deploy.config import Config
from shared import origins

#: What can be wrong with a page, by the word that is kept.
REASONS: Final = MappingProxyType(
    {
        "phishing": "Phishing: it pretends to be somebody else",
        "malware": "Malware: it spreads harmful software",
        "illegal": "It is against the law",
        "copyright": "It uses my work or brand without permission",
        "privacy": "It shows my personal data",
        "other": "Something else",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a visitor said of a page."""

    id: str
    #: Null where the address is no site's.
    deployment_id: str | None
    slug: str | None
    url: str
    reason: str
    details: str
    #: A mail address, or none.
    reporter: str | None
    created_at: datetime
    handled_at: datetime | None


def reader(config: Config) -> Callable[[str], str | None]:
    """Return a function that tells which site a text means: an id, a slug, a domain, or the address of a page.

    It returns what `hosts.read` reads, None for what is no site's.
    """
    name_of = hosts.reader(config)
    own = origins.names(config.app_url, config.api_url)

    def site_of(text: str) -> str | None:
        text = text.strip()
        if "/" not in text and "." not in text:
            return text if _is_site(text) else None
        try:
            url = URL(text if "://" in text else f"http://{text}")
            host = f"{url.raw_host or ''}".lower().removesuffix(".")
        except ValueError:
            return None
        if host in own:
            first, _, rest = url.raw_path.removeprefix("/").partition("/")
            name = rest.partition("/")[0] if first == "s" else ""
        else:
            name = name_of(host) or ""
        return _live(name) if name and _is_site(name) else None

    return site_of


def _is_site(name: str) -> bool:
    return hosts.read(name) is not None


def _live(name: str) -> str:
    """Return the site itself for one of its versions."""
    found = hosts.read(name)
    return found.key if found is not None else name
