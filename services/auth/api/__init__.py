"""The JSON API: logging in without a browser, keys, and accounts."""

from aiohttp import web

from services.auth.api import account, keys, logins

__all__ = ["routes"]

routes: list[web.AbstractRouteDef] = [*logins.routes, *keys.routes, *account.routes]
