"""R66: what each kind of answer lets other origins do, as a table: pages, the API, forms, and users' sites."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.auth import OWN_PAGE, an_address
from tests.support.client import Answer
from tests.support.together import together

CORP, COOP, CSP = "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy", "Content-Security-Policy"
ACAO, ACAC = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
REFERRER, FRAMES = "Referrer-Policy", "X-Frame-Options"

#: Header to what it has to be; None: not there.
PAGE: Final = {CORP: "same-origin", COOP: "same-origin", ACAO: None, ACAC: None, REFERRER: "same-origin"}
OURS: Final = {CORP: "same-origin", ACAO: None, ACAC: None}
OPEN: Final = {CORP: None, ACAO: "*", ACAC: None}
THANKS: Final = {CORP: None, ACAO: None, ACAC: None}
SITE: Final = {CORP: None, COOP: None, ACAO: None, ACAC: None, CSP: None, FRAMES: None, "Set-Cookie": None}
# nobody's credentials go there: a page without an origin loads its own modules and fonts only where everybody may
BELOW: Final = SITE | {CSP: "sandbox allow-forms allow-scripts allow-popups", ACAO: "*"}


def check(where: str, answer: Answer, expected: Mapping[str, str | None]) -> None:
    told = {name: answer.headers.get(name) for name in expected}
    assert told == expected, (where, answer.status)
    assert answer.headers["X-Content-Type-Options"] == "nosniff", where


async def test_r66_pages_and_the_api_are_for_our_own_origin_alone(database_url: str, tmp_path: Path) -> None:
    """R66: errors too, and whatever Origin asks."""
    async with together(database_url, tmp_path / "blobs") as both:
        auth, browser = both.auth, both.auth.browser()
        await browser.log_in(an_address())
        foreign = {"Origin": "https://evil.example"}
        for path in ("/", "/login", "/dashboard", "/docs/api", "/nothing", "/login/ls_0000000000000000"):
            page = await (auth.browser() if path == "/login" else browser).get(path, **foreign)
            check(path, page, PAGE)
            assert "frame-ancestors 'none'" in page.headers[CSP], path
            assert "unsafe" not in page.headers[CSP]
        cookie = {"Cookie": f"invoker_session={browser.cookies['invoker_session']}"}
        for path in ("/auth/me", "/auth/sessions", "/keys", "/audit", "/auth/export", "/openapi.json", "/keys/key_x"):
            check(path, await auth.call("GET", path, headers=cookie | foreign), OURS)
        for path in ("/deploy", "/deploy/dep_x", "/submissions/dep_x", "/nothing"):
            check(path, await both.deploy.call("GET", path, headers=cookie | foreign), OURS)
        for method, path in (("POST", "/keys"), ("PUT", "/keys"), ("OPTIONS", "/keys"), ("OPTIONS", "/auth/account")):
            check(f"{method} {path}", await auth.call(method, path, headers=cookie | foreign), OURS)
        check("421", await auth.call("GET", "/", headers={"Host": "evil.example"}), OURS)
        style = (await browser.get("/")).text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        check(style, await browser.get(style), OURS)


async def test_r66_forms_and_sites_are_open_and_have_none_of_our_rights(database_url: str, tmp_path: Path) -> None:
    """R66: /submit is for every origin, without credentials; what a user publishes is embedded as its owner likes."""
    async with together(database_url, tmp_path / "blobs") as both:
        deploy, key = both.deploy, await both.auth.log_in(an_address())
        site = await deploy.publish(key)
        form = f"/submit/{site['id']}"
        origin = {"Origin": f"http://{site['slug']}.sites.localhost:8080", "Sec-Fetch-Site": "cross-site"}
        check("submit", await deploy.call("POST", form, json={"a": "b"}, headers=origin), OPEN)
        check("submit, refused", await deploy.call("POST", "/submit/dep_x", json={}, headers=origin), OPEN)
        preflight = await deploy.call("OPTIONS", form, headers=origin)
        check("preflight", preflight, OPEN)
        assert preflight.headers["Access-Control-Allow-Methods"] == "POST"
        script = await deploy.call("GET", f"{form}/form.js", headers=origin)
        check("script", script, {CORP: "cross-origin", ACAO: "*", ACAC: None})
        check("thanks", await deploy.call("GET", f"{form}/thanks"), THANKS)
        for path in ("/", "/nothing"):
            answer = await deploy.site(site["slug"], path, headers=OWN_PAGE | {"Cookie": "invoker_session=ses_x"})
            check(path, answer, SITE if path == "/" else {**SITE, CSP: answer.headers.get(CSP)})
        check("/s/", await deploy.call("GET", f"/s/{site['slug']}/"), BELOW)
        check("/s", await deploy.call("GET", f"/s/{site['slug']}"), {**SITE, CSP: None})


async def test_r61_deploy_serves_no_host_that_is_not_ours(database_url: str, tmp_path: Path) -> None:
    """R61: neither API nor site; what forwarded headers say changes nothing."""
    async with together(database_url, tmp_path / "blobs") as both:
        key = await both.auth.log_in(an_address())
        for host in ("evil.example", "evil.example:8080", "sites.localhost.evil.example", "x.localhost"):
            answer = await both.deploy.call("GET", "/deploy", key=key, headers={"Host": host})
            assert answer.status == 404, host
            assert "deployments" not in answer.text
        lies = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        site = await both.deploy.call("POST", "/deploy", key=key, headers=lies, json={"html": "{{SUBMIT_URL}}"})
        assert "evil.example" not in site.text
        assert "evil.example" not in (await both.deploy.site(site.json["slug"], headers=lies)).text
