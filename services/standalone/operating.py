"""The operator's commands, asked of the system that runs here: `python -m services.standalone takedown …`."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from services.deploy.commands import COMMANDS
from services.deploy.config import Config as DeployConfig
from services.standalone.config import Config
from shared import config, logs
from shared.main import perform


@contextmanager
def reachable(directory: Path, **values: str) -> Iterator[None]:
    """Let commands find what runs on the data in `directory`, while the context is open: its owner's alone."""
    note = _note(directory)
    note.unlink(missing_ok=True)
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(values, out)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _note(directory: Path) -> Path:
    return directory / "operator.json"


def main(settings: Config, arguments: list[str]) -> None:
    """Do what `arguments` say, and end the process with what there is to say when it cannot be done."""
    parser = argparse.ArgumentParser(
        prog="python -m services.standalone", description="Without a command: run the whole system until Ctrl-C."
    )
    choice = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in COMMANDS:
        command.arguments(choice.add_parser(command.name, help=command.help))
    given = parser.parse_args(arguments)
    logs.configure("deploy", out=sys.stderr)
    asked = next(command for command in COMMANDS if command.name == given.command)
    try:
        values: dict[str, Any] = json.loads(_note(settings.data_dir).read_text())
        perform(asked, config.load(DeployConfig, **values), given)
    except (OSError, asyncpg.CannotConnectNowError):
        sys.exit(
            f"Invoker does not run on {settings.data_dir}. Start it with 'make run', or name its INVOKER_DATA_DIR."
        )
    finally:
        logs.flush()
