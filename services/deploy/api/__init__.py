"""The owner's API: `/deploy`, `/claim` and `/submissions`."""

from aiohttp import web

from services.deploy.api import claims, domains, recipients, settings, sites, submissions, versions

__all__ = ["routes"]

routes: list[web.AbstractRouteDef] = [
    *sites.routes,
    *versions.routes,
    *settings.routes,
    *domains.routes,
    *recipients.routes,
    *claims.routes,
    *submissions.routes,
]
