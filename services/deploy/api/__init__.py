"""The owner's API: `/deploy`, `/claim` and `/submissions`."""

from aiohttp import web

from services.deploy.api import claims, domains, events, exports, settings, sites, submissions, trials, versions

__all__ = ["routes"]

routes: list[web.AbstractRouteDef] = [
    *sites.routes,
    *versions.routes,
    *settings.routes,
    *domains.routes,
    *claims.routes,
    *trials.routes,
    # before the submissions of those names
    *exports.routes,
    *events.routes,
    *submissions.routes,
]
