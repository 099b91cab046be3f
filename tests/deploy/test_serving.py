"""Visitors: files by Host, types, ETags, directories, fallbacks, and hosts and paths that nobody should send."""

import asyncio
import base64
import hashlib
import itertools
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.deploy import live
from tests.support.deploying import Deploy, deploying
from tests.support.eventually import eventually

FILES = [
    {"path": "index.html", "content": "<h1>home</h1>"},
    {"path": "docs/index.html", "content": "<h1>docs</h1>"},
    {"path": "a.css", "content": "a{}"},
    {"path": "ü b.txt", "content": "grüße"},
    {"path": "dot.png", "content": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64"},
    {"path": "thing.xyz", "content": "?"},
    {"path": "evil.html.exe", "content": "?", "contentType": "application/x-msdownload"},
    {"path": "large.bin", "content": "0123456789abcdef" * 32_768, "contentType": "application/zip"},
]


@pytest.fixture
async def slug(deploy: Deploy, key: str) -> str:
    """Give a site of many files."""
    return str((await deploy.publish(key, files=FILES))["slug"])


@pytest.mark.parametrize(
    "path, content_type",
    [
        ("/", "text/html; charset=utf-8"),
        ("/docs/", "text/html; charset=utf-8"),
        ("/a.css", "text/css; charset=utf-8"),
        ("/%C3%BC%20b.txt", "text/plain; charset=utf-8"),
        ("/u%CC%88%20b.txt", "text/plain; charset=utf-8"),
        ("/dot.png", "image/png"),
        ("/%61.css?v=1", "text/css; charset=utf-8"),
    ],
)
async def test_a_file_is_served_by_its_path_with_its_type(
    deploy: Deploy, slug: str, path: str, content_type: str
) -> None:
    page = await deploy.site(slug, path)
    assert (page.status, page.headers["Content-Type"]) == (200, content_type)
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert page.headers["ETag"] == f'"{hashlib.sha256(page.raw).hexdigest()}"'


@pytest.mark.parametrize("path", ["/thing.xyz", "/evil.html.exe"])
async def test_an_unknown_type_is_a_download(deploy: Deploy, slug: str, path: str) -> None:
    page = await deploy.site(slug, path)
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"] == "attachment"


async def test_a_large_file_is_streamed_whole(deploy: Deploy, slug: str) -> None:
    page = await deploy.site(slug, "/large.bin")
    assert len(page.raw) == 2**19
    assert page.headers["ETag"] == f'"{hashlib.sha256(page.raw).hexdigest()}"'
    assert page.headers["X-Request-ID"]
    head = await deploy.site(slug, "/large.bin", method="HEAD")
    assert (head.raw, head.headers["Content-Length"]) == (b"", str(2**19))


@pytest.mark.parametrize("path", ["/", "/large.bin"])
async def test_what_the_visitor_has_is_not_sent_again(deploy: Deploy, slug: str, path: str) -> None:
    etag = (await deploy.site(slug, path, method="HEAD")).headers["ETag"]
    forms = ["{}", "W/{}", '"x", {}', '"x" , W/{}', "*"]
    for form, method in itertools.product(forms, ("GET", "HEAD")):
        page = await deploy.site(slug, path, method=method, headers={"If-None-Match": form.format(etag)})
        assert (page.status, page.raw, page.headers["ETag"]) == (304, b"", etag)
        assert "Content-Type" not in page.headers


async def test_another_etag_is_no_match(deploy: Deploy, slug: str) -> None:
    for tags in ('"x"', "", '""', "W/", '"' + "0" * 64 + '"'):
        assert (await deploy.site(slug, headers={"If-None-Match": tags})).status == 200


async def test_head_is_get_without_the_body(deploy: Deploy, slug: str) -> None:
    page, head = await deploy.site(slug), await deploy.site(slug, method="HEAD")
    assert (head.status, head.raw) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag"):
        assert head.headers[name] == page.headers[name]


async def test_a_site_is_only_read(deploy: Deploy, slug: str) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        answer = await deploy.site(slug, method=method, data=b"x")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_directory_without_its_slash_leads_to_it(deploy: Deploy, slug: str) -> None:
    moved = await deploy.site(slug, "/docs?a=b")
    assert (moved.status, moved.headers["Location"]) == (308, "/docs/?a=b")


async def test_an_spa_answers_unknown_paths_with_its_index(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=FILES, is_spa=True)
    page = await deploy.site(site["slug"], "/deep/link")
    assert (page.status, page.text) == (200, "<h1>home</h1>")
    await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"files": FILES, "is_spa": False})
    assert (await deploy.site(site["slug"], "/deep/link")).status == 404


