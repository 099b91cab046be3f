"""Somebody at a terminal: the commands of `invoker` as processes, with a home and an environment of their own."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "clients/python/src"
START = [sys.executable, "-c", "from invoker_mcp.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs commands in a folder."""

    def __init__(self, folder: Path, api_url: str, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INVOKER_")},
            "PYTHONPATH": str(SOURCE),
            "INVOKER_API_URL": api_url,
            "INVOKER_HOME": str(folder / "home"),
            "INVOKER_KEYRING": "off",
            "CI": "1",
            **environment,
        }
        self.environment.pop("BROWSER", None)

    async def start(self, *command: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *START,
            *command,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *command: str, **environment: str) -> Ran:
        process = await self.start(*command, **environment)
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out.decode(), err.decode())

    async def ok(self, *command: str, **environment: str) -> Ran:
        """Run a command that has to work."""
        ran = await self.run(*command, **environment)
        assert ran.code == 0, ran
        return ran


async def interrupt(process: asyncio.subprocess.Process) -> Ran:
    """Press Ctrl-C, and return how it ended."""
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    return Ran(process.returncode or 0, out.decode(), err.decode())
