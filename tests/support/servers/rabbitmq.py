"""A RabbitMQ for the test session, and private ones for the tests that kill it."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.support.ports import free_port
from tests.support.servers.machine import (
    MissingServerError,
    apt_install,
    can_install,
    container,
    end,
    engine_has,
    installing,
    program,
    scratch,
    wait_until,
)

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

IMAGE = "rabbitmq:4-management"
FOLDERS = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin", "/usr/sbin")
CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = warning
log.file = false
"""


class Broker(Protocol):
    """A running RabbitMQ that tests may hurt; its data outlives a stop and a kill."""

    url: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def rabbitmqctl(self, *arguments: str) -> str: ...


class ExternalBroker:
    """The one named by TEST_AMQP_URL: only to be used, not to be hurt."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        self.rabbitmqctl("start")

    def stop(self) -> None:
        self.rabbitmqctl("stop")

    def kill(self) -> None:
        self.rabbitmqctl("kill")

    def rabbitmqctl(self, *arguments: str) -> str:
        message = f"{arguments[0]}: the broker of TEST_AMQP_URL is not ours; take a private_rabbitmq"
        raise MissingServerError(message)


class ContainerBroker:
    """RabbitMQ in a container whose port and disk survive a restart."""

    def __init__(self, it: "DockerContainer", host: str, port: int) -> None:
        self.url = f"amqp://guest:guest@{host}:{port}/"
        self._container, self._address = it, (host, port)
        self._await()

    def start(self) -> None:
        self._container.get_wrapped_container().start()
        self._await()

    def stop(self) -> None:
        self._container.get_wrapped_container().stop(timeout=30)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def rabbitmqctl(self, *arguments: str) -> str:
        done = self._container.get_wrapped_container().exec_run(["rabbitmqctl", "-q", *arguments], user="rabbitmq")
        output: str = done.output.decode()
        if done.exit_code:
            message = f"rabbitmqctl {' '.join(arguments)}: {output}"
            raise RuntimeError(message)
        return output

    def _await(self) -> None:
        wait_until(lambda: speaks_amqp(self._address), IMAGE, lambda: b"".join(self._container.get_logs()).decode())


class NodeBroker:
    """RabbitMQ from installed programs, with ports, node name, cookie and data of its own."""

    def __init__(self, server: Path, home: Path) -> None:
        port, self._epmd_port = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"
        self._server, self._address, self._log = server, ("127.0.0.1", port), home / "log"
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)
        (home / "rabbitmq.conf").write_text(CONFIG.format(port=port))
        (home / "plugins").write_text("[].\n")
        # Linux keeps busy waiting low for us; the second line keeps Erlang's own ports off the network.
        erlang = "+sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")},
            "HOME": str(home),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"invoker{port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
            "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the server: one process, one id
        }
        self._epmd = self._spawn([str(program("epmd", "/usr/lib/erlang/bin") or "epmd")])

    def start(self) -> None:
        process = self._process = self._spawn([str(self._server)])
        wait_until(
            lambda: speaks_amqp(self._address),
            str(self._server),
            self._log.read_text,
            alive=lambda: process.poll() is None,
        )

    def stop(self) -> None:
        if self._process:
            end(self._process)

    def kill(self) -> None:
        if self._process:
            end(self._process, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        end(self._epmd)

    def rabbitmqctl(self, *arguments: str) -> str:
        command = [str(self._server.with_name("rabbitmqctl")), "-q", *arguments]
        done = subprocess.run(command, env=self._environment, check=False, capture_output=True, text=True)
        if done.returncode:
            message = f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}"
            raise RuntimeError(message)
        return done.stdout

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._environment,
                cwd=self._log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@contextmanager
def running_rabbitmq() -> Iterator[Broker]:
    """Give the session's broker: the named one, or one of our own."""
    if url := os.environ.get("TEST_AMQP_URL"):
        yield ExternalBroker(url)
        return
    with scratch("rabbitmq") as home, private_rabbitmq(home) as broker:
        yield broker


@contextmanager
def private_rabbitmq(folder: Path) -> Iterator[Broker]:
    """Run a broker that only the caller uses: in a container, else from installed programs in `folder`."""
    if engine_has(IMAGE):
        with container(IMAGE, 5672) as parts:
            yield ContainerBroker(*parts)
        return
    node = NodeBroker(installed(), folder / "rabbitmq")
    try:
        node.start()
        yield node
    finally:
        node.close()


def installed() -> Path:
    with installing():
        server = program("rabbitmq-server", *FOLDERS)
        if server is None and can_install():
            apt_install("rabbitmq-server")
            server = program("rabbitmq-server", *FOLDERS)
    if server is None:
        message = "no RabbitMQ: set TEST_AMQP_URL, start a container engine, or install rabbitmq-server"
        raise MissingServerError(message)
    return server


def speaks_amqp(address: tuple[str, int]) -> bool:
    """Whether a broker greets us: an open port alone may be the engine's proxy."""
    try:
        with socket.create_connection(address, timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False
