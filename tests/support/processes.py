"""The three services as processes of their own, on a real database and broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.launched import Launched
from tests.support.ports import free_port

TOKEN = "a-service-token-for-tests"


class Process(Launched):
    """One service: `python -m services.<name>` on free ports, with its log in a file."""

    def __init__(self, name: str, directory: Path, **environment: str) -> None:
        self.name, self.port, self.internal_port = name, free_port(), free_port()
        self.log = directory / f"{name}-{self.port}.log"
        ports = {"INVOKER_PORT": str(self.port), "INVOKER_INTERNAL_PORT": str(self.internal_port)}
        super().__init__(
            f"services.{name}", ready_url=f"{self.internal_url}/readyz", out=self.log, environment=ports | environment
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal_url(self) -> str:
        return f"http://127.0.0.1:{self.internal_port}"

    def close(self) -> None:
        """End it if it runs."""
        if self.running:
            self.kill()


def a_deploy(directory: Path, *, database_url: str, auth_url: str, **environment: str) -> Process:
    """Return a deploy process that has no broker: what it says stays in its outbox."""
    return Process(
        "deploy",
        directory,
        INVOKER_DATABASE_URL=database_url,
        INVOKER_AMQP_URL="amqp://guest:guest@127.0.0.1:1/",
        INVOKER_AUTH_INTERNAL_URL=auth_url,
        INVOKER_BLOBS_URL=(directory / "blobs").as_uri(),
        **environment,
    )


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
        self._directory, self._common = directory, common
        self.auth = Process("auth", directory, **common)
        self.deploy = self.another_deploy()
        self.mailer = Process("mailer", directory, **common)
        self.auth._environment["INVOKER_DEPLOY_INTERNAL_URL"] = self.deploy.internal_url

    def another_deploy(self) -> Process:
        """Return a further replica of deploy, to be started and closed by whoever asks."""
        url = self.auth.internal_url
        return Process("deploy", self._directory, **self._common, INVOKER_AUTH_INTERNAL_URL=url)

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
