"""The one-command mode as a process of its own: started, killed, started again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.client import Target

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Standalone:
    """A run of `python -m services.standalone` on its own port and directory."""

    def __init__(self, directory: Path, *, port: int | None = None, **environment: str) -> None:
        self.directory, self.port = directory, port or free_port()
        self.target = Target.local(self.port)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """What it printed, over all its starts."""
        return self._out.read_text(errors="replace")

    @property
    def _out(self) -> Path:
        return self.directory.with_suffix(".out")

    def start(self, *, within: float = 60.0) -> float:
        """Start it, wait until /readyz answers 200, and return the seconds this took."""
        began = time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INVOKER_")}
        given = {"INVOKER_PORT": str(self.port), "INVOKER_DATA_DIR": str(self.directory), **self._environment}
        with self._out.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.standalone"], cwd=ROOT, env=kept | given, stdout=out, stderr=out
            )
        while not self._ready():
            assert self._process.poll() is None, f"it ended: {self.output}"
            assert time.monotonic() - began < within, f"not ready: {self.output}"
            time.sleep(0.05)
        return time.monotonic() - began

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(30)
        self._process = None
        return code

    def kill(self) -> None:
        """End it as a power cut would: no handler runs."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """End it if it runs, and the database that a kill left behind."""
        if self._process is not None and self._process.poll() is None:
            self.stop()
        pid_file = self.directory / "postgres" / "postmaster.pid"
        if pid_file.exists():
            os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGINT)


@contextmanager
def running(directory: Path, **environment: str) -> Iterator[Standalone]:
    """Give a started system, and end it and its database."""
    system = Standalone(directory, port=None, **environment)
    try:
        system.start()
        yield system
    finally:
        system.close()
