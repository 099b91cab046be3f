"""Who sends a form: a page of the site itself, a page of somebody else, or the site's owner who tries it."""

import urllib.parse
from typing import Final

from aiohttp import hdrs, web

from services.deploy import access, fields, hosts
from services.deploy.access import CONFIG
from services.deploy.config import Config
from services.deploy.live import LiveSites
from services.deploy.store.sites import Site
from shared.callers import MissingScope
from shared.errors import AppError, Forbidden, Unavailable


class OwnPages:
    """Tells a site's own pages from others; one per process."""

    def __init__(self, live: LiveSites, config: Config) -> None:
        self._live = live
        self._config = config
        self._name_of = hosts.reader(config)

    async def origin(self, site: Site, given: str) -> str | None:
        """Return an origin if it is the site's: its own, a version's, or a domain of its. Raise Unavailable."""
        if given == self._config.site_url(site.slug):
            return given
        try:
            parts = urllib.parse.urlsplit(given)
        except ValueError:
            return None
        if parts.scheme not in {"http", "https"} or given != f"{parts.scheme}://{parts.netloc}":
            return None
        name = self._name_of(parts.netloc)
        found = await self._live.find(name) if name else None
        return given if found is not None and found.id == site.id else None


LIVE: Final = web.AppKey("live", LiveSites)
OWN_PAGES: Final = web.AppKey("own_pages", OwnPages)


class OriginNotAllowed(Forbidden):
    """The site's owner takes forms from certain pages alone, and this is none of them."""

    code = "origin_not_allowed"
    message = "This form may not be sent from this page"


async def require_owner(request: web.Request, site: Site) -> None:
    """Raise unless the request's key is the owner's and may do this.

    Unauthorized, ClaimFirst, MissingScope, DeploymentNotFound, Unavailable.
    """
    try:
        caller = await access.caller(request, "submissions")
    except MissingScope as error:
        if not error.caller.may("deploy"):
            raise
        caller = error.caller
    await request.app[access.DEPLOYMENTS].read(caller, site.id)


async def owns(request: web.Request, site: Site) -> bool:
    """Tell whether the request's key is the owner's."""
    try:
        await require_owner(request, site)
    except AppError:
        return False
    return True


async def require_allowed(request: web.Request, site: Site) -> None:
    """Raise OriginNotAllowed for a page that the owner has not named; what is no browser sends no Origin (R86)."""
    origin = request.headers.get(hdrs.ORIGIN)
    if not site.allowed_origins or origin is None or origin in site.allowed_origins:
        return
    if await request.app[OWN_PAGES].origin(site, origin) is None:
        raise OriginNotAllowed


async def next_page(request: web.Request, site: Site, wanted: str) -> str:
    """Return where a browser goes next: on the same site where the form says so, or where the owner wants it (R63)."""
    config = request.app[CONFIG]
    url = config.site_url(site.slug)
    try:
        here = await request.app[OWN_PAGES].origin(site, request.headers.get(hdrs.ORIGIN, "")) or url
    except Unavailable:
        # it is stored
        here = url
    if own := fields.next_page(wanted, here) or fields.next_page(wanted, url):
        return own
    # the owner's may be a path of the site, as _next may
    chosen = site.redirect and (f"{here}{site.redirect}" if site.redirect.startswith("/") else site.redirect)
    return chosen or f"{config.api_url}/submit/{site.id}/thanks"
