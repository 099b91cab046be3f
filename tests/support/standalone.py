"""The one-command mode as a process of its own: started, killed, started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.client import Target
from tests.support.launched import Launched
from tests.support.ports import free_port

#: Waits for itself on a busy machine, for the tests that are not about that.
PATIENT = "tests.support.patient"


class Standalone(Launched):
    """A run of `python -m services.standalone` on its own port and directory."""

    def __init__(
        self, directory: Path, *, port: int | None = None, module: str = "services.standalone", **environment: str
    ) -> None:
        self.directory, self.port = directory, port or free_port()
        self.target = Target.local(self.port)
        super().__init__(
            module,
            ready_url=f"http://127.0.0.1:{self.port}/readyz",
            out=directory.with_suffix(".out"),
            environment={"INVOKER_PORT": str(self.port), "INVOKER_DATA_DIR": str(directory), **environment},
        )

    def close(self) -> None:
        """End it if it runs, and the database that a kill left behind."""
        if self.running:
            self.stop()
        pid_file = self.directory / "postgres" / "postmaster.pid"
        if pid_file.exists():
            os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGINT)


@contextmanager
def running(directory: Path, *, module: str = "services.standalone", **environment: str) -> Iterator[Standalone]:
    """Give a started system, and end it and its database."""
    system = Standalone(directory, port=None, module=module, **environment)
    try:
        system.start()
        yield system
    finally:
        system.close()
