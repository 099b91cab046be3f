"""Pebble, the certificate authority that Let's Encrypt gives to those who test ACME clients."""

import json
import os
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port
from tests.support.servers.machine import (
    MissingServerError,
    apt_install,
    can_install,
    end,
    installing,
    program,
    wait_until,
)

#: For localhost, with its key: of the authority's own HTTPS.
CERTIFICATE = Path(__file__).parents[2] / "data" / "localhost.pem"


@dataclass(frozen=True, slots=True)
class Pebble:
    """A running authority."""

    directory: str
    #: What its own certificate is checked with.
    ca_file: Path
    #: Its management interface, which gives away its roots.
    management: str

    def root(self) -> bytes:
        """Return the certificate that its chains end in, as PEM."""
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(  # noqa: S310 - always https
            f"{self.management}/roots/0", context=trust, timeout=5
        ) as answer:
            content: bytes = answer.read()
        return content


def installed() -> Path:
    """Give the program; the system's package is installed when root may do that."""
    with installing():
        found = program("pebble", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
        if found is None and can_install():
            apt_install("pebble")
            found = program("pebble", "/usr/bin")
    if found is None:
        message = "no Pebble: install the package pebble, or build github.com/letsencrypt/pebble"
        raise MissingServerError(message)
    return found


@contextmanager
def running_pebble(
    home: Path, *, http_port: int, name_server: tuple[str, int], life: int = 86_400, refused_nonces: int = 5
) -> Iterator[Pebble]:
    """Run an authority that looks at domains on this port, and whose certificates live for so many seconds.

    It refuses so many nonces in a hundred that are as good as any.
    """
    port, management = free_port(), free_port()
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(CERTIFICATE),
        "privateKey": str(CERTIFICATE),
        "httpPort": http_port,
        "tlsPort": free_port(),
        "certificateValidityPeriod": life,
    }
    (home / "pebble.json").write_text(json.dumps({"pebble": config}))
    log = home / "pebble.log"
    asked = f"{name_server[0]}:{name_server[1]}"
    command = [str(installed()), "-config", str(home / "pebble.json"), "-dnsserver", asked, "-strict", "false"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # it looks at once instead of after up to 15 s
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(refused_nonces)},
        )
    running = Pebble(f"https://localhost:{port}/dir", CERTIFICATE, f"https://localhost:{management}")
    try:
        wait_until(lambda: answers(running), "pebble", log.read_text, alive=lambda: process.poll() is None)
        yield running
    finally:
        end(process)


def answers(pebble: Pebble) -> bool:
    trust = ssl.create_default_context(cafile=str(pebble.ca_file))
    try:
        with urllib.request.urlopen(pebble.directory, context=trust, timeout=2) as answer:  # noqa: S310 - https
            return bool(answer.status == 200)
    except OSError:
        return False
