"""Wire the deploy service: what it opens, in which order, and what it serves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from services.deploy import (
    access,
    api,
    collecting,
    forms,
    handlers,
    internal,
    proofs,
    report_form,
    sites,
    subscriptions,
    worker,
)
from services.deploy.blobs import Blobs
from services.deploy.certificates import Certificates
from services.deploy.challenges import Challenges
from services.deploy.changed import open_changes
from services.deploy.config import Config
from services.deploy.live import LiveSites
from services.deploy.service.archives import Archives
from services.deploy.service.claims import Claims
from services.deploy.service.deployments import Deployments
from services.deploy.service.domains import DomainService
from services.deploy.service.edits import Edits
from services.deploy.service.moderation import Moderation
from services.deploy.service.publishing import Publishing
from services.deploy.service.recipients import Recipients
from services.deploy.service.telling import Telling
from services.deploy.service.upkeep import Upkeep
from services.deploy.service.uploads import Uploads
from shared import auth_client, db, denials, http, jobs, limits, outbox, server
from shared.bus import Bus
from shared.callers import Callers

if TYPE_CHECKING:
    from services.deploy.service.certificates import CertificateService

NAME = "deploy"


@asynccontextmanager
async def open_service(config: Config, bus: Bus) -> AsyncIterator[server.Service]:
    """Open everything the service needs, and close it in reverse. Raise StaleSchema before it serves anything."""
    dsn, token = config.database_url.get_secret_value(), config.service_token.get_secret_value()
    async with (
        db.pool(dsn, NAME, size=config.database_pool_size) as pool,
        auth_client.connect(config.auth_internal_url, token) as checker,
        outbox.open_outbox(pool, bus) as messages,
        AsyncExitStack() as stack,
    ):
        await db.check_schema(pool, NAME)
        live = LiveSites(pool)
        changes = await stack.enter_async_context(open_changes(pool, live, config))
        blobs = Blobs(config.blobs_url, {name: each.get_secret_value() for name, each in config.blobs_options.items()})
        telling = Telling(changes)
        deployments = Deployments(pool, messages, telling, config)
        moderation = Moderation(pool, messages.transaction, telling, config)
        visitors = sites.Sites(live, blobs, config)
        challenges = Challenges(pool, config)

        async def ready() -> None:
            await db.check_schema(pool, NAME)

        public = http.application()
        public.middlewares.append(denials.noting(denials.telling(messages), config.trusted_proxies))
        _equip(public, pool, messages, blobs, telling, config)
        await stack.enter_async_context(collecting.equipped(public, pool, messages, blobs, telling, live, config))
        public[access.CALLERS] = Callers(config, checker)
        public[access.DEPLOYMENTS] = deployments
        public[api.domains.DOMAINS] = await stack.enter_async_context(_domains(pool, messages, telling, config))
        public[sites.SITES] = visitors
        public[report_form.MODERATION] = moderation
        public.add_routes([*api.routes, *forms.routes, *report_form.routes, *subscriptions.routes, *sites.routes])

        private = server.internal_app(config, ready)
        private[internal.DEPLOYMENTS] = deployments
        private[internal.CHANGES] = changes
        private[internal.MODERATION] = moderation
        private.add_routes(internal.routes)
        async with (
            bus.listen({**checker.handlers, **live.handlers}, on_gap=lambda: _catch_up(checker, live)),
            server.serving(
                public, around=lambda rest: challenges.front(visitors.front(forms.front(public, rest)))
            ) as public_server,
            server.serving(private) as internal_server,
            bus.consume(handlers.QUEUE, handlers.bound(pool, changes)),
            jobs.working(worker.jobs(Upkeep(pool, messages, blobs, telling))),
        ):
            yield server.Service(name=NAME, public=public_server, internal=internal_server, ready=ready)


def _equip(  # noqa: PLR0917 - called once, right above
    public: web.Application, pool: db.Pool, messages: outbox.Outbox, blobs: Blobs, telling: Telling, config: Config
) -> None:
    """Give the application what only its handlers use."""
    publishing = Publishing(pool, messages, blobs, telling, config)
    public[access.PUBLISHING] = publishing
    public[access.EDITS] = Edits(pool, blobs, publishing, telling, config)
    public[access.UPLOADS] = Uploads(pool, blobs, publishing)
    public[access.CLAIMS] = Claims(pool, messages, telling, config)
    public[access.ARCHIVES] = Archives(pool, blobs, telling)
    public[access.CONFIG] = config
    public[access.LIMITER] = limits.Limiter(enabled=config.rate_limits)
    public[api.recipients.RECIPIENTS] = Recipients(pool, messages, telling, config)


@asynccontextmanager
async def _domains(
    pool: db.Pool, messages: outbox.Outbox, telling: Telling, config: Config
) -> AsyncIterator[DomainService]:
    """Open custom domains, and look after them while the context is open."""
    async with proofs.opened(config) as looks:
        certificates = Certificates(config.certificates_dir)
        domains = DomainService(pool, messages, proofs=looks, telling=telling, certificates=certificates, config=config)
        async with jobs.working(worker.domain_jobs(domains, _authority(pool, looks, certificates, config))):
            yield domains


def _authority(
    pool: db.Pool, looks: proofs.Proofs, certificates: Certificates, config: Config
) -> "CertificateService | None":
    """Return what gets certificates, None where none are got."""
    if not config.acme_directory:
        return None
    # a costly import, and few processes need it
    from services.deploy.authority import Authority
    from services.deploy.service.certificates import CertificateService

    return CertificateService(
        pool,
        proofs=looks,
        authority=Authority(config.acme_directory, config.acme_email, config.acme_ca_file),
        certificates=certificates,
        directory=config.acme_directory,
    )


def _catch_up(checker: auth_client.AuthClient, live: LiveSites) -> None:
    """Trust nothing that an event may have overtaken while none was heard."""
    checker.flush()
    live.doubt()
