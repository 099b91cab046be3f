"""Wire the auth service: what it opens, in which order, and what it serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from services.auth import api, handlers, internal, pages, worker
from services.auth.access import ACCESS, ACCOUNTS, CONFIG, EXPORTS, KEYS, LOGINS, SESSIONS, TRAIL, USAGE, Access
from services.auth.config import Config
from services.auth.service.accounts import Accounts
from services.auth.service.checks import Checks
from services.auth.service.code_mails import CodeMails
from services.auth.service.exports import Exports
from services.auth.service.keys import Keys
from services.auth.service.last_used import LastUsed
from services.auth.service.logins import Logins
from services.auth.service.sessions import Sessions
from services.auth.service.trail import Trail
from services.auth.service.upkeep import Upkeep
from services.auth.usage import Usage
from shared import db, denials, http, jobs, origins, outbox, server
from shared.bus import Bus
from shared.callers import Callers
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
        last_used, trail = LastUsed(pool), Trail(pool)
        checks = Checks(pool, last_used)

        async def ready() -> None:
            await db.ping(pool)

        public = public_app(config)
        public.middlewares.append(denials.noting(trail.deny, config.trusted_proxies))
        public[TRAIL] = trail
        public[ACCESS] = Access(Callers(config, checks))
        public[KEYS] = Keys(pool, box, app_url=config.app_url)
        public[SESSIONS] = Sessions(pool, box)
        limiter = Limiter(enabled=config.rate_limits)
        code_mails = CodeMails(per_hour=config.login_mails_per_hour, enabled=config.rate_limits)
        public[LOGINS] = Logins(pool, box, limiter, code_mails, app_url=config.app_url)
        public[ACCOUNTS] = Accounts(pool, box, limiter, code_mails, app_url=config.app_url)
        usage = Usage(session, config.deploy_internal_url, config.service_token.get_secret_value())
        public[USAGE], public[EXPORTS] = usage, Exports(pool, usage)
        verify = internal.verify_first(checks, config.service_token.get_secret_value())
        async with (
            last_used.running(),
            server.serving(public) as outside,
            server.serving(server.internal_app(config, ready), around=verify) as inside,
            bus.consume(handlers.QUEUE, handlers.bound(trail)),
            jobs.working(worker.jobs(Upkeep(pool, box, app_url=config.app_url))),
        ):
            yield server.Service(name="auth", public=outside, internal=inside, ready=ready)


def public_app(config: Config) -> web.Application:
    """Return what the world sees: the API and the pages, on the hosts of the configuration alone."""
    app = http.application()
    app.middlewares.append(origins.known_hosts(config.app_url, config.api_url))
    app.middlewares.append(pages.friendly)
    app[CONFIG] = config
    app.add_routes(api.routes)
    app.add_routes(pages.routes)
    return app
