"""A program of ours as a process: started with the settings of a test alone, waited for, stopped, killed."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class Launched:
    """A run of `python -m <module>`, whose output goes to a file over all its starts."""

    def __init__(self, module: str, *, ready_url: str, out: Path, environment: dict[str, str]) -> None:
        self._module, self._ready_url, self._out = module, ready_url, out
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """What it printed, over all its starts."""
        return self._out.read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, within: float = 60.0) -> float:
        """Start it, wait until its /readyz answers 200, and return the seconds this took."""
        began = time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INVOKER_")}
        with self._out.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module], cwd=ROOT, env=kept | self._environment, stdout=out, stderr=out
            )
        while not self._ready():
            assert self._process.poll() is None, f"{self._module} ended: {self.output}"
            assert time.monotonic() - began < within, f"{self._module} is not ready: {self.output}"
            time.sleep(0.02)
        return time.monotonic() - began

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(self._ready_url, timeout=2) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(40)
        self._process = None
        return code

    def kill(self) -> None:
        """End it as a power cut would: no handler runs."""
        self.stop(signal.SIGKILL)
