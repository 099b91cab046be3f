"""Requests that no browser makes: nothing outside the site, no way to another host, and a clear answer (R67)."""

import pytest

from tests.support.deploying import Deploy
from tests.support.visitor import raw

FILES = [
    {"path": "index.html", "content": "<h1>home</h1>"},
    {"path": "docs/index.html", "content": "<h1>docs</h1>"},
    {"path": "a.css", "content": "a{}"},
]
#: Below the site, and below another's name in `/s/`.
ABOVE = [
    "/..",
    "/../",
    "/../../etc/passwd",
    "/../../../../../../../../etc/passwd",
    "/docs/../../etc/passwd",
    "/docs/../a.css",
    "/./",
    "/./a.css",
    "/docs/./index.html",
    "/docs/..",
    "/%2e",
    "/%2e%2e",
    "/%2e%2e/",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%2E%2E/%2E%2E/etc/passwd",
    "/.%2e/etc/passwd",
    "/%2e./etc/passwd",
    "/docs/%2e%2e/a.css",
    "/docs/..%2findex.html",
    "/docs%2f..%2f..%2fetc%2fpasswd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/..;/etc/passwd",
    "/;/../a.css",
    "/%252e%252e/%252e%252e/etc/passwd",
    "/..%252f..%252fetc%252fpasswd",
    "/....//....//etc/passwd",
]
BACKSLASHES = [
    "/\\",
    "/\\..\\x",
    "/..\\..\\etc\\passwd",
    "/%5c",
    "/..%5c..%5cx",
    "/%5c..%5c..%5cwindows%5cwin.ini",
    "/docs%5cindex.html",
    "/%2e%2e%5cx",
    "/..%255c..%255cx",
]
BYTES = [
    "/%00",
    "/a.css%00",
    "/index.html%00.png",
    "/%00/../etc/passwd",
    "/a.css%2500",
    "/%c0%ae%c0%ae/",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/%e0%80%ae%e0%80%ae/etc/passwd",
    "/%c0%af..%c0%afetc/passwd",
    "/%ff",
    "/%fe%ff",
    "/%ed%a0%80",
    "/%",
    "/%2",
    "/%zz",
    "/%u002e%u002e/etc/passwd",
    "/a.css%0d%0aSet-Cookie:x=y",
    "/%0a",
    "/%e2%80%ae",
    "/\ufeff",
    "/\uff0e\uff0e/etc/passwd",
    "/%ef%bc%8e%ef%bc%8e/etc/passwd",
]
NAMES = [
    "/C:/Windows/win.ini",
    "/c:%5cwindows",
    "/file:///etc/passwd",
    "/etc/passwd",
    "/proc/self/environ",
    "/~root/",
    "/a.css::$DATA",
    "/a.css.",
    "/A.CSS",
    "/a.css/",
    "/a.css/x",
    "/.git/config",
    "/.env",
    "/" + "a/" * 500,
    "/" + "a" * 5000,
    "/" + "%61" * 2000,
]
HOSTS = [
    "//",
    "//evil.example",
    "//evil.example/",
    "//evil.example/docs",
    "///evil.example",
    "/%2f%2fevil.example/",
    "/%2fevil.example/docs",
    "/\\evil.example/",
    "//docs",
    "/docs//",
    "//evil.example/%2e%2e",
    "/.//evil.example",
]
TARGETS = ["http://evil.example/", "http://evil.example/../x", "*", "evil.example:443", "a.css", "../a.css", "?x", "#x"]


@pytest.mark.parametrize("is_spa", [True, False])
async def test_r67_a_hostile_path_finds_nothing_outside(deploy: Deploy, key: str, *, is_spa: bool) -> None:
    """R67: what is not a file of the site is 4xx, or the first page of an SPA; no answer leads to another host."""
    site = await deploy.publish(key, files=FILES, is_spa=is_spa)
    paths = [*ABOVE, *BACKSLASHES, *BYTES, *NAMES, *HOSTS]
    assert len(set(paths)) >= 60
    for path in paths:
        await finds_nothing(deploy, site["slug"], path, is_spa=is_spa)


async def finds_nothing(deploy: Deploy, slug: str, path: str, *, is_spa: bool) -> None:
    """Ask on the site's host and below the app."""
    for host, target in ((f"{slug}.sites.localhost", path), ("localhost", f"/s/{slug}{path}")):
        answer = await get(deploy, host, target)
        status = answer.split()[1]
        if not (is_spa and b"<h1>home</h1>" in answer and status == b"200"):
            assert status[:1] == b"4", (target, answer)
            assert b"Location" not in answer, target
        assert b"root:" not in answer
        assert b"Set-Cookie" not in answer


async def get(deploy: Deploy, host: str, target: str) -> bytes:
    return await raw(deploy, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())


async def test_r67_paths_that_climb_are_refused_by_an_spa_too(deploy: Deploy, key: str) -> None:
    """They are no addresses of a page that a script could draw."""
    site = await deploy.publish(key, files=FILES, is_spa=True)
    for path in ABOVE[:23] + BACKSLASHES[:8] + BYTES[:4]:
        answer = await get(deploy, f"{site['slug']}.sites.localhost", path)
        assert answer.split()[1] in {b"400", b"404"} or ";" in path, (path, answer)


async def test_a_target_that_is_no_path_is_refused(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=FILES)
    for target in TARGETS:
        answer = await get(deploy, f"{site['slug']}.sites.localhost", target)
        assert answer.split()[1][:1] == b"4", (target, answer)


async def test_r19_one_request_is_never_two(deploy: Deploy, key: str) -> None:
    """R19: what a proxy could read otherwise is refused, and the connection closed."""
    site = await deploy.publish(key, files=FILES)
    host = f"Host: {site['slug']}.sites.localhost\r\n"
    bodies = [
        f"GET / HTTP/1.1\r\n{host}Host: evil.example\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        f"GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        f"GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"GET / HTTP/1.1\r\n{host}A: b\r\n c\r\n\r\n",
        f"GET /\0 HTTP/1.1\r\n{host}\r\n",
        f"GET / HTTP/1.1\r\n{host}Range : bytes=0-1\r\n\r\n",
    ]
    for body in bodies:
        answer = await raw(deploy, body.encode())
        assert answer.split()[1] in {b"400", b"404"}, body
        assert answer.count(b"HTTP/1.") == 1
