"""What a deploy may hold: bodies, files, paths, slugs; what is too much or malformed leaves nothing behind."""

import gzip
from typing import Any

import asyncpg
import pytest

from services.deploy import api, forms
from shared import http
from tests.support.deploying import Deploy


def files(*paths: str) -> list[dict[str, str]]:
    """Build files with these paths."""
    return [{"path": path, "content": "x"} for path in paths]


#: What `written` counts when nothing was.
NOTHING = [0, 0, 0, 0]

BAD_PATHS = [
    "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "C:/a", "c:a", "a\x01b", "a%2e", "a%2Fb",
    "%5cb", "a%00", "a" * 201, "ü" * 101, "/".join("a" * 17),
]  # fmt: skip

BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "neither html nor files": (400, {}),
    "empty html": (400, {"html": ""}),
    "no files": (400, {"files": []}),
    "both": (400, {"html": "x", "files": files("a")}),
    "html of a wrong type": (422, {"html": 5}),
    "files of a wrong type": (422, {"files": "x"}),
    "a file of a wrong type": (422, {"files": ["x"]}),
    "a file without content": (422, {"files": [{"path": "a"}]}),
    "is_spa of a wrong type": (422, {"html": "x", "is_spa": "yes"}),
    "a long title": (422, {"html": "x", "title": "x" * 1001}),
    "no base64": (422, {"files": [{"path": "a", "content": "?", "encoding": "base64"}]}),
    "an unknown encoding": (422, {"files": [{"path": "a", "content": "", "encoding": "hex"}]}),
    "a path twice": (400, {"files": files("a", "a")}),
    "a path twice, as NFC and NFD": (400, {"files": files("\u00fc", "u\u0308")}),
    "too many files": (400, {"files": files(*map(str, range(1001)))}),
    **{f"slug {slug!r}": (400, {"html": "x", "slug": slug}) for slug in
       ("", "-a", "a-", "A", "a_b", "a.b", "ü", "a" * 64, "xn--a", "a--v1", "api", "docs", "www", "a b", "a\n")},
    "slug of a wrong type": (422, {"html": "x", "slug": 5}),
    "slug with NUL": (400, {"html": "x", "slug": "a\0"}),
    "a path with NUL": (400, {"files": files("a\0")}),
    "base64 beyond ASCII": (422, {"files": [{"path": "a", "content": "é", "encoding": "base64"}]}),
}  # fmt: skip


async def written(deploy: Deploy) -> list[int]:
    """Count deployments, versions, messages, and stored files."""
    conn = await asyncpg.connect(deploy.database_url)
    counts = [
        await conn.fetchval(f"SELECT count(*) FROM deploy.{table}") for table in ("deployments", "versions", "outbox")
    ]
    await conn.close()
    return [*counts, sum(path.is_file() for path in deploy.blobs.rglob("*"))]


async def test_a_bad_deploy_is_refused_and_leaves_nothing(deploy: Deploy, key: str) -> None:
    """R68: its limits among the rest; those of paths have tests of their own."""
    for name, (status, body) in BAD.items():
        answer = await deploy.call("POST", "/deploy", key=key, json=body)
        assert answer.status == status, f"{name}: {answer.text}"
        assert {"error", "code", "request_id"} <= set(answer.json), name
    assert (await deploy.call("POST", "/deploy", key=key, json={})).json["error"] == "html is required"
    assert await written(deploy) == NOTHING


async def test_a_bad_path_is_refused_by_name_and_leaves_nothing(deploy: Deploy, key: str) -> None:
    for path in BAD_PATHS:
        answer = await deploy.call("POST", "/deploy", key=key, json={"files": files("index.html", path)})
        assert answer.status == 400, path
        assert not path.isprintable() or path[:200] in answer.json["error"], answer.text
    assert await written(deploy) == NOTHING


async def test_a_path_at_each_limit_is_taken(deploy: Deploy, key: str) -> None:
    paths = ["a" * 200, "ü" * 100, "/".join("a" * 16), "100%.txt", "a..b", "...", ".well-known/x"]
    site = await deploy.publish(key, files=files(*paths, *map(str, range(1000 - len(paths)))))
    for path in ("/" + "a" * 200, "/" + "%C3%BC" * 100, "/" + "/".join("a" * 16), "/100%25.txt", "/a..b", "/..."):
        assert (await deploy.site(site["slug"], path)).status == 200


async def test_r18_one_byte_more_than_a_deploy_may_have_is_413(deploy: Deploy, key: str) -> None:
    """R18: 25 MiB a deploy, by declared and by real length, and 10 MiB a file."""
    body = b'{"html": "' + b"x" * (25 * http.MIB - 11) + b'"}'

    async def chunked() -> Any:
        yield body

    for data in (chunked(), None):
        length = {} if data else {"Content-Length": str(len(body))}
        sent = deploy.call("POST", "/deploy", key=key, data=data or chunked(), headers=length)
        assert (answer := await sent).status == 413, answer.text
    large = {"files": [{"path": "a", "content": "x" * (10 * http.MIB + 1)}]}
    with pytest.warns(ResourceWarning, match="large body"):
        answer = await deploy.call("POST", "/deploy", key=key, json=large)
    assert (answer.status, "'a'" in answer.json["error"]) == (413, True)
    assert await written(deploy) == NOTHING


async def test_r18_one_byte_or_field_more_than_a_form_may_have_is_413(deploy: Deploy, key: str) -> None:
    """R18: 256 KiB and 100 fields, in each encoding; at the limit it is taken."""
    site = await deploy.publish(key)
    limit = 256 * http.KIB
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await deploy.submit(site, data=b"a=" + b"x" * (limit - 2), headers=headers)).status == 200
    assert (await deploy.submit(site, data=b"a=" + b"x" * (limit - 1), headers=headers)).status == 413
    for count, status in ((100, 200), (101, 413)):
        fields = {f"f{n}": "x" for n in range(count)}
        assert (await deploy.submit(site, json=fields)).status == status
        assert (await deploy.submit(site, data=fields)).status == status
        part = '--b\r\nContent-Disposition: form-data; name="f{}"\r\n\r\nx\r\n'
        body = "".join(part.format(n) for n in range(count)) + "--b--\r\n"
        sent = deploy.submit(site, data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
        assert (await sent).status == status
    bomb = {"Content-Encoding": "gzip", **headers}
    assert (await deploy.submit(site, data=gzip.compress(b"a=" + b"x" * 2**20), headers=bomb)).status == 413


def test_r18_every_route_states_its_limits() -> None:
    """R18: the rules of the routes that take more, or from anybody."""
    stated = {
        (route.method, route.path): http._rules.get(route.handler, http.DEFAULT).body
        for route in [*api.routes, *forms.routes]
    }
    assert stated.pop(("POST", "/deploy")) == stated.pop(("PUT", "/deploy/{id}")) == 25 * http.MIB
    assert stated.pop(("PATCH", "/deploy/{id}")) == 25 * http.MIB
    assert stated.pop(("PUT", "/deploy/{id}/blobs/{sha256}")) == 10 * http.MIB
    assert stated.pop(("POST", "/submit/{deployment_id}")) == 256 * http.KIB
    assert stated.pop(("POST", "/deploy/{id}/test-form")) == 256 * http.KIB
    assert set(stated.values()) == {64 * http.KIB}
