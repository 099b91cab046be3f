"""What a login, its code and its link are worth, when, and to whom."""

from datetime import datetime, timedelta

from shared.events import LoginCodeMail
from tests.support.auth import Auth, Browser, an_address, gathered, link_path
from tests.support.eventually import eventually


async def test_r54_opening_the_mails_link_changes_nothing(auth: Auth) -> None:
    """R54: scanners open it; the person's own POST works all the same, once."""
    email = an_address()
    login = await auth.start()
    await auth.send_code(login, email)
    path = link_path(await auth.mail(email))
    before = await rows(auth)
    seen = await gathered([auth.browser().get(path, method) for method in ("GET", "HEAD") * 10])
    assert {answer.status for answer in seen} == {200}
    assert not any("Set-Cookie" in answer.headers for answer in seen)
    assert await rows(auth) == before

    fields = {"user_code": login.user_code}
    assert "Go back to your terminal" in (await auth.browser().post(path, fields)).text
    assert (await auth.browser().post(path, fields)).status == 410
    assert (await auth.poll(login)).status == 200


async def rows(auth: Auth) -> list[object]:
    return list(await auth.db.fetch("SELECT l, c FROM logins l JOIN login_codes c ON c.login_id = l.id"))


async def test_r56_a_newer_code_voids_the_older_of_the_address_and_of_the_login(auth: Auth) -> None:
    """R56: also when another login asked for it."""
    email, other = an_address(), an_address()
    first, second = await auth.start(), await auth.start()
    await auth.send_code(first, email)
    await auth.send_code(second, email)
    older, newer = await auth.mail(email), await auth.mail(email, 2)
    assert (await auth.verify(first, older.code)).status == 400
    assert (await auth.browser().get(link_path(older))).status == 410
    await auth.send_code(second, other)
    assert (await auth.verify(second, newer.code)).status == 400
    assert (await auth.verify(second, (await auth.mail(other)).code)).status == 200


async def test_r56_a_code_ends_after_ten_minutes_and_so_does_its_mail(auth: Auth) -> None:
    """R56: nothing of a login outlives its time."""
    email = an_address()
    login = await auth.start()
    await auth.send_code(login, email)
    mail = await auth.mail(email)
    envelope = next(kept for kept in auth.bus.published if kept.type == LoginCodeMail.type)
    assert envelope.expires_at is not None
    assert envelope.expires_at - mail.requested_at == timedelta(minutes=10)
    await auth.db.execute("UPDATE login_codes SET expires_at = now()")
    assert (await auth.verify(login, mail.code)).status == 400
    assert (await auth.browser().get(link_path(mail))).status == 410


async def test_r56_only_digests_of_code_and_link_are_stored(auth: Auth) -> None:
    """R56: the outbox row, which has both, is gone with its delivery."""
    email = an_address()
    login = await auth.start()
    await auth.send_code(login, email)
    mail = await auth.mail(email)
    await eventually(lambda: no_outbox(auth))
    dump = str([tuple(row) for row in await auth.db.fetch("SELECT l, c FROM logins l, login_codes c")])
    assert mail.code not in dump.replace(login.session_id, "")
    assert mail.link.rpartition("/")[2] not in dump


async def no_outbox(auth: Auth) -> bool:
    return await auth.db.fetchval("SELECT count(*) = 0 FROM outbox") is True


async def test_r58_a_login_id_without_its_verifier_is_worth_nothing(auth: Auth) -> None:
    """R58: an unknown id and a wrong verifier look the same; the owner alone is told more."""
    login = await auth.start()
    stolen = await auth.call("POST", "/auth/token", json={"session_id": login.session_id, "verifier": "x" * 43})
    unknown = await auth.call("POST", "/auth/token", json={"session_id": "ls_" + "0" * 16, "verifier": "x" * 43})
    assert (stolen.status, unknown.status) == (404, 404)
    assert {**stolen.json, "request_id": ""} == {**unknown.json, "request_id": ""}

    assert (await auth.poll(login)).json == {"status": "pending"}
    hurried = await auth.poll(login)
    assert (hurried.status, hurried.json["error"], hurried.json["code"]) == (429, "Rate limit exceeded", "slow_down")
    assert hurried.headers["Retry-After"] == "2"

    await auth.db.execute("UPDATE logins SET expires_at = now()")
    assert (await auth.poll(login)).status == 410


