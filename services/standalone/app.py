"""Open everything in one process: database, bus, mailbox, the three services, and the port before them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import web

import services.auth.app as auth
import services.deploy.app as deploy
import services.mailer.app as mailer
from services.auth.config import Config as AuthConfig
from services.auth.handlers import HANDLERS as TOLD_AUTH
from services.deploy.config import Config as DeployConfig
from services.deploy.handlers import HANDLERS as TOLD_DEPLOY
from services.mailer.config import Config as MailerConfig
from services.mailer.handlers import HANDLERS as TOLD_MAILER
from services.standalone import mailbox, operating, postgres
from services.standalone.config import Config
from services.standalone.routing import Router
from shared import config, db, http, server
from shared.local_bus import LocalBus

Say = Callable[[str], None]

#: Each has its role and schema; the local bus's messages are standalone's own.
SCHEMAS: Final = ("auth", "deploy", "mailer")


@asynccontextmanager
async def open_system(settings: Config, say: Say) -> AsyncIterator[config.BaseConfig]:
    """Start all of it, and yield the configuration whose URLs now answer. Everything stops in reverse order."""
    directory = settings.data_dir.resolve()
    # what is wrong with the settings is said before anything is made
    config.load(config.BaseConfig, database_url="", service_token="-" * 16)
    async with AsyncExitStack() as stack:
        sockets = take_port(settings.port)
        for taken in sockets:
            stack.callback(taken.close)
        database = await stack.enter_async_context(postgres.running(directory, say))
        await _migrate(database, say)
        bus = await stack.enter_async_context(_bus(database))
        inbox = await stack.enter_async_context(mailbox.open_mailbox(directory / "mails"))
        say("Starting auth, deploy and mailer")
        opened = await stack.enter_async_context(_services(database, bus, inbox, directory))
        front = await stack.enter_async_context(server.serving(_front(opened)))
        mails = await stack.enter_async_context(server.serving(inbox.app))
        public = {service.name: service.public for service in opened if service.public}
        base = config.load(config.BaseConfig, **_common(database, "auth", "-" * 16))
        router = Router(base, {**public, "front": front, "mailbox": mails})
        await stack.enter_async_context(server.listening(router.server(), *sockets))
        yield base


def take_port(port: int) -> list[Any]:
    """Take the port on every loopback address that this machine has. Raise SystemExit when somebody else has it."""
    try:
        sockets = [server.bind("127.0.0.1", port)]
    except OSError:
        raise SystemExit(
            f"Port {port} is in use. Stop what uses it, or take another one: INVOKER_PORT={port + 1} make run"
        ) from None
    # "localhost" is ::1 first for many clients; a machine without IPv6 goes without
    with suppress(OSError):
        sockets.append(server.bind("::1", port))
    return sockets


async def _migrate(database: postgres.Server, say: Say) -> None:
    await postgres.prepare(database, SCHEMAS)
    applied = [await db.migrate(database.dsn(service), service) for service in SCHEMAS]
    applied.append(await db.migrate(database.dsn(), "standalone"))
    if any(applied):
        say(f"Applied {sum(applied)} migrations")


@asynccontextmanager
async def _bus(database: postgres.Server) -> AsyncIterator[LocalBus]:
    async with db.pool(database.dsn(), "standalone", size=4) as pool:
        bindings = {"auth": tuple(TOLD_AUTH), "deploy": tuple(TOLD_DEPLOY), "mailer": tuple(TOLD_MAILER)}
        yield LocalBus(pool, bindings)


@asynccontextmanager
async def _services(
    database: postgres.Server, bus: LocalBus, inbox: mailbox.Mailbox, directory: Path
) -> AsyncIterator[list[server.Service]]:
    """Open the three services on internal ports of their own."""
    token = operating.kept_token(directory)
    internal = {name: server.bind("127.0.0.1", 0) for name in SCHEMAS}
    url = {name: f"http://127.0.0.1:{taken.getsockname()[1]}" for name, taken in internal.items()}
    auth_config = config.load(AuthConfig, deploy_internal_url=url["deploy"], **_common(database, "auth", token))
    deploy_config = config.load(
        DeployConfig,
        auth_internal_url=url["auth"],
        internal_advertise_url=url["deploy"],
        blobs_url=(directory / "blobs").as_uri(),
        certificates_dir=directory / "certificates",
        **_common(database, "deploy", token),
    )
    smtp_url = f"smtp://127.0.0.1:{inbox.smtp_port}?tls=none"
    mailer_config = config.load(MailerConfig, smtp_url=smtp_url, **_common(database, "mailer", token))
    async with AsyncExitStack() as stack:
        reached = {name: {"database_url": database.dsn(name), "service_token": token} for name in ("deploy", "mailer")}
        stack.enter_context(
            operating.reachable(directory, deploy=reached["deploy"], mailer={**reached["mailer"], "smtp_url": smtp_url})
        )
        opened = [
            await stack.enter_async_context(auth.open_service(auth_config, bus)),
            await stack.enter_async_context(deploy.open_service(deploy_config, bus)),
            await stack.enter_async_context(mailer.open_service(mailer_config, bus)),
        ]
        for service in opened:
            await stack.enter_async_context(server.listening(service.internal, internal[service.name]))
        yield opened


def _common(database: postgres.Server, service: str, token: str) -> dict[str, Any]:
    return {"database_url": database.dsn(service), "service_token": token, "trusted_proxies": 0}


def _front(services: list[server.Service]) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return http.json({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        await asyncio.gather(*(service.ready() for service in services))
        return http.json({"status": "ready"})

    app = http.application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app
