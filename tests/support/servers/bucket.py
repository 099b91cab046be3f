"""A store that speaks S3, as those of the clouds do."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.servers.machine import end, wait_until


@contextmanager
def running_buckets(home: Path) -> Iterator[str]:
    """Run one and give its endpoint; it takes any key, and forgets all when it ends."""
    port, log = free_port(), home / "buckets.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-p", str(port)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    endpoint = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(endpoint), "the S3 server", log.read_text, alive=lambda: process.poll() is None)
        yield endpoint
    finally:
        end(process)


def answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=2):  # noqa: S310 - our own address
            return True
    except OSError:
        return False


def add_bucket(endpoint: str, name: str) -> None:
    """Make an empty bucket."""
    request = urllib.request.Request(f"{endpoint}/{name}", method="PUT")  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - as above
        pass