async def test_a_sites_own_404_page_is_shown(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, files=[*FILES, {"path": "404.html", "content": "lost"}])
    page = await deploy.site(site["slug"], "/nothing")
    assert (page.status, page.text) == (404, "lost")
    again = await deploy.site(site["slug"], "/nothing", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status == 404


async def test_nothing_of_ours_is_left_with_a_visitor(deploy: Deploy, slug: str) -> None:
    for path in ("/", "/nothing"):
        page = await deploy.site(slug, path, headers={"Cookie": "session=ses_x"})
        assert "Set-Cookie" not in page.headers


async def test_a_site_is_also_below_the_app_without_its_rights(deploy: Deploy, slug: str) -> None:
    sandbox = "sandbox allow-forms allow-scripts allow-popups"
    for path, text in (("/", "<h1>home</h1>"), ("/docs/", "<h1>docs</h1>"), ("/a.css", "a{}")):
        page = await deploy.call("GET", f"/s/{slug}{path}")
        assert (page.status, page.text) == (200, text)
        assert page.headers["Content-Security-Policy"] == sandbox
    assert (await deploy.call("GET", f"/s/{slug}/large.bin")).headers["Content-Security-Policy"] == sandbox
    assert (await deploy.call("GET", f"/s/{slug}")).headers["Location"] == f"/s/{slug}/"
    assert (await deploy.call("GET", f"/s/{slug}/docs")).headers["Location"] == f"/s/{slug}/docs/"
    assert (await deploy.call("GET", "/s/nobody/")).status == 404


UNKNOWN_HOSTS = [
    "nobody.sites.localhost",
    "a.b.sites.localhost",
    ".sites.localhost",
    "xn--a.sites.localhost",
    "a--v1.sites.localhost",
    "a_b.sites.localhost",
    f"{'a' * 64}.sites.localhost",
    "evil.example",
    "sites.localhost.evil.example",
    "'; DROP TABLE deployments; --.sites.localhost",
    "dep_0000000000000000.sites.localhost",
    "é.sites.localhost",
    "sites.localhost",
    "evil.localhost",
    "intranet",
    "192.168.0.1",
    "localhost:port",
]


async def test_an_unknown_host_is_a_friendly_404(deploy: Deploy) -> None:
    for host in UNKNOWN_HOSTS:
        answer = await deploy.call("GET", "/", headers={"Host": host.encode().decode("latin-1")})
        assert answer.status == 404
        assert "There is no page here" in answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Set-Cookie" not in answer.headers
        assert (await deploy.call("POST", "/deploy", headers={"Host": "nobody.example"}, json={})).status == 404


@pytest.mark.parametrize("form", ["{}:9999", "{}.", "{}.:8080"])
async def test_a_host_is_known_in_any_spelling(deploy: Deploy, slug: str, form: str) -> None:
    host = form.format(f"{slug}.sites.localhost").upper()
    assert (await deploy.call("GET", "/", headers={"Host": host})).text == "<h1>home</h1>"


async def test_the_apps_own_hosts_are_no_sites(deploy: Deploy) -> None:
    for host in ("localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "api.localhost", "LOCALHOST.:1"):
        answer = await deploy.call("GET", "/deploy", headers={"Host": host})
        assert (answer.status, answer.json["error"]) == (401, "Unauthorized")


async def test_bytes_that_are_no_http_are_refused(deploy: Deploy) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(deploy.url).port or 0), timeout=5) as sock:
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert b" 400 " in await loop.sock_recv(sock, 4096)


async def test_a_change_by_another_process_is_seen_at_once(
    deploy: Deploy, slug: str, key: str, tmp_path: Any, store: dict[str, Any]
) -> None:
    """The event drops the host in every process, though each keeps it for seconds."""
    site = (await deploy.call("GET", "/deploy", key=key)).json["deployments"][0]
    async with deploying(deploy.database_url, tmp_path / "blobs", deploy.auth, deploy.bus, **store) as other:
        assert (await other.site(slug)).text == "<h1>home</h1>"
        await deploy.call("PUT", f"/deploy/{site['id']}", key=key, json={"html": "new"})

        async def seen() -> bool:
            return (await other.site(slug)).text == "new"

        await eventually(seen, within=live.FRESH / 2)
