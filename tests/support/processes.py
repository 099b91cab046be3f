"""The three services as processes of their own, on a real database and broker."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.standalone import ROOT, free_port

TOKEN = "a-service-token-for-tests"


class Process:
    """One service: `python -m services.<name>` on free ports, with its log in a file."""

    def __init__(self, name: str, directory: Path, **environment: str) -> None:
        self.name, self.port, self.internal_port = name, free_port(), free_port()
        self.log = directory / f"{name}-{self.port}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal_url(self) -> str:
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, within: float = 30.0) -> float:
        """Start it, wait until it is ready, and return the seconds that took."""
        began = time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INVOKER_")}
        ports = {"INVOKER_PORT": str(self.port), "INVOKER_INTERNAL_PORT": str(self.internal_port)}
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"services.{self.name}"],
                cwd=ROOT,
                env=kept | ports | self._environment,
                stdout=out,
                stderr=out,
            )
        while not self._ready():
            assert self._process.poll() is None, f"{self.name} ended: {self.log.read_text()}"
            assert time.monotonic() - began < within, f"{self.name} is not ready: {self.log.read_text()}"
            time.sleep(0.02)
        return time.monotonic() - began

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.internal_url}/readyz", timeout=2) as answer:  # noqa: S310
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
        """End it with no handler run."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


class System:
    """auth, deploy and mailer, knowing each other, and where they are."""

    def __init__(self, directory: Path, *, database_url: str, amqp_url: str, smtp_url: str, **environment: str) -> None:
        common = {
            "INVOKER_DATABASE_URL": database_url,
            "INVOKER_AMQP_URL": amqp_url,
            "INVOKER_SERVICE_TOKEN": TOKEN,
            "INVOKER_RATE_LIMITS": "off",
            "INVOKER_APP_URL": "http://localhost:8080",
            "INVOKER_API_URL": "http://localhost:8080/api",
            "INVOKER_SITES_URL": "http://{slug}.sites.localhost:8080",
            "INVOKER_SMTP_URL": smtp_url,
            "INVOKER_BLOBS_URL": (directory / "blobs").as_uri(),
            **environment,
        }
        self.auth = Process("auth", directory, **common)
        self.deploy = Process("deploy", directory, **common, INVOKER_AUTH_INTERNAL_URL=self.auth.internal_url)
        self.mailer = Process("mailer", directory, **common)
        self.auth._environment["INVOKER_DEPLOY_INTERNAL_URL"] = self.deploy.internal_url

    @property
    def services(self) -> tuple[Process, ...]:
        return self.auth, self.deploy, self.mailer

    def start(self) -> None:
        """Start all three and wait until each is ready."""
        for service in self.services:
            service.start()


@contextmanager
def running(directory: Path, **given: str) -> Iterator[System]:
    """Give the started three; they are ended at the close."""
    system = System(directory, **given)
    try:
        system.start()
        yield system
    finally:
        for service in system.services:
            service.close()
