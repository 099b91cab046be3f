"""What the host that a visitor asks names: a live site, one of its versions, or a domain of somebody's own. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from services.deploy import slugs
from services.deploy.config import Config
from shared import ids, origins

_VERSION: Final = re.compile(r"(.+)--v([1-9][0-9]{0,8})")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: Names that a registrar may have sold; no addresses: a last label is never a number.
_DOMAIN: Final = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")


@dataclass(frozen=True, slots=True)
class Name:
    """What to look up."""

    kind: Literal["id", "slug", "domain"]
    key: str
    #: A version, live or not; None is the live one.
    number: int | None = None


@lru_cache(4096)
def read(name: str) -> Name | None:
    """Read `slug`, `slug--v3`, `dep_…` or `example.com`; None when it is none of them."""
    if slugs.well_formed(name):
        return Name("slug", name)
    if version := _VERSION.fullmatch(name):
        return Name("slug", version[1], int(version[2])) if slugs.well_formed(version[1]) else None
    if ids.is_id(name, "dep"):
        return Name("id", name)
    return Name("domain", name) if _DOMAIN.fullmatch(name) else None


def reader(config: Config) -> Callable[[str], str | None]:
    """Return a function that tells what a Host header names: None for the app and API, "" for nobody's host."""
    suffix = config.site_suffix
    own = origins.names(config.app_url, config.api_url)

    @lru_cache(4096)
    def name_of(header: str) -> str | None:
        host = origins.without_port(header)
        if host in own:
            return None
        label = host.removesuffix(suffix)
        found = read(label)
        wanted = "domain" if label == host else "slug"
        return label if found is not None and found.kind == wanted else ""

    return name_of
