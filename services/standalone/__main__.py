"""`python -m services.standalone`: the whole system in this terminal, until Ctrl-C."""

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.standalone import operating
from services.standalone.app import open_system
from services.standalone.config import Config, default_urls
from shared import config, logs, server
from shared.main import run

#: The log begins anew when it has grown to this, at a start; the last one is kept beside it.
MAX_LOG: Final = 20 * 1024 * 1024

FIRST_COMMANDS: Final = """
  Invoker is running.

    App      {app}
    API      {api}
    Mailbox  {app}/mailbox   (every mail that this system sends)
    Sites    {sites}

  Log in at {app}/login with any email address: the code is in the mailbox.
  Create a key, then put a page live:

    curl -X POST {api}/deploy -H "Authorization: Bearer inv_…" \\
      -d '{{"html": "<h1>Hello</h1>"}}'

  Data is in {data}, the log in {log}. Ctrl-C stops it.
"""


class _Refused(Exception):
    """A SystemExit on its way out of a task: asyncio would let it end the loop in the middle."""

    def __init__(self, code: str | int | None) -> None:
        super().__init__(code)
        self.code = code


def main() -> None:
    """Start, print where everything is, and run until SIGINT or SIGTERM; exit 0 after a clean stop.

    With arguments: do what an operator asks of the one that runs already.
    """
    settings = config.load(Config)
    default_urls(settings.port)
    if arguments := sys.argv[1:]:
        operating.main(settings, arguments)
        return
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"configuration: INVOKER_DATA_DIR: {settings.data_dir}: {error.strerror}", file=sys.stderr)
        raise SystemExit(78) from None  # EX_CONFIG of sysexits.h
    with _only_one(settings.data_dir), _log_file(settings.data_dir) as log:
        try:
            run(_until_stopped(settings, log))
        except _Refused as refused:
            raise SystemExit(refused.code) from None
        except RuntimeError as error:
            raise SystemExit(str(error)) from error
        finally:
            logs.flush()


async def _until_stopped(settings: Config, log: Path) -> None:
    stopping, ready = asyncio.create_task(server.stop_signal()), asyncio.Event()
    serving = asyncio.create_task(_serve(settings, log, stopping, ready))
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not ready.is_set():
        # it failed, or is to stop while it starts: what has been opened so far is closed in order
        serving.cancel()
    await asyncio.wait((serving,))
    stopping.cancel()
    if not serving.cancelled():
        serving.result()
    print("  Stopped.", flush=True)


async def _serve(settings: Config, log: Path, stopping: "asyncio.Task[None]", ready: asyncio.Event) -> None:
    started = time.monotonic()

    def say(step: str) -> None:
        print(f"  {time.monotonic() - started:5.1f} s  {step}", flush=True)

    try:
        async with open_system(settings, say) as opened:
            say("Ready")
            urls = {"app": opened.app_url, "api": opened.api_url, "sites": opened.sites_url}
            print(FIRST_COMMANDS.format(**urls, data=settings.data_dir, log=log), flush=True)
            ready.set()
            await asyncio.shield(stopping)
            print("\n  Stopping …", flush=True)
    except SystemExit as refused:
        raise _Refused(refused.code) from None


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Hold the data directory for this process; the lock goes with it, however it ends."""
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SystemExit(
                f"Invoker already runs on {directory} (process {lock.read().strip()}). Stop that one, or give this"
                " one its own port and data: INVOKER_PORT=8081 INVOKER_DATA_DIR=.invoker-2 make run"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _log_file(directory: Path) -> Iterator[Path]:
    """Send the log to a file, so that the terminal keeps what a person needs."""
    path = directory / "invoker.log"
    if path.exists() and path.stat().st_size > MAX_LOG:
        path.replace(path.with_suffix(".log.1"))
    with path.open("a", encoding="utf-8") as out:
        logs.configure("standalone", out=out, json=True)
        yield path


if __name__ == "__main__":
    main()
