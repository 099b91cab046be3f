"""The password page: what it covers, who gets past it, and for how long."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.deploy import gate
from services.deploy.gate import OWN_HOST, Gate
from services.deploy.store.sites import Site
from tests.support.client import Answer
from tests.support.deploying import Deploy, deploying, settings
from tests.support.fake_auth import FakeAuth

PAGE = "<!doctype html><title>t</title><h1>secret</h1>"
WORD = "correct horse"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def protect(deploy: Deploy, key: str, site: dict[str, Any], password: str | None = WORD) -> None:
    answer = await deploy.call("PATCH", f"/deploy/{site['id']}/settings", key=key, json={"password": password})
    assert answer.status == 200, answer.text


@pytest.fixture
async def site(deploy: Deploy, key: str) -> dict[str, Any]:
    """Give a site with a password."""
    files = [{"path": "index.html", "content": PAGE}, {"path": "a.css", "content": "a{}"}]
    made = await deploy.publish(key, files=files)
    assert (await deploy.site(made["slug"])).status == 200
    await protect(deploy, key, made)
    return made


async def knock(deploy: Deploy, host: str, password: str, path: str = "/") -> Answer:
    return await deploy.site(host, path, method="POST", data={"password": password})


def cookie(answer: Answer) -> dict[str, str]:
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


async def test_without_the_password_there_is_a_form_and_nothing_else(deploy: Deploy, site: dict[str, Any]) -> None:
    for host in (site["slug"], f"{site['slug']}--v1"):
        for path in ("/", "/a.css", "/nothing", "/docs?x=1"):
            answer = await deploy.site(host, path)
            assert (answer.status, 'type="password"' in answer.text, "secret" in answer.text) == (401, True, False)
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in answer.headers
    below = await deploy.call("GET", f"/s/{site['slug']}/")
    assert (below.status, 'type="password"' in below.text) == (401, True)


async def test_the_form_can_be_sent_and_nothing_else_done(deploy: Deploy, site: dict[str, Any]) -> None:
    policy = (await deploy.site(site["slug"])).headers["Content-Security-Policy"]
    assert "form-action 'self'" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in (await deploy.site("nobody")).headers["Content-Security-Policy"]


async def test_a_wrong_password_is_401_with_the_form_and_a_word(deploy: Deploy, site: dict[str, Any]) -> None:
    for wrong in ("", "x", WORD + "x", "é" * 300):
        answer = await knock(deploy, site["slug"], wrong)
        assert (answer.status, "not the right one" in answer.text, 'type="password"' in answer.text) == (
            401,
            True,
            True,
        )
        assert "Set-Cookie" not in answer.headers


async def test_what_is_no_form_is_a_wrong_password(deploy: Deploy, site: dict[str, Any]) -> None:
    for body in (b"", b"\xff", b"password", b"a=b&" * 50, b'{"password": "correct horse"}'):
        assert (await deploy.site(site["slug"], method="POST", data=body, headers=FORM)).status == 401


async def test_a_body_that_is_no_password_is_413(deploy: Deploy, site: dict[str, Any]) -> None:
    """R18: the form has its own limit."""
    body = b"password=" + b"x" * gate.MAX_BODY
    assert (await deploy.site(site["slug"], method="POST", data=body, headers=FORM)).status == 413


async def test_the_right_password_leads_back_with_a_cookie(deploy: Deploy, site: dict[str, Any]) -> None:
    answer = await knock(deploy, site["slug"], WORD, "/?a=b")
    assert (answer.status, answer.headers["Location"]) == (303, "/?a=b")
    assert re.fullmatch(
        r"invoker_access=\d+\.[0-9a-f]{32}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax", answer.headers["Set-Cookie"]
    )
    page = await deploy.site(site["slug"], headers=cookie(answer))
    assert (page.status, page.text) == (200, PAGE)
    assert page.headers["Cache-Control"] == "private, no-store"
    again = await deploy.site(site["slug"], headers=cookie(answer) | {"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.headers["Cache-Control"]) == (304, "private, no-store")


async def test_r63_the_way_back_stays_on_the_site(deploy: Deploy, site: dict[str, Any]) -> None:
    for path in ("//evil.example/", "/%5cevil.example", "/\\evil.example", "/a%0d%0aX:y", "/%2f%2fevil.example"):
        location = (await knock(deploy, site["slug"], WORD, path)).headers["Location"]
        assert re.match(r"/(?![/\\])", location)


async def test_a_changed_password_ends_what_the_old_one_opened(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    headers = cookie(await knock(deploy, site["slug"], WORD))
    assert (await deploy.site(site["slug"], headers=headers)).status == 200
    await protect(deploy, key, site, "another one")
    assert (await deploy.site(site["slug"], headers=headers)).status == 401
    await protect(deploy, key, site, None)
    assert (await deploy.site(site["slug"])).status == 200


async def test_a_cookie_opens_one_site(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    headers = cookie(await knock(deploy, site["slug"], WORD))
    other = await deploy.publish(key)
    await protect(deploy, key, other)
    assert (await deploy.site(other["slug"], headers=headers)).status == 401


async def test_an_invented_cookie_opens_nothing(deploy: Deploy, site: dict[str, Any]) -> None:
    for value in ("", "1", "1.2", "9999999999.", "9999999999." + "0" * 32, "x" * 4000, "²." + "0" * 32):
        for name in ("invoker_access", "__Host-invoker_access"):
            assert (await deploy.site(site["slug"], headers={"Cookie": f"{name}={value}"})).status == 401


async def test_the_cookie_is_found_among_others(deploy: Deploy, site: dict[str, Any]) -> None:
    given = cookie(await knock(deploy, site["slug"], WORD))["Cookie"]
    assert (await deploy.site(site["slug"], headers={"Cookie": f"a=b; invoker_access=1.2; {given};c"})).status == 200


async def test_eleven_tries_a_minute_are_one_too_many(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    """The right password is not taken either; other sites are not touched by it."""
    for _ in range(10):
        assert (await knock(deploy, site["slug"], "x")).status == 401
    limited = await knock(deploy, site["slug"], WORD)
    assert (limited.status, 1 <= int(limited.headers["Retry-After"]) <= 60) == (429, True)
    assert "Too many tries" in limited.text
    other = await deploy.publish(key)
    await protect(deploy, key, other)
    assert (await knock(deploy, other["slug"], WORD)).status == 303


async def test_below_the_app_the_ticket_is_in_the_path(deploy: Deploy, site: dict[str, Any]) -> None:
    """What a page without an origin loads comes without cookies; the cookie leads back who comes again."""
    path = f"/s/{site['slug']}/"
    let_in = await deploy.call("POST", path, data={"password": WORD})
    assert (let_in.status, f"; Path={path};" in let_in.headers["Set-Cookie"]) == (303, True)
    location = let_in.headers["Location"]
    assert re.fullmatch(rf"/s/{site['slug']}~\d+\.[0-9a-f]{{32}}/", location)
    page = await deploy.call("GET", location)
    assert (page.status, page.text, page.headers["Cache-Control"]) == (200, PAGE, "private, no-store")
    assert page.headers["Content-Security-Policy"].startswith("sandbox")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert (await deploy.call("GET", f"{location}a.css")).text == "a{}"
    assert (await deploy.call("GET", location[:-1])).headers["Location"] == location
    again = await deploy.call("GET", f"{path}a.css?x", headers=cookie(let_in))
    assert (again.status, again.headers["Location"]) == (303, f"{location}a.css?x")


async def test_a_ticket_in_a_path_opens_its_site_and_nothing_else(
    deploy: Deploy, key: str, site: dict[str, Any]
) -> None:
    let_in = await deploy.call("POST", f"/s/{site['slug']}/", data={"password": WORD})
    ticket = let_in.headers["Location"].partition("~")[2]
    other = await deploy.publish(key)
    await protect(deploy, key, other)
    assert (await deploy.call("GET", f"/s/{other['slug']}~{ticket}")).status == 401
    assert (await deploy.call("GET", f"/s/{site['slug']}~{ticket}x")).status == 404
    for wrong in ("9999999999." + "0" * 32, "1." + "0" * 32):
        assert (await deploy.call("GET", f"/s/{site['slug']}~{wrong}/")).status == 401
    for wrong in ("", "x", "..", "1", "%00"):
        assert (await deploy.call("GET", f"/s/{site['slug']}~{wrong}/")).status in {401, 404}
    await protect(deploy, key, site, "another")
    asked = await deploy.call("GET", f"/s/{site['slug']}~{ticket}")
    assert asked.status == 401
    let_in = await deploy.call("POST", f"/s/{site['slug']}~{ticket}", data={"password": "another"})
    assert (await deploy.call("GET", let_in.headers["Location"])).status == 200


async def test_over_https_the_cookie_is_bound_to_the_host(database_url: str, tmp_path: Any, auth: FakeAuth) -> None:
    given: dict[str, Any] = {
        "sites_url": "https://{slug}.sites.example",
        "app_url": "https://app.example",
        "api_url": "https://api.app.example",
    }
    async with deploying(database_url, tmp_path, auth, **given) as deploy:
        body = {"html": PAGE, "slug": "protected"}
        api = {"Host": "api.app.example"}
        made = (await deploy.call("POST", "/deploy", key=(key := auth.key()), headers=api, json=body)).json
        change = {"headers": api, "json": {"password": WORD}}
        await deploy.call("PATCH", f"/deploy/{made['id']}/settings", key=key, **change)
        headers = {"Host": "protected.sites.example"}
        answer = await deploy.call("POST", "/", headers=headers, data={"password": WORD})
        assert re.match(r"__Host-invoker_access=\S+; Path=/; .*; Secure$", answer.headers["Set-Cookie"])
        assert (await deploy.call("GET", "/", headers=headers | cookie(answer))).status == 200
        below = await deploy.call("POST", "/s/protected/", headers={"Host": "app.example"}, data={"password": WORD})
        assert below.headers["Set-Cookie"].startswith("__Secure-invoker_access=")


def test_a_cookie_lives_for_twelve_hours() -> None:
    now = 1_000_000.0
    kept = Gate(settings("postgresql://x", Path("/x"), "http://x"), clock=lambda: now)
    site = Site(id="dep_0123456789abcdef", slug="s", version=1, is_spa=False, email="", password_hash="h")
    value = re.sub(r";.*", "", kept._admission(site, "/", OWN_HOST)["Set-Cookie"]).partition("=")[2]
    assert kept._is_valid(value, site)
    now += gate.LIFE - 1
    assert kept._is_valid(value, site)
    now += 1
    assert not kept._is_valid(value, site)
