"""The operator's commands, asked of the system that runs here: `python -m services.standalone takedown …`."""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

import services.deploy.commands as deploy
import services.mailer.commands as mailer
from services.deploy.config import Config as DeployConfig
from services.mailer.config import Config as MailerConfig
from services.standalone.config import Config
from shared import config, logs
from shared.config import BaseConfig
from shared.main import Command, perform

#: Whose a command is: its service and what that is configured with.
OWNERS: Final[dict[str, tuple[str, type[BaseConfig], Command[Any]]]] = {
    **{command.name: ("deploy", DeployConfig, command) for command in deploy.COMMANDS},
    **{command.name: ("mailer", MailerConfig, command) for command in mailer.COMMANDS},
}


@contextmanager
def reachable(directory: Path, **values: dict[str, str]) -> Iterator[None]:
    """Let commands find what runs on the data in `directory`, while the context is open: its owner's alone.

    `values` are what the configuration of each service needs.
    """
    note = _note(directory)
    note.unlink(missing_ok=True)
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(values, out)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def kept_token(directory: Path) -> str:
    """Return the services' secret, the same at every start: links in mails are signed with it."""
    path = directory / "service-token"
    try:
        kept = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(kept, "w") as out:
        out.write(token := secrets.token_urlsafe(32))
    return token


def _note(directory: Path) -> Path:
    return directory / "operator.json"


def main(settings: Config, arguments: list[str]) -> None:
    """Do what `arguments` say, and end the process with what there is to say when it cannot be done."""
    parser = argparse.ArgumentParser(
        prog="python -m services.standalone", description="Without a command: run the whole system until Ctrl-C."
    )
    choice = parser.add_subparsers(dest="command", metavar="command", required=True)
    for _, _, command in OWNERS.values():
        command.arguments(choice.add_parser(command.name, help=command.help))
    given = parser.parse_args(arguments)
    service, kind, asked = OWNERS[given.command]
    logs.configure(service, out=sys.stderr)
    try:
        values: dict[str, dict[str, Any]] = json.loads(_note(settings.data_dir).read_text())
        perform(asked, config.load(kind, **values[service]), given)
    except (OSError, asyncpg.CannotConnectNowError):
        sys.exit(
            f"Invoker does not run on {settings.data_dir}. Start it with 'make run', or name its INVOKER_DATA_DIR."
        )
    finally:
        logs.flush()
