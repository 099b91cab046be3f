"""The JSON API: logging in without a browser, keys, accounts, and what happened to them."""

from aiohttp import web

from services.auth.api import account, audit, keys, logins

__all__ = ["routes"]

routes: list[web.AbstractRouteDef] = [*logins.routes, *keys.routes, *account.routes, *audit.routes]
