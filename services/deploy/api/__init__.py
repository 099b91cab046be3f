"""The owner's API: `/deploy`, `/claim`, `/submissions` and `/webhooks`."""

from aiohttp import web

from services.deploy.api import (
    claims,
    domains,
    events,
    exports,
    recipients,
    settings,
    sites,
    submissions,
    trials,
    versions,
    webhooks,
)

__all__ = ["routes"]

routes: list[web.AbstractRouteDef] = [
    *sites.routes,
    *versions.routes,
    *settings.routes,
    *domains.routes,
    *recipients.routes,
    *claims.routes,
    *trials.routes,
    # before the submissions of those names
    *exports.routes,
    *events.routes,
    *submissions.routes,
    *webhooks.routes,
]
