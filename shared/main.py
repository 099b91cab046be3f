"""The command line of every service: `serve`, `migrate`, and what it has of its own."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared import config, db, logs, rabbitmq, server
from shared.bus import Bus
from shared.errors import AppError

C = TypeVar("C", bound=config.BaseConfig)
T = TypeVar("T")

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """Something that an operator may ask of a service beside `serve` and `migrate`."""

    name: str
    help: str
    #: Adds its arguments.
    arguments: Callable[[argparse.ArgumentParser], None]
    #: Does it, and returns what to print.
    run: Callable[[C, argparse.Namespace], Coroutine[Any, Any, str]]


def main(
    service: str,
    config_class: type[C],
    open_service: Callable[[C, Bus], AbstractAsyncContextManager[server.Service]],
    commands: Sequence[Command[C]] = (),
) -> None:
    """Run a service's command: `serve` (default) until SIGTERM or SIGINT, `migrate` its schema, or one of its own."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    choice = parser.add_subparsers(dest="command", metavar="command")
    choice.add_parser("serve", help="serve until it is stopped; what is done when no command is given")
    choice.add_parser("migrate", help="bring the database to this version, and end")
    for command in commands:
        command.arguments(choice.add_parser(command.name, help=command.help))
    given = parser.parse_args()
    # what a command prints is for a person, or for another program
    logs.configure(service, out=sys.stdout if given.command in {None, "serve", "migrate"} else sys.stderr)
    settings = config.load(config_class)
    try:
        _run(service, settings, open_service, {command.name: command for command in commands}, given)
    except db.StaleSchema as error:
        log.error("schema.stale", reason=str(error))  # noqa: TRY400 - the reason says all, a traceback would hide it
        sys.exit(1)
    finally:
        logs.flush()


def _run(
    service: str,
    settings: C,
    open_service: Callable[[C, Bus], AbstractAsyncContextManager[server.Service]],
    commands: Mapping[str, Command[C]],
    given: argparse.Namespace,
) -> None:
    if (command := commands.get(given.command)) is not None:
        perform(command, settings, given)
    elif given.command == "migrate":
        count = run(db.migrate(settings.database_url.get_secret_value(), service))
        log.info("schema.migrated", applied=count)
    else:
        run(_serve(settings, open_service))


def perform(command: Command[C], settings: C, given: argparse.Namespace) -> None:
    """Carry out an operator's command, and end the process with its error where it has one."""
    try:
        print(run(command.run(settings, given)))  # noqa: T201 - it talks to a person
    except AppError as error:
        sys.exit(f"{error.message}. {error.hint or ''}".strip())


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
