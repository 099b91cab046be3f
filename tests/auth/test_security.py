"""What must never leak, be told apart, be forged or be led astray."""

import asyncio
import io

import pytest

from shared import logs
from tests.support.auth import Auth, Browser, an_address, link_path, running_auth
from tests.support.eventually import eventually

TABLES = ("accounts", "logins", "login_codes", "keys", "sessions", "outbox", "audit", "email_changes")


async def test_r43_no_issued_secret_is_in_the_database_or_the_logs(auth: Auth) -> None:
    """R43: 100 keys made, used, rotated, revoked by their account or a holder; cookies, links and verifiers too."""
    out = io.StringIO()
    logs.configure("auth", out=out, json=True)
    email, browser = an_address(), auth.browser()
    key = await auth.log_in(email)
    issued = [key]
    for number in range(100):
        made = (await auth.call("POST", "/keys", key=key, json={"name": f"k{number}"})).json
        issued.append(made["key"])
        assert (await auth.call("GET", "/auth/me", key=made["key"])).status == 200
        if number % 2:
            await auth.call("DELETE", f"/keys/{made['id']}", key=made["key"])
        else:
            made = (await auth.call("POST", f"/keys/{made['id']}/rotate", key=key, json={"grace_seconds": 60})).json
            issued.append(made["key"])
            assert (await auth.call("POST", "/keys/revoke", json={"key": made["key"]})).status == 200
    path = (await browser.post("/login", {"email": email})).headers["Location"]
    issued.append(browser.cookies["invoker_login"])
    mail = await auth.mail(email, 2)
    await browser.get(link_path(mail))
    await browser.get(f"/nothing/{key}")
    await browser.post(f"{path}/code", {"code": mail.code})
    issued += [browser.cookies["invoker_session"], mail.link.rpartition("/")[2]]
    await eventually(lambda: nothing_waits(auth))
    dump = ""
    for table in TABLES:
        dump += str([tuple(row) for row in await auth.db.fetch(f"SELECT t::text FROM {table} t")])
    dump += str([envelope.model_dump() for envelope in auth.bus.published if envelope.type != "mail.login_code"])
    logs.flush()
    assert len(issued) == 154
    assert "login.code_sent" in out.getvalue()
    for secret in issued:
        assert secret not in dump
        assert secret not in out.getvalue()


async def nothing_waits(auth: Auth) -> bool:
    return await auth.db.fetchval("SELECT count(*) = 0 FROM outbox") is True


async def test_r61_links_come_from_the_configuration_alone(auth: Auth) -> None:
    """R61: neither Host nor X-Forwarded-Host nor an absolute request line gets into a mail or page."""
    login, email = await auth.start(), an_address()
    lies = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    body = {"session_id": login.session_id, "email": email}
    assert (await auth.call("POST", "/auth/otp", json=body, headers=lies)).status == 202
    assert (await auth.mail(email)).link.startswith(f"{auth.config.app_url}/login/link/lnk_")

    refused = await auth.call("POST", "/auth/otp", json=body, headers={"Host": "evil.example"})
    assert (refused.status, refused.json["code"]) == (421, "unknown_host")
    line = f"GET http://evil.example/login/{login.session_id} HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    assert (await raw(auth, line)).split(b" ", 2)[1] == b"421"
    line = f"GET http://evil.example/login/{login.session_id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert b"evil.example" not in await raw(auth, line)


async def raw(auth: Auth, text: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(auth.url.rpartition(":")[2]))
    try:
        writer.write(text.encode())
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8080", "api.localhost"])
async def test_r61_ones_own_machine_has_several_names(auth: Auth, host: str) -> None:
    assert (await auth.call("GET", "/openapi.json", headers={"Host": host})).status == 200


@pytest.mark.parametrize("host", ["", "localhost.evil.example", "xlocalhost", "127.0.0.2", "::1"])
async def test_r61_other_hosts_are_refused(auth: Auth, host: str) -> None:
    assert (await auth.call("GET", "/openapi.json", headers={"Host": host})).status == 421


FORGED = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {},
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
async def test_r62_another_site_cannot_make_a_browser_change_anything(auth: Auth, headers: dict[str, str]) -> None:
    """R62: page forms and cookie calls to the API alike; nothing happens."""
    browser = auth.browser()
    await browser.log_in(an_address())
    forger = Browser(auth, browser.cookies, headers)
    paths = ["/logout", "/login", "/keys", "/auth/logout", "/login/ls_0000000000000000/email"]
    assert {(await forger.post(path, {"name": "x"})).status for path in paths} == {403}
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 0
    assert (await browser.get("/dashboard")).status == 200


