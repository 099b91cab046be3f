"""The gateway as it is shipped, on nginx: only addresses and folders are put in."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
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

SHIPPED = Path(__file__).parents[3] / "gateway"
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin", "/opt/homebrew/bin")
MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules")
MODULE = "ngx_http_js_module.so"
APP_URL = "http://localhost:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the gateway finds the services: `host:port`, several of deploy for its replicas."""

    deploy: Sequence[str]
    auth: str = "127.0.0.1:1"
    auth_internal: str = "127.0.0.1:1"
    deploy_internal: str = "127.0.0.1:1"


class Gateway:
    """A running gateway."""

    def __init__(
        self, home: Path, services: Services, *, token: str, bump_port: int | None = None, app_url: str = APP_URL
    ) -> None:
        self.home, self.port, self.bump_port, self.tls_port = home, free_port(), bump_port or free_port(), free_port()
        self._token = token
        self._variables = {
            "INVOKER_APP_URL": app_url,
            "GATEWAY_APP_HOSTS": "localhost 127.0.0.1 [::1]",
            "GATEWAY_API_HOSTS": "api.localhost",
            "GATEWAY_CACHE_SIZE": "64m",
            "GATEWAY_SITES_DOMAIN": "sites.localhost",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._lay_out(services)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bump_url(self) -> str:
        """What belongs into INVOKER_GATEWAY_URLS."""
        return f"http://127.0.0.1:{self.bump_port}"

    @property
    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _lay_out(self, services: Services) -> None:
        """Write /etc/nginx of the image into a folder of ours."""
        for folder in ("conf.d", "invoker/listen", "memory", "bodies"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        main = (SHIPPED / "nginx.conf").read_text()
        # one worker is enough for a test, and what they share is tried with two
        main = main.replace("load_module modules", f"load_module {module().parent}").replace("auto;", "2;", 1)
        main = re.sub(r"user \w+;", user(), main, count=1).replace("/dev/stderr", f"{self.home}/log")
        main = main.replace("/run/nginx.pid", f"{self.home}/pid").replace("/etc/nginx/mime.types", str(mime_types()))
        folders = (
            f"{kind}_temp_path {self.home}/bodies;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self._write("nginx.conf", main.replace("http {", "http {\n    " + "\n    ".join(folders)))
        self._write("conf.d/default.conf", self._sites(services))
        for name in ("errors.conf", "site-errors.conf", "generation.js", "bump.js"):
            self._write(f"invoker/{name}", (SHIPPED / name).read_text())

    def with_tls(self, certificates: Path) -> None:
        """Listen with TLS too, before it is started: as docker-compose.tls.yml does, with the files of one folder."""
        self._write("conf.d/tls.conf", self._filled("tls.conf.template").replace("/certificates/", f"{certificates}/"))
        for name in ("app", "sites"):
            self._write(f"invoker/listen/{name}-tls.conf", self._filled(f"tls-{name}.conf"))
        for path in self.home.rglob("*.conf"):
            path.write_text(path.read_text().replace("/etc/nginx/tls/", f"{certificates}/"))

    def _filled(self, name: str) -> str:
        text = (SHIPPED / name).read_text()
        for variable, value in self._variables.items():
            text = text.replace(f"${{{variable}}}", value)
        return text.replace("listen 8443", f"listen 127.0.0.1:{self.tls_port}")

    def _sites(self, services: Services) -> str:
        text = self._filled("nginx.conf.template")
        for name, address in {
            "auth:8080": services.auth,
            "auth:8081": services.auth_internal,
            "deploy:8081": services.deploy_internal,
        }.items():
            text = text.replace(f"server {name};", f"server {address};")
        text = text.replace("server deploy:8080;", "".join(f"server {one};" for one in services.deploy))
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}")
        text = text.replace("listen 8082", f"listen 127.0.0.1:{self.bump_port}")
        return text.replace("/dev/stdout", f"{self.home}/access")

    def _write(self, name: str, text: str) -> None:
        for place, ours in (
            ("/etc/nginx/conf.d", "conf.d"),
            ("/etc/nginx/invoker", "invoker"),
            ("/memory/", "memory/"),
        ):
            text = text.replace(place, f"{self.home}/{ours}")
        (self.home / name).write_text(text)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(nginx()), "-p", str(self.home), "-c", str(self.home / "nginx.conf"), "-g", "daemon off;"]
        with (self.home / "log").open("ab") as log:
            process = self._process = subprocess.Popen(
                command,
                env={"PATH": os.environ["PATH"], "INVOKER_SERVICE_TOKEN": self._token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "nginx", lambda: self.log, alive=lambda: process.poll() is None)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.bump_port)) == 0

    def stop(self) -> None:
        """Stop it at once."""
        if self._process:
            end(self._process, signal.SIGTERM)
            self._process = None


@cache
def nginx() -> Path:
    """Find nginx, or install it. Raise MissingServerError."""
    with installing():
        found = program("nginx", *FOLDERS)
        if (found is None or _module() is None) and can_install():
            apt_install("nginx")
            apt_install("libnginx-mod-http-js")
            found = program("nginx", *FOLDERS)
    if found is None or _module() is None:
        message = "no nginx with njs: install nginx and its ngx_http_js_module (Debian: nginx libnginx-mod-http-js)"
        raise MissingServerError(message)
    return found


def user() -> str:
    """Return the line that makes workers the user that we are: the folders of tests are its own."""
    return "user root;" if os.geteuid() == 0 else ""


def module() -> Path:
    """Return the path of njs. Raise MissingServerError."""
    nginx()
    found = _module()
    assert found is not None
    return found


def _module() -> Path | None:
    return next((Path(folder, MODULE) for folder in MODULES if Path(folder, MODULE).exists()), None)


def mime_types() -> Path:
    """Return nginx's table of types."""
    places = (Path("/etc/nginx/mime.types"), Path("/usr/local/nginx/conf/mime.types"))
    return next((path for path in places if path.exists()), places[0])


@contextmanager
def running_gateway(home: Path, services: Services, *, token: str, app_url: str = APP_URL) -> Iterator[Gateway]:
    """Give a started gateway."""
    gateway = Gateway(home, services, token=token, app_url=app_url)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()
