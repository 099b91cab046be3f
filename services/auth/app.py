"""Wire the auth service: what it opens, in which order, and what it serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from services.auth import api, internal, pages
from services.auth.access import ACCESS, CONFIG, KEYS, LOGINS, USAGE, Access
from services.auth.config import Config
from services.auth.service.keys import Keys
from services.auth.service.logins import Logins
from services.auth.usage import Usage
from shared import db, http, origins, outbox, server
from shared.bus import Bus
from shared.limits import Limiter


@asynccontextmanager
async def open_service(config: Config, bus: Bus) -> AsyncIterator[server.Service]:
    """Open everything auth needs, and yield what it serves. Raise StaleSchema."""
    dsn = config.database_url.get_secret_value()
    async with (
        db.pool(dsn, "auth", size=config.database_pool_size) as pool,
        outbox.open_outbox(pool, bus) as box,
        aiohttp.ClientSession() as session,
    ):
        await db.check_schema(pool, "auth")
        keys = Keys(pool, box, app_url=config.app_url)
        logins = Logins(
            pool, box, Limiter(enabled=config.rate_limits), app_url=config.app_url, rate_limits=config.rate_limits
        )
        usage = Usage(session, config.deploy_internal_url, config.service_token.get_secret_value())

        async def ready() -> None:
            await db.ping(pool)

        inside = server.internal_app(config, ready)
        verify = internal.verify_first(keys, config.service_token.get_secret_value())
        async with (
            server.serving(public_app(config, keys, logins, usage)) as public,
            server.serving(inside, around=verify) as private,
        ):
            yield server.Service(name="auth", public=public, internal=private, ready=ready)


def public_app(config: Config, keys: Keys, logins: Logins, usage: Usage) -> web.Application:
    """Return what the world sees: the API and the pages, on the hosts of the configuration alone."""
    app = http.application()
    app.middlewares.append(origins.known_hosts(config.app_url, config.api_url))
    app.middlewares.append(pages.friendly)
    app[CONFIG] = config
    app[KEYS] = keys
    app[LOGINS] = logins
    app[USAGE] = usage
    app[ACCESS] = Access(config, keys)
    app.add_routes(api.routes)
    app.add_routes(pages.routes)
    return app
