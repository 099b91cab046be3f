"""What a client says of itself: shown to people as text, on one line, and never longer than they read."""

import asyncio

import pytest

from services.auth.logins import HOST_SHOWN, NAMELESS, Client
from shared.events import KeyCreatedMail
from tests.support.auth import Auth, an_address, link_path
from tests.support.eventually import eventually

#: given, shown
NAMES = [
    ("invoker-cli", "invoker-cli"),
    ("Claude Code (VS Code)", "Claude Code (VS Code)"),
    ("программа 程序 émile", "программа 程序 émile"),
    ("a\u202eedoc\u202c", "aedoc"),
    ("in\u200bvo\u00adker\ufeff", "invoker"),
    ("two\u2028lines\u2029and\u0085more\u00a0 space", "two lines and more space"),
    ("https://evil.example/help", "https evil.example help"),
    ("mailto:help@evil.example", "mailto help evil.example"),
    ("\\\\host\\share", "host share"),
    ("\u200b\u200b", NAMELESS),
    ("\ue000\U000e0041", NAMELESS),
    ("e\u0301mile", "émile"),
    ("<b>&amp;", "<b>&amp;"),
]


@pytest.mark.parametrize("given,shown", NAMES, ids=ascii)
def test_a_clients_name_is_shown_without_what_hides_turns_or_links_it(given: str, shown: str) -> None:
    assert Client.of(given).name == shown
    assert Client.of(Client.of(given).name).name == shown


def test_a_clients_host_is_shown_as_far_as_people_read() -> None:
    """What stands in our mails is not the place for somebody's letter."""
    assert Client.of("x", host="laptop").title == "x on laptop"
    assert Client.of("x", "1", "y" * HOST_SHOWN).title == f"x 1 on {'y' * HOST_SHOWN}"
    title = Client.of("x", host="y " * 120).title
    assert len(title) == len("x on ") + HOST_SHOWN
    assert title.endswith("…")


REFUSED = [
    ({"name": "x" * 65}, 422),
    ({"name": "x", "host": "x" * 256}, 422),
    ({"name": "x", "version": "x" * 33}, 422),
    ({"name": "x" * 65_000}, 422),
    ({"name": "x" * 65_536}, 413),
    ({"name": ""}, 422),
    *[({"name": f"a{char}b"}, 422) for char in "\n\x1b\0\x7f"],
]


async def test_a_client_too_long_or_with_control_characters_is_refused(auth: Auth) -> None:
    for client, status in REFUSED:
        answer = await auth.call("POST", "/auth/session", json={"verifier_hash": "0" * 64, "client": client})
        assert answer.status == status
        assert len(answer.raw) < 500, "what was sent is not repeated"
    assert await auth.db.fetchval("SELECT count(*) FROM logins") == 0


async def test_hostile_fields_are_text_on_every_page_in_the_mails_and_on_the_key(auth: Auth) -> None:
    """Markup is shown as it was typed; the key is named and marked like the login that it comes from."""
    email, browser = an_address(), auth.browser()
    login = await auth.start(name="<script>alert(1)</script>\u202e", version='"><img src=x>', host="'; DROP TABLE keys")
    await auth.send_code(login, email)
    mail = await auth.mail(email)
    assert mail.client == "<script>alert(1)< script> \"><img src=x> on '; DROP TABLE keys"
    pages = [f"/login/{login.session_id}", f"/login/{login.session_id}?again=1", link_path(mail)]
    texts = [(await browser.get(path)).text for path in pages]
    texts.append((await browser.post(link_path(mail), {"user_code": login.user_code})).text)
    for text in texts:
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "\u202e" not in text

    key = (await auth.poll(login)).json["api_key"]
    row = (await auth.call("GET", "/keys", key=key)).json["keys"][0]
    assert (row["name"], row["created_via"]) == (mail.client, "<script>alert(1)< script>")
    notice = (await eventually(lambda: auth.bus.events(KeyCreatedMail)))[-1]
    assert (notice.name, notice.created_via) == (row["name"], row["created_via"])


@pytest.mark.parametrize("name", ["dashboard", "API", "rotation"])
async def test_a_program_cannot_pass_for_another_way_to_a_key(auth: Auth, name: str) -> None:
    """Whoever reads the list or the notice has to see that a program that calls itself so got a key."""
    email, login = an_address(), await auth.start(name=name)
    await auth.send_code(login, email)
    assert (await auth.verify(login, (await auth.mail(email)).code)).status == 200
    key = (await auth.poll(login)).json["api_key"]
    assert (await auth.call("GET", "/keys", key=key)).json["keys"][0]["created_via"] == f"“{name}”"


async def test_any_bytes_in_a_cookie_are_nobodys(auth: Auth) -> None:
    """What is no UTF-8 is no verifier and no session, and no failure either."""
    path = (await auth.browser().post("/login", {"email": an_address()})).headers["Location"]
    for cookie, page, status in [
        (b"invoker_login=\xff", path, b"404"),
        (b"invoker_session=ses_\xff", "/login", b"200"),
        (b"invoker_session=ses_\xff", "/auth/me", b"401"),
    ]:
        assert await status_of(auth, page, cookie) == status


async def status_of(auth: Auth, path: str, cookie: bytes) -> bytes:
    """Send bytes that no client library would."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(auth.url.rpartition(":")[2]))
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: "
    try:
        writer.write(head.encode() + cookie + b"\r\n\r\n")
        return (await reader.readline()).split(b" ")[1]
    finally:
        writer.close()
        await writer.wait_closed()
