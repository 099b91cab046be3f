"""The trail of logins: a row for each that succeeded, failed or was refused, in the transaction of what it tells."""

import asyncpg
import pytest

from services.auth.store import audit
from tests.support.auth import Auth, an_address, link_path


async def trail(auth: Auth) -> list[tuple[str, str | None, str, str, object]]:
    rows = await auth.db.fetch(
        "SELECT action, account_id, actor, ip, detail::text AS detail FROM audit WHERE action ~ '^login' ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_r51_a_login_that_fails_and_then_succeeds_is_in_the_trail(auth: Auth) -> None:
    """R51: the first failure belongs to no account, for there is none yet; the next ones do."""
    email, details = an_address(), '{{"by": "{}", "client": "invoker on laptop"}}'
    first = await auth.start()
    await auth.send_code(first, email)
    mail = await auth.mail(email)
    await auth.verify(first, wrong(mail.code))
    await auth.verify(first, mail.code)
    account = await auth.db.fetchval("SELECT id FROM accounts")

    second = await auth.start()
    await auth.send_code(second, email)
    path = link_path(await auth.mail(email, 2))
    await auth.browser().post(path, {"user_code": "BBBB-BBBB"})
    await auth.browser().post(path, {"user_code": second.user_code})
    visitor = ("visitor", "127.0.0.1")
    assert await trail(auth) == [
        ("login.failed", None, *visitor, details.format("code")),
        ("login.succeeded", account, *visitor, details.format("code")),
        ("login.failed", account, *visitor, details.format("link")),
        ("login.succeeded", account, *visitor, details.format("link")),
    ]
    everything = str(await auth.db.fetch("SELECT a::text FROM audit a"))
    for secret in (email, mail.code, second.user_code, path):
        assert secret not in everything


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_r51_a_try_and_its_row_are_one_transaction(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """R51: where the row cannot be written, the try has not happened, and nobody learns what it was worth."""
    email, login = an_address(), await auth.start()
    await auth.send_code(login, email)
    code = (await auth.mail(email)).code

    async def broken(*_given: object, **_more: object) -> None:
        raise asyncpg.QueryCanceledError

    with monkeypatch.context() as patched:
        patched.setattr(audit, "add", broken)
        assert (await auth.verify(login, wrong(code))).status == 503
        assert await auth.db.fetchval("SELECT code_tries FROM login_codes") == 0
        assert (await auth.verify(login, code)).status == 503
    assert await auth.db.fetchval("SELECT code_tries FROM login_codes") == 1, "a right code is spent with its try alone"
    assert (await auth.poll(login)).status == 202
    assert (await auth.verify(login, code)).status == 200


async def test_r51_what_no_code_was_compared_for_is_no_failure(auth: Auth) -> None:
    """R51: whoever tries codes at logins without one, or with text, fills nobody's trail."""
    login = await auth.start()
    for code in ("123456", "nonsense"):
        await auth.verify(login, code)
    await auth.send_code(login, an_address())
    await auth.verify(login, "nonsense")
    await auth.browser().post(f"/login/link/lnk_{'x' * 43}", {"user_code": "BBBB-BBBB"})
    assert await trail(auth) == []
