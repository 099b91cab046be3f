"""What this machine offers: programs, a container engine, the system's packages."""

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import free_port

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

#: Bytes that must be free in memory: what all workers' servers need together, and as much again.
MEMORY = 2 * 2**30
POLICY = Path("/usr/sbin/policy-rc.d")
uncaptured: Callable[[], AbstractContextManager[None]] = nullcontext  # conftest lifts pytest's capture here


class MissingServerError(Exception):
    """A server that the tests need is not here and cannot be installed."""


def say(text: str) -> None:
    """Tell the person at the terminal what takes the time."""
    with uncaptured():
        print(f"\ntests: {text}", file=sys.stderr, flush=True)


def program(name: str, *folders: str) -> Path | None:
    """Find an installed program in these folders, in this order, or on PATH."""
    for folder in folders:
        for path in sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}"), reverse=True):
            if os.access(path, os.X_OK):
                return path.resolve()
    found = shutil.which(name)
    return Path(found).resolve() if found else None


def wait_until(
    ready: Callable[[], bool],
    what: str,
    log: Callable[[], str],
    alive: Callable[[], bool] = lambda: True,
    within: float = 60,
) -> None:
    """Poll until `ready`; a server that does not come up fails with the end of its log."""
    deadline = time.monotonic() + within
    while not ready():
        if time.monotonic() > deadline or not alive():
            message = f"{what} does not answer. The end of its log:\n{log()[-3000:]}"
            raise MissingServerError(message)
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes], first: signal.Signals = signal.SIGTERM, patience: float = 20) -> None:
    """End a process that we started in a session of its own, and all that it started."""
    with suppress(ProcessLookupError):
        process.send_signal(first)
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@cache
def engine_has(image: str) -> bool:
    """Whether a container engine answers and has this image, or can fetch it."""
    import docker
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # docker-py forgets its socket when nobody answers
        try:
            client = docker.from_env(timeout=600)
        except (DockerException, RequestException):
            client = None
        gc.collect()
    if client is None:
        return False
    try:
        try:
            client.images.get(image)
        except ImageNotFound:
            say(f"fetching the image {image}")
            client.images.pull(image)
    except (DockerException, RequestException) as error:
        say(
            f"a container engine answers, but gives no {image} ({type(error).__name__}); looking for installed programs"
        )
        return False
    finally:
        client.close()
    return True


@contextmanager
def container(
    image: str, inside: int, command: str = "", tmpfs: str = "", **env: str
) -> Iterator[tuple["DockerContainer", str, int]]:
    """Run a container with one port published where a restart leaves it; give it with its host and port."""
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # we end what we started, by ourselves
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # testcontainers' own, while it is imported
        from testcontainers.core.container import DockerContainer
    outside = free_port()
    it = DockerContainer(image).with_bind_ports(inside, outside).with_envs(**env)
    if command:
        it.with_command(command)
    if tmpfs:
        it.with_tmpfs_mount(tmpfs)
    try:
        it.start()
        yield it, it.get_container_host_ip(), outside
    finally:
        it.stop(force=True, delete_volume=True)
        it.get_docker_client().client.close()


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Give a directory of one's own for a server's data: in memory where there is room.

    A disk spends more time on making and removing a database's thousand files than the tests on using them.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private one in it
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY
    folder = Path(tempfile.mkdtemp(prefix=f"invoker-{name}-", dir=memory if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def installing() -> Iterator[None]:
    """Let one process at a time look for a program and install it: the next one finds it there."""
    with (Path(tempfile.gettempdir()) / f"invoker-tests-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(package: str) -> None:
    """Install a package of Debian or Ubuntu, keeping it from starting a service of its own."""
    say(f"installing the system's package {package} (as root)")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    held = POLICY.exists()
    if not held:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        for command in (["update"], ["install", "-y", "--no-install-recommends", package]):
            options = ["-qq", "-o", "DPkg::Lock::Timeout=300"]
            subprocess.run(
                ["apt-get", *options, *command],
                env=quiet,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=True,
            )
    except subprocess.CalledProcessError as error:
        message = f"{error}:\n{error.output.decode()[-3000:]}"
        raise MissingServerError(message) from error
    finally:
        if not held:
            POLICY.unlink()
