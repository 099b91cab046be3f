"""The owner's API: `/deploy`, `/claim`, `/submissions` and `/webhooks`."""

from aiohttp import web

from services.deploy.api import claims, domains, settings, sites, submissions, versions, webhooks

__all__ = ["routes"]

routes: list[web.AbstractRouteDef] = [
    *sites.routes,
    *versions.routes,
    *settings.routes,
    *domains.routes,
    *claims.routes,
    *submissions.routes,
    *webhooks.routes,
]
