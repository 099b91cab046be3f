"""The command line of every service: `serve` and `migrate`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from shared import config, db, logs, rabbitmq, server
from shared.bus import Bus

C = TypeVar("C", bound=config.BaseConfig)
T = TypeVar("T")

log = logs.get(__name__)


def main(
    service: str, config_class: type[C], open_service: Callable[[C, Bus], AbstractAsyncContextManager[server.Service]]
) -> None:
    """Run a service's command: `serve` (default) until SIGTERM or SIGINT, or `migrate` its schema and end."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("command", nargs="?", choices=["serve", "migrate"], default="serve")
    command = parser.parse_args().command
    logs.configure(service)
    settings = config.load(config_class)
    try:
        if command == "migrate":
            count = run(db.migrate(settings.database_url.get_secret_value(), service))
            log.info("schema.migrated", applied=count)
        else:
            run(_serve(settings, open_service))
    except db.StaleSchema as error:
        log.error("schema.stale", reason=str(error))  # noqa: TRY400 - the reason says all, a traceback would hide it
        sys.exit(1)
    finally:
        logs.flush()


async def _serve(settings: C, open_service: Callable[[C, Bus], AbstractAsyncContextManager[server.Service]]) -> None:
    url = settings.amqp_url.get_secret_value()
    if not url:
        raise SystemExit("configuration: INVOKER_AMQP_URL: is required and not set")
    async with rabbitmq.connect(url, prefix=settings.amqp_prefix) as bus, open_service(settings, bus) as service:
        await server.run(settings, service)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it exists (a seventh more requests), else on asyncio."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)
