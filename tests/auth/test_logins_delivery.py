"""The end of a login: its key is delivered once, in good time, to whoever holds the verifier and asks at leisure."""

from services.auth import keys, logins
from tests.support.auth import Auth, Started, an_address, link_path


async def approved(auth: Auth, email: str) -> Started:
    login = await auth.start()
    assert (await auth.send_code(login, email)).status == 202
    code = (await auth.db.fetchval("SELECT count(*) FROM login_codes WHERE email = $1", email)) or 1
    assert (await auth.verify(login, (await auth.mail(email, code)).code)).status == 200
    return login


async def test_a_login_to_a_full_account_is_not_burnt(auth: Auth) -> None:
    """Its key is made in the transaction that takes the delivery: after a revoke the same login gets it."""
    email = an_address()
    first = await auth.log_in(email)
    await auth.db.execute(
        "INSERT INTO keys (id, account_id, digest, name, hint, scopes, created_via)"
        " SELECT 'key_' || n, a.id, n::text, 'x', '', '{read}', 'test' FROM accounts a, generate_series(2, $1) n",
        keys.MAX_ACTIVE,
    )
    login = await approved(auth, email)
    for _ in range(2):
        refused = await auth.poll(login)
        assert (refused.status, refused.json["code"]) == (409, "too_many_keys")
    assert (await auth.call("POST", "/auth/logout", key=first)).status == 200
    assert (await auth.poll(login)).status == 200


async def test_an_approval_in_the_last_seconds_leaves_time_to_take_the_key(auth: Auth) -> None:
    """The code was in time; who then walks back to the other screen is not too late."""
    email, login = an_address(), await auth.start()
    await auth.send_code(login, email)
    await auth.db.execute("UPDATE logins SET expires_at = now() + interval '20 seconds'")
    assert (await auth.verify(login, (await auth.mail(email)).code)).status == 200
    await pass_time(auth, seconds=120)
    assert (await auth.poll(login)).status == 200


async def test_an_approval_that_nobody_takes_is_over_too(auth: Auth) -> None:
    login = await approved(auth, an_address())
    await pass_time(auth, seconds=int(logins.LOGIN_LIFE.total_seconds()) + 1)
    assert (await auth.poll(login)).status == 410
    assert await auth.db.fetchval("SELECT count(*) FROM keys") == 0


async def pass_time(auth: Auth, *, seconds: float) -> None:
    """Let all that is stored be that much older."""
    await auth.db.execute(
        "UPDATE logins SET created_at = created_at - $1 * interval '1 second',"
        " expires_at = expires_at - $1 * interval '1 second', polled_at = polled_at - $1 * interval '1 second'",
        seconds,
    )


async def test_r58_whoever_asks_every_two_seconds_is_not_told_to_slow_down(auth: Auth) -> None:
    """R58: the network may bring two polls half a second closer; a refused one does not count as asked."""
    login = await auth.start()
    assert (await auth.poll(login)).status == 202
    for seconds in (1.6, 2.0, 1.5):
        await pass_time(auth, seconds=seconds)
        assert (await auth.poll(login)).status == 202
    assert [(await auth.poll(login)).status for _ in range(3)] == [429] * 3
    await pass_time(auth, seconds=1.5)
    assert (await auth.poll(login)).status == 202


async def test_r58_an_approved_login_is_delivered_to_whoever_hurries_too(auth: Auth) -> None:
    """R58: slow_down protects what waits; what is ready is handed over."""
    email, login = an_address(), await auth.start()
    assert [(await auth.poll(login)).status for _ in range(2)] == [202, 429]
    await auth.send_code(login, email)
    path = link_path(await auth.mail(email))
    assert (await auth.browser().post(path, {"user_code": login.user_code})).status == 200
    assert (await auth.poll(login)).status == 200


async def test_r58_a_stolen_id_takes_nothing_at_any_stage(auth: Auth) -> None:
    """R58: the same 404 while a login waits, when it was approved, delivered or is over; nor does it slow the owner."""
    thief = {"verifier": "x" * 43}

    async def stolen(login: Started) -> int:
        return (await auth.call("POST", "/auth/token", json={"session_id": login.session_id, **thief})).status

    waiting, ready = await auth.start(), await approved(auth, an_address())
    assert [await stolen(waiting), await stolen(ready)] == [404, 404]
    assert (await auth.poll(waiting)).status == 202
    assert (await auth.poll(ready)).status == 200
    await pass_time(auth, seconds=3600)
    assert [await stolen(waiting), await stolen(ready)] == [404, 404]
    assert [(await auth.poll(login)).status for login in (waiting, ready)] == [410, 410]


async def test_a_dashboard_login_delivers_no_key_and_a_programs_no_session(auth: Auth) -> None:
    """Each kind ends in what it was started for, whoever has its verifier."""
    browser, email = auth.browser(), an_address()
    path = (await browser.post("/login", {"email": email})).headers["Location"]
    body = {"session_id": path.rpartition("/")[2], "verifier": browser.cookies["invoker_login"]}
    assert (await auth.call("POST", "/auth/verify", json={**body, "code": (await auth.mail(email)).code})).status == 200
    assert (await auth.call("POST", "/auth/token", json=body)).status == 404
    program = await approved(auth, an_address())
    browser.cookies["invoker_login"] = program.verifier
    assert (await browser.post(f"/login/{program.session_id}/continue")).headers["Location"] != "/dashboard"
    assert "invoker_session" not in browser.cookies