@pytest.mark.parametrize("fetch", [True, False])
async def test_r62_the_dashboards_own_calls_work_with_the_cookie(auth: Auth, *, fetch: bool) -> None:
    """R62: by Fetch Metadata, or by Origin where a browser does not send that."""
    browser = auth.browser()
    await browser.log_in(an_address())
    browser.headers = {"Sec-Fetch-Site": "same-origin"} if fetch else {"Origin": auth.config.app_url}
    cookie = {"Cookie": f"invoker_session={browser.cookies['invoker_session']}", **browser.headers}
    made = await auth.call("POST", "/keys", json={"name": "x"}, headers=cookie)
    assert (made.status, made.json["created_via"]) == (201, "dashboard")
    assert (await auth.call("DELETE", f"/keys/{made.json['id']}", headers=cookie)).status == 200
    me = (await auth.call("GET", "/auth/me", headers=cookie)).json
    assert me["credential"]["kind"] == "session"
    assert (await auth.call("POST", "/auth/logout", headers=cookie)).status == 200
    assert (await auth.call("GET", "/auth/me", headers=cookie)).status == 401


async def test_r62_the_session_cookie_is_locked_to_its_host(database_url: str) -> None:
    """R62: `__Host-`, Secure, HttpOnly, SameSite=Lax, and a new value at each login."""
    origins = {"app_url": "https://invoker.example", "api_url": "https://api.invoker.example"}
    async with running_auth(database_url, **origins) as auth:
        values = []
        for _ in range(2):
            browser = Browser(auth, headers={"Host": "invoker.example", "Sec-Fetch-Site": "same-origin"})
            email = an_address()
            path = (await browser.post("/login", {"email": email})).headers["Location"]
            entered = await browser.post(f"{path}/code", {"code": (await auth.mail(email)).code})
            line = entered.headers.getall("Set-Cookie")[0]
            assert line.startswith("__Host-invoker_session=ses_")
            for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
                assert part in line
            assert "Domain" not in line
            values.append(line.partition(";")[0])
        assert values[0] != values[1]
        assert (await auth.call("GET", "/", headers={"Host": "localhost"})).status == 421


async def test_pages_are_strict_about_what_they_load(auth: Auth) -> None:
    for path in ("/", "/login", "/docs/api", "/nothing"):
        page = await auth.browser().get(path)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "http://" not in page.text.replace(auth.config.api_url, "").replace("http://www.w3.org", "")
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
    style = (await auth.browser().get("/")).text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    file = await auth.browser().get(style)
    assert file.headers["Content-Type"] == "text/css"
    assert "immutable" in file.headers["Cache-Control"]
    assert (await auth.browser().get("/static/..%2fapp.py")).status == 404


@pytest.mark.parametrize(
    "raw_form,kind,status",
    [
        (b"email=%ff", "application/x-www-form-urlencoded", 400),
        (b"email=\xff", "application/x-www-form-urlencoded", 400),
        (b"email=a%00b", "application/x-www-form-urlencoded", 422),
        (b"&" * 100, "application/x-www-form-urlencoded", 413),
        (b"x" * 65_537, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"email=nonsense", "application/x-www-form-urlencoded", 422),
        (b"", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_a_bad_form_is_a_page_that_says_so(auth: Auth, raw_form: bytes, kind: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": kind}
    answer = await auth.call("POST", "/login", data=raw_form, headers=headers)
    assert answer.status == status
    assert answer.text.startswith("<!doctype html>")
    assert await auth.db.fetchval("SELECT count(*) FROM logins") == 0


@pytest.mark.parametrize("path,status", [("/nothing", 404), ("/logout", 405), ("/login/link/lnk_x/deny", 405)])
async def test_where_there_is_nothing_to_see_a_browser_gets_a_page(auth: Auth, path: str, status: int) -> None:
    answer = await auth.call("GET", path, headers={"Accept": "text/html"})
    assert answer.status == status
    assert "There is nothing here" in answer.text
    assert ("Allow" in answer.headers) == (status == 405)
    assert (await auth.call("GET", path)).json["error"], "a program gets the error object"


async def test_a_limited_person_is_told_when_to_come_back(limited: Auth) -> None:
    browser, email = limited.browser(), an_address()
    answers = [await browser.post("/login", {"email": email}) for _ in range(4)]
    assert [answer.status for answer in answers] == [303] * 3 + [429]
    assert "Wait a minute" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) <= 60
