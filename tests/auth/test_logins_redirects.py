"""No page leads away: whatever a request names as the place to go on to (R63)."""

from urllib.parse import quote, urljoin, urlsplit

from yarl import URL

from tests.support.auth import Auth, an_address, link_path
from tests.support.client import Answer

EVIL = "evil.example"
PAYLOADS = [
    *[f"//{EVIL}", f"///{EVIL}", f"////{EVIL}", f"/\\{EVIL}", f"\\\\{EVIL}", f"\\/{EVIL}", f"/\\/{EVIL}"],
    *[f"https://{EVIL}", f"http:{EVIL}", f"https:/{EVIL}", f"https:\\\\{EVIL}", f"hTTps://{EVIL}", f"ftp://{EVIL}"],
    *[f"%2f%2f{EVIL}", f"/%2f{EVIL}", f"/%5c{EVIL}", f"%5c%5c{EVIL}", "//%65vil.example", f"/%09/{EVIL}"],
    *["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x"],
    *[
        f"https://localhost@{EVIL}",
        f"https://localhost:8080@{EVIL}",
        f"//localhost@{EVIL}",
        f"https://{EVIL}#localhost",
    ],
    *[f"/\t/{EVIL}", f"\t//{EVIL}", f"/\r\n/{EVIL}", f"//{EVIL}/%2e%2e", f"//{EVIL}\u3002", f"//{EVIL}%00.localhost"],
    *[f".{EVIL}", f"@{EVIL}", f"/dashboard\r\nLocation: https://{EVIL}"],
]
NAMES = ("next", "return", "return_to", "redirect", "redirect_uri", "url", "continue", "to", "again", "waiting")


def assert_stays(auth: Auth, answer: Answer) -> None:
    """Resolve the answer's Location as a browser would: tabs and line ends are nothing, a backslash is a slash."""
    location = answer.headers.get("Location", "/")
    as_read = location.replace("\t", "").replace("\r", "").replace("\n", "").replace("\\", "/").strip()
    target = urlsplit(urljoin(f"{auth.config.app_url}/login", as_read))
    assert f"{target.scheme}://{target.netloc}" == auth.config.app_url, location
    assert EVIL not in location
    assert "Refresh" not in answer.headers
    assert f'href="//{EVIL}' not in answer.text


def test_r63_there_are_at_least_thirty_payloads() -> None:
    """R63: each another way to say: over there."""
    assert len(set(PAYLOADS)) >= 30


async def test_r63_no_parameter_leads_away(auth: Auth) -> None:
    """R63: every page that redirects, with each payload in ten query parameters, form fields and headers at once."""
    browser = auth.browser()
    path = (await browser.post("/login", {"email": an_address()})).headers["Location"]
    program = await auth.start()
    pages = ["/login", "/dashboard", path, f"{path}/email", f"/login/{program.session_id}/code"]
    posts = ["/login", f"{path}/continue", f"{path}/code", f"/login/{program.session_id}/continue", "/logout"]
    for payload in PAYLOADS:
        query = "?" + "&".join(f"{name}={quote(payload)}" for name in NAMES)
        fields = dict.fromkeys(NAMES, payload) | {"email": payload, "code": payload}
        headers = {"Referer": quote(payload), "X-Original-URL": quote(payload)}
        for page in pages:
            assert_stays(auth, await browser.get(page + query, **headers))
        for page in posts:
            assert_stays(auth, await browser.post(page + query, fields, **headers))


async def test_r63_a_login_that_ends_well_ends_at_the_dashboard(auth: Auth) -> None:
    """R63: whatever stood in the address all the way."""
    browser, query = auth.browser(), f"?next=//{EVIL}"
    path = (await browser.post(f"/login{query}", {"email": (email := an_address()), "next": f"//{EVIL}"})).headers[
        "Location"
    ]
    entered = await browser.post(f"{path}/code{query}", {"code": (await auth.mail(email)).code, "next": f"//{EVIL}"})
    assert entered.headers["Location"] == "/dashboard"
    assert (await browser.get(f"/login{query}")).headers["Location"] == "/dashboard"


async def test_r63_no_path_leads_away(auth: Auth) -> None:
    """R63: a payload as the path, as a login's id and as a link's token; slashes in front are not tidied away."""
    login, email = await auth.start(), an_address()
    await auth.send_code(login, email)
    link = link_path(await auth.mail(email))
    for payload in PAYLOADS:
        named = quote(payload, safe="")
        tries = [f"//{EVIL}/%2e%2e", f"/{named}", f"/login/{named}", f"/login/{named}/email", f"/login/link/{named}"]
        for answer in [await fetched(auth, path) for path in [*tries, f"{link}?next={named}"]]:
            assert_stays(auth, answer)
            assert "Location" not in answer.headers or answer.headers["Location"].startswith("/login")


async def fetched(auth: Auth, path: str) -> Answer:
    """Get a path as it stands: nothing on the way here tidies it."""
    headers = {"Accept": "text/html"}
    url = URL(auth.url + path, encoded=True)
    async with auth.session.get(url, headers=headers, allow_redirects=False) as response:
        return Answer(response.status, response.headers, await response.read())
