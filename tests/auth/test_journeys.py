"""Whole ways through auth, with one connection to the database and with many (R27)."""

from shared.events import KeyCreatedMail, KeyRevoked
from tests.support.auth import Auth, an_address, link_path
from tests.support.eventually import eventually


async def test_r27_a_program_logs_in_by_code_and_its_key_works_until_revoked(any_pool: Auth) -> None:
    """R27: no step takes a second connection while it holds one."""
    email = an_address()
    login = await any_pool.start(name="invoker-cli", version="1.2", host="laptop")
    assert (await any_pool.poll(login)).status == 202
    assert (await any_pool.send_code(login, email)).status == 202
    mail = await any_pool.mail(email)
    assert mail.client == "invoker-cli 1.2 on laptop"
    assert (await any_pool.verify(login, mail.code)).json == {"status": "approved"}
    delivered = await any_pool.poll(login)
    assert delivered.status == 200
    assert delivered.headers["Cache-Control"] == "no-store"
    assert set(delivered.json) == {"api_key", "key_id", "email"}
    key = delivered.json["api_key"]

    me = (await any_pool.call("GET", "/auth/me", key=key)).json
    assert me["email"] == email
    assert me["usage"] == {"deployments": None, "limit": 5}
    answer = await any_pool.check(key)
    assert answer["caller"]["email"] == email
    row = (await any_pool.call("GET", "/keys", key=key)).json["keys"][0]
    assert (row["name"], row["created_via"]) == ("invoker-cli 1.2 on laptop", "invoker-cli")
    await eventually(lambda: [notice.to for notice in any_pool.bus.events(KeyCreatedMail)] == [email])

    assert (await any_pool.call("POST", "/auth/logout", key=key)).json["id"] == row["id"]
    assert (await any_pool.call("GET", "/auth/me", key=key)).status == 401
    assert await any_pool.check(key) == {"valid": False}
    await eventually(lambda: [gone.key_id for gone in any_pool.bus.events(KeyRevoked)] == [row["id"]])


async def test_r27_a_program_logs_in_by_the_pages(any_pool: Auth) -> None:
    """R27: the page of a login is an email form, then a code form, then says to go back."""
    email, browser = an_address(), any_pool.browser()
    login = await any_pool.start(name="invoker-cli", host="laptop")
    path = f"/login/{login.session_id}"
    page = await browser.get(path)
    assert page.status == 200
    assert login.user_code in page.text
    assert "invoker-cli on laptop" in page.text
    assert (await browser.post(f"{path}/email", {"email": email})).headers["Location"] == path
    assert 'name="code"' in (await browser.get(path)).text
    mail = await any_pool.mail(email)
    done = await browser.post(f"{path}/code", {"code": f"{mail.code[:3]} {mail.code[3:]}"})
    assert done.headers["Location"] == path
    assert "Go back to your terminal" in (await browser.get(path)).text
    assert browser.cookies == {}, "that browser is not logged in"
    assert (await any_pool.poll(login)).status == 200


async def test_r27_a_browser_logs_in_makes_a_key_and_revokes_it(any_pool: Auth) -> None:
    """R27: the dashboard's door, a key shown once, and out again."""
    email, browser = an_address(), any_pool.browser()
    assert (await browser.get("/dashboard")).headers["Location"] == "/login"
    await browser.log_in(email)
    assert list(browser.cookies) == ["invoker_session"]
    assert email in (await browser.get("/dashboard")).text

    cookie = {"Cookie": f"invoker_session={browser.cookies['invoker_session']}", **browser.headers}
    made = await any_pool.call("POST", "/keys", json={"name": "laptop"}, headers=cookie)
    assert made.headers["Cache-Control"] == "no-store"
    assert (await any_pool.check(made.json["key"]))["valid"]
    listed = await any_pool.call("GET", "/keys", headers=cookie)
    assert made.json["key"] not in listed.text
    assert [key["name"] for key in listed.json["keys"]] == ["laptop"]
    assert (await any_pool.call("DELETE", f"/keys/{made.json['id']}", headers=cookie)).status == 200
    assert await any_pool.check(made.json["key"]) == {"valid": False}

    assert (await browser.post("/logout")).headers["Location"] == "/"
    assert browser.cookies == {}


async def test_r27_the_mails_link_approves_a_login_in_another_browser(any_pool: Auth) -> None:
    """R27: what the link approves, the browser that began finishes with its continue button."""
    email, browser, phone = an_address(), any_pool.browser(), any_pool.browser()
    path = (await browser.post("/login", {"email": email})).headers["Location"]
    user_code = (await browser.get(path)).text.partition('class="mono">')[2][:9]
    early = await browser.post(f"{path}/continue")
    assert early.headers["Location"] == f"{path}?waiting=1"
    assert "has not been approved yet" in (await browser.get(early.headers["Location"])).text

    mail = await any_pool.mail(email)
    approved = await phone.post(link_path(mail), {"user_code": user_code.lower()})
    assert "Go back to the browser" in approved.text
    assert (await phone.get(path)).status == 404, "only the browser that began may finish"
    assert (await phone.post(f"{path}/continue")).status == 404
    assert phone.cookies == {}
    assert "Continue to the dashboard" in (await browser.get(path)).text
    assert (await browser.post(f"{path}/continue")).headers["Location"] == "/dashboard"
    assert email in (await browser.get("/dashboard")).text
