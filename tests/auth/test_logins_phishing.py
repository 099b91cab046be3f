"""Somebody starts a login with another's address: what that other sees and presses never gives a key away (R57)."""

from dataclasses import dataclass

import pytest

from shared.events import LoginCodeMail
from tests.support.auth import OWN_PAGE, Auth, Browser, Started, an_address, link_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A login that an attacker started, and the mail that its victim reads."""

    victim: Browser
    login: Started
    mail: LoginCodeMail

    @property
    def link(self) -> str:
        return link_path(self.mail)

    @property
    def page(self) -> str:
        return f"/login/{self.login.session_id}"


async def attacked(auth: Auth, **client: str) -> Attack:
    email, login = an_address("victim"), await auth.start(**client)
    assert (await auth.send_code(login, email)).status == 202
    return Attack(victim=auth.browser(), login=login, mail=await auth.mail(email))


@pytest.mark.parametrize(
    "fields", [{}, {"user_code": ""}, {"user_code": "BBBB-BBBB"}, {"code": "right"}, {"user_code": "code"}]
)
async def test_r57_the_main_button_without_the_terminals_code_approves_nothing(
    auth: Auth, fields: dict[str, str]
) -> None:
    """R57: pressed with nothing, with something made up, or with what the mail itself has."""
    attack = await attacked(auth)
    fields = {name: attack.mail.code if value in {"right", "code"} else value for name, value in fields.items()}
    pressed = await attack.victim.post(attack.link, fields)
    assert pressed.status == 400
    assert "not the code that the other screen shows" in pressed.text
    assert (await auth.poll(attack.login)).status == 202
    assert await auth.db.fetchval("SELECT count(*) FROM accounts") == 0


async def test_r57_the_links_page_names_client_place_and_time(auth: Auth) -> None:
    """R57: and its first field is the other screen's code, which neither page nor mail tells."""
    attack = await attacked(auth, name="invoker-cli", version="9", host="attackers-laptop")
    text = (await attack.victim.get(attack.link)).text
    for fact in ("invoker-cli 9 on attackers-laptop", "127.0.0.1", "UTC"):
        assert fact in text
    assert text.index('name="user_code"') < text.index("This wasn’t me")
    assert attack.login.user_code not in text + str(attack.mail)
    assert attack.login.session_id not in text + str(attack.mail), "the mail does not lead to the page with the code"


async def test_r57_the_code_page_says_who_gets_in_before_the_code_is_typed(auth: Auth) -> None:
    """R57: whoever was lured to the attacker's page to type the code there reads whom it lets in, and can end it."""
    attack = await attacked(auth, name="invoker-cli", host="attackers-laptop")
    text = (await attack.victim.get(attack.page)).text
    for fact in ("invoker-cli on attackers-laptop", "127.0.0.1", "UTC", attack.login.user_code, "somebody else wants"):
        assert fact in text
    assert "nobody got a key" in (await attack.victim.post(f"{attack.page}/deny")).text.lower()
    await is_dead(auth, attack)
    assert (await attack.victim.get(attack.page)).status == 410


async def test_r57_this_was_not_me_ends_the_login(auth: Auth) -> None:
    """R57: at once, for the client that polls, the code and the link."""
    attack = await attacked(auth)
    assert "nobody got a key" in (await attack.victim.post(f"{attack.link}/deny")).text.lower()
    await is_dead(auth, attack)


async def is_dead(auth: Auth, attack: Attack) -> None:
    assert (await auth.poll(attack.login)).status == 410
    assert (await auth.verify(attack.login, attack.mail.code)).status == 400
    assert (await attack.victim.post(attack.link, {"user_code": attack.login.user_code})).status == 410
    assert (await attack.victim.post(f"{attack.link}/deny")).status == 410
    assert (await auth.send_code(attack.login, an_address())).status == 410
    row = await auth.db.fetchrow("SELECT code_tries, link_tries, voided_at IS NOT NULL AS void FROM login_codes")
    assert row is not None
    assert tuple(row) == (0, 0, True), "nothing is compared any more"
    denied = await auth.db.fetch("SELECT actor, ip, detail->>'client' AS client FROM audit")
    assert [tuple(row) for row in denied] == [("visitor", "127.0.0.1", attack.mail.client)]


async def test_r57_this_was_not_me_ends_a_dashboard_login_too(auth: Auth) -> None:
    """R57: the browser that an attacker sits at never gets in."""
    attacker, email = auth.browser(), an_address("victim")
    path = (await attacker.post("/login", {"email": email})).headers["Location"]
    mail = await auth.mail(email)
    assert "A browser wants to open your dashboard" in (await auth.browser().get(link_path(mail))).text
    assert (await auth.browser().post(link_path(mail), {"user_code": ""})).status == 400
    assert (await attacker.post(f"{path}/continue")).headers["Location"] == f"{path}?waiting=1"
    assert (await auth.browser().post(f"{link_path(mail)}/deny")).status == 200
    assert (await attacker.get(path)).status == 410
    assert (await attacker.post(f"{path}/code", {"code": mail.code})).status == 410
    assert "invoker_session" not in attacker.cookies
    assert await auth.db.fetchval("SELECT count(*) FROM sessions") == 0


async def test_r57_a_form_of_one_button_needs_no_content_type(auth: Auth) -> None:
    """R57: "this wasn't me" has no field, and most HTTP libraries send no type with nothing."""
    attack = await attacked(auth)
    answer = await auth.call("POST", f"{attack.link}/deny", headers=OWN_PAGE, skip_auto_headers=["Content-Type"])
    assert answer.status == 200
    assert (await auth.poll(attack.login)).status == 410
    answer = await auth.call("POST", "/logout", headers=OWN_PAGE)
    assert (answer.status, answer.headers.get("Location")) == (303, "/login")


async def test_r57_who_comes_too_late_to_deny_is_told_what_to_do(auth: Auth) -> None:
    """R57: the login was approved meanwhile; nothing is to be ended here any more, but there is a key to revoke."""
    attack = await attacked(auth)
    assert (await auth.verify(attack.login, attack.mail.code)).status == 200
    late = await attack.victim.post(f"{attack.link}/deny")
    assert late.status == 410
    assert "If somebody else finished it, log in and end what it brought" in late.text


async def test_r57_another_site_cannot_deny_for_anybody(auth: Auth) -> None:
    """R62: not even who knows link or login."""
    attack = await attacked(auth)
    forger = Browser(auth, headers={"Sec-Fetch-Site": "cross-site"})
    assert {(await forger.post(f"{path}/deny")).status for path in (attack.link, attack.page)} == {403}
    assert (await auth.poll(attack.login)).status == 202


async def test_a_dashboard_login_has_no_page_to_deny_it_by_id(auth: Auth) -> None:
    browser = auth.browser()
    path = (await browser.post("/login", {"email": an_address()})).headers["Location"]
    assert (await auth.browser().post(f"{path}/deny")).status == 410
    assert (await browser.get(path)).status == 200


async def test_r57_a_login_moved_to_another_address_is_lost_to_the_first(auth: Auth) -> None:
    """R57: whoever starts with a victim's address and proves a mailbox of their own gets a key to their own account."""
    attack = await attacked(auth)
    own = an_address("attacker")
    await auth.send_code(attack.login, own)
    assert (await auth.verify(attack.login, attack.mail.code)).status == 400
    assert (await attack.victim.get(attack.link)).status == 410
    assert (await auth.verify(attack.login, (await auth.mail(own)).code)).status == 200
    assert (await auth.poll(attack.login)).json["email"] == own