async def test_r58_a_delivered_login_is_gone(auth: Auth) -> None:
    """R58: the second poll gets nothing, nor does another code."""
    email = an_address()
    login = await auth.start()
    await auth.send_code(login, email)
    await auth.verify(login, (await auth.mail(email)).code)
    assert (await auth.poll(login)).status == 200
    assert (await auth.poll(login)).status == 410
    assert (await auth.send_code(login, email)).status == 410


async def test_a_client_may_ask_for_a_key_that_ends(auth: Auth) -> None:
    """One statement makes it: there is no moment at which it has no end, and no second mail about it."""
    email = an_address()
    login = await auth.start()
    await auth.send_code(login, email)
    await auth.verify(login, (await auth.mail(email)).code)
    assert (await auth.poll(login, expires_in=0)).status == 422
    taken = (await auth.poll(login, expires_in=90 * 86_400)).json
    row = (await auth.call("GET", f"/keys/{taken['key_id']}", key=taken["api_key"])).json
    assert row["expires_at"] == taken["expires_at"]
    life = datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"])
    assert life == timedelta(days=90)


WRONG_SHAPES: list[tuple[str, dict[str, object]]] = [
    ("/auth/session", {}),
    ("/auth/session", {"verifier_hash": "A" * 64}),
    ("/auth/otp", {"session_id": "ls_" + "0" * 16, "email": "nonsense"}),
    ("/auth/otp", {"session_id": 1, "email": "a@example.com"}),
    ("/auth/verify", {"session_id": "ls_" + "0" * 16}),
    ("/auth/token", {"session_id": "ls_" + "0" * 16, "verifier": None}),
]


async def test_a_body_of_the_wrong_shape_is_422(auth: Auth) -> None:
    for path, body in WRONG_SHAPES:
        answer = await auth.call("POST", path, json=body)
        assert (path, answer.status) == (path, 422)
        assert answer.json["error"]


async def test_a_code_or_verifier_of_any_length_is_a_wrong_one(auth: Auth) -> None:
    """Whatever the reason: the same answer."""
    session = {"session_id": "ls_" + "0" * 16}
    answer = await auth.call("POST", "/auth/verify", json={**session, "code": "1" * 5000})
    assert (answer.status, answer.json["error"]) == (400, "Invalid or expired code")
    answer = await auth.call("POST", "/auth/token", json={**session, "verifier": "v" * 5000})
    assert (answer.status, answer.json["error"]) == (404, "Login not found")


async def test_an_unknown_login_is_404_and_for_a_code_the_usual_400(auth: Auth) -> None:
    for session_id in ("", "ls_", "dep_" + "0" * 16, "ls_" + "0" * 16, "ls_\u0000"):
        nul = "\0" in session_id
        body = {"session_id": session_id, "email": an_address(), "code": "123456"}
        assert (await auth.call("POST", "/auth/otp", json=body)).status == (422 if nul else 404)
        assert (await auth.call("POST", "/auth/verify", json=body)).status == (422 if nul else 400)


async def test_a_stranger_cannot_finish_a_dashboard_login(auth: Auth) -> None:
    browser = auth.browser()
    path = (await browser.post("/login", {"email": an_address()})).headers["Location"]
    stranger = Browser(auth, cookies={"invoker_login": "x" * 43})
    for answer in [await stranger.get(path), await stranger.post(f"{path}/code", {"code": "123456"})]:
        assert answer.status == 404
        assert "no such login" in answer.text
