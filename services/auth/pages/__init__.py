"""The pages: plain HTML that works without JavaScript, and the shell of the dashboard, which does not."""

from aiohttp import web

from services.auth.pages import assets, claim, dashboard, home, login
from services.auth.pages.render import friendly

__all__ = ["friendly", "routes"]

routes: list[web.AbstractRouteDef] = [*home.routes, *login.routes, *dashboard.routes, *claim.routes, *assets.routes]
