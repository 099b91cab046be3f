"""An account gets another address when the codes of both mailboxes come back together."""

from typing import Any

from shared.events import AccountChanged, CredentialsChanged, EmailChangedMail, EmailCodeMail
from tests.support.auth import Auth, Browser, an_address, gathered
from tests.support.client import Answer
from tests.support.eventually import eventually

WRONG = "Invalid or expired code"


async def person(auth: Auth, email: str) -> Browser:
    browser = auth.browser()
    await browser.log_in(email)
    return browser


async def codes(auth: Auth, browser: Browser, new: str) -> tuple[str, str]:
    """Ask for a change, and return the code to the old address and the code to the new one."""
    before = len(auth.bus.events(EmailCodeMail))
    asked = await browser.api("POST", "/auth/email", {"email": new})
    assert asked.status == 202, asked.text
    assert await eventually(lambda: len(auth.bus.events(EmailCodeMail)) == before + 2)
    mails = {mail.new: mail for mail in auth.bus.events(EmailCodeMail)[before:]}
    assert mails[True].to.casefold() == new.casefold()
    return mails[False].code, mails[True].code


async def confirm(browser: Browser, current: Any, new: Any) -> Answer:
    return await browser.api("POST", "/auth/email/confirm", {"current_code": current, "new_code": new})


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


async def told(auth: Auth, kind: Any) -> Any:
    """Wait for an event and return the newest of its kind."""
    return (await eventually(lambda: auth.bus.events(kind)))[-1]


async def test_both_codes_change_the_address_and_everybody_hears_of_it(auth: Auth) -> None:
    old, new = an_address(), an_address("New")
    key, browser = await auth.log_in(old), auth.browser()
    sent = await browser.post("/login", {"email": old})
    await browser.post(f"{sent.headers['Location']}/code", {"code": (await auth.mail(old, 2)).code})
    current, fresh = await codes(auth, browser, new)
    assert current != fresh
    done = await confirm(browser, f" {current[:3]} {current[3:]}", fresh)
    assert (done.status, done.json) == (200, {"email": new.lower()})
    me = (await auth.call("GET", "/auth/me", key=key)).json
    assert me["email"] == new.lower()
    changed = await told(auth, AccountChanged)
    assert (changed.account_id, changed.email, changed.revision) == (me["account_id"], new.lower(), 2)
    assert len((await told(auth, CredentialsChanged)).digests) == 2
    notice = await told(auth, EmailChangedMail)
    assert (notice.to, notice.new_email) == (old, new.lower())
    audit = await auth.db.fetchrow("SELECT account_id, actor, detail FROM audit WHERE action = 'email.changed'")
    assert audit is not None
    assert audit["actor"].startswith("ses_")
    assert "@" not in audit["detail"]


async def test_the_new_address_logs_in_to_the_same_account_and_the_old_one_to_another(auth: Auth) -> None:
    old, new = an_address(), an_address("new")
    browser = await person(auth, old)
    account = (await browser.api("GET", "/auth/me")).json["account_id"]
    assert (await confirm(browser, *await codes(auth, browser, new))).status == 200
    assert (await auth.call("GET", "/auth/me", key=await auth.log_in(new))).json["account_id"] == account
    assert (await auth.call("GET", "/auth/me", key=await auth.log_in(old))).json["account_id"] != account


async def test_whatever_is_wrong_the_answer_is_the_same(auth: Auth) -> None:
    old = an_address()
    browser = await person(auth, old)
    current, new = await codes(auth, browser, an_address("new"))
    wrong = [(new, current), (current, current), (new, new), (current, other_than(new)), (other_than(current), new)]
    wrong += [(current, ""), (current, "x" * 5000), (current, "１２３４５６")]
    answers = [await confirm(browser, *pair) for pair in wrong]
    answers.append(await confirm(await person(auth, an_address()), "123456", "654321"))
    told = {(answer.status, answer.json["error"], answer.json["code"], answer.json["hint"]) for answer in answers}
    assert len(told) == 1, "without a change under way too"
    assert next(iter(told))[:2] == (400, WRONG)
    assert (await browser.api("GET", "/auth/me")).json["email"] == old


async def test_r55_two_hundred_wrong_tries_at_once_are_five_comparisons(auth: Auth) -> None:
    """R55: the tries are counted in the database, by one statement; then the right codes are worth nothing."""
    browser = await person(auth, an_address())
    current, new = await codes(auth, browser, an_address("new"))
    answers = await gathered([confirm(browser, current, other_than(new)) for _ in range(200)])
    assert {answer.status for answer in answers} == {400}
    assert await auth.db.fetchval("SELECT tries FROM email_changes") == 5
    assert (await confirm(browser, current, new)).json["error"] == WRONG


async def test_the_right_codes_work_once_however_often_they_come_at_once(auth: Auth) -> None:
    browser, new = await person(auth, an_address()), an_address("new")
    both = await codes(auth, browser, new)
    answers = await gathered([confirm(browser, *both) for _ in range(5)])
    assert sorted(answer.status for answer in answers).count(200) == 1
    assert {answer.status for answer in answers} <= {200, 400, 401}
    assert await auth.db.fetchval("SELECT revision FROM accounts") == 2
    assert await auth.db.fetchval("SELECT count(*) FROM audit WHERE action = 'email.changed'") == 1


async def test_a_newer_change_voids_the_older_one(auth: Auth) -> None:
    browser, second = await person(auth, an_address()), an_address("second")
    older = await codes(auth, browser, an_address("first"))
    newer = await codes(auth, browser, second)
    assert (await confirm(browser, *older)).status == 400
    assert (await confirm(browser, *newer)).json == {"email": second}


async def test_after_half_an_hour_the_codes_are_over(auth: Auth) -> None:
    browser = await person(auth, an_address())
    both = await codes(auth, browser, an_address("new"))
    await auth.db.execute("UPDATE email_changes SET expires_at = expires_at - interval '30 minutes'")
    assert (await confirm(browser, *both)).status == 400


async def test_the_codes_are_stored_hashed_and_salted(auth: Auth) -> None:
    browser = await person(auth, an_address())
    both = await codes(auth, browser, an_address("new"))
    row = str(await auth.db.fetchval("SELECT c::text FROM email_changes c"))
    assert not any(code in row.split(",") for code in both)
    lengths = "SELECT length(salt), length(current_digest), length(new_digest) FROM email_changes"
    assert tuple(await auth.db.fetchrow(lengths) or ()) == (16, 64, 64)


async def test_r59_a_taken_address_is_told_only_to_who_has_both_mailboxes(auth: Auth) -> None:
    """R59: asking is answered alike; 409 comes when possession is proven, and nothing has changed."""
    taken, old = an_address("taken"), an_address()
    await auth.log_in(taken)
    browser = await person(auth, old)
    await codes(auth, browser, an_address("free"))
    both = await codes(auth, browser, taken)
    answers = [await browser.api("POST", "/auth/email", {"email": email}) for email in (taken, an_address("free"))]
    assert len({(answer.status, answer.json["message"]) for answer in answers}) == 1
    await auth.db.execute("UPDATE email_changes SET voided_at = CASE WHEN email <> $1 THEN now() END", taken)
    await auth.db.execute("DELETE FROM email_changes WHERE id <> 2")
    refused = await confirm(browser, *both)
    assert (refused.status, refused.json["code"]) == (409, "email_taken")
    assert (await browser.api("GET", "/auth/me")).json["email"] == old
    assert auth.bus.events(AccountChanged) == []


async def test_login_codes_on_their_way_to_either_address_are_void(auth: Auth) -> None:
    old, new = an_address(), an_address("new")
    browser = await person(auth, old)
    logins = [await auth.start(), await auth.start()]
    await auth.send_code(logins[0], old)
    await auth.send_code(logins[1], new)
    sent = [(await auth.mail(old, 2)).code, (await auth.mail(new)).code]
    assert (await confirm(browser, *await codes(auth, browser, new))).status == 200
    for login, code in zip(logins, sent, strict=True):
        assert (await auth.verify(login, code)).status == 400


async def test_what_is_no_address_is_told(auth: Auth) -> None:
    browser = await person(auth, an_address())
    bodies: list[tuple[Any, str]] = [({"email": "nonsense"}, "invalid_email"), ({"email": "x" * 321}, "invalid")]
    for body, code in [*bodies, ({"email": 5}, "invalid"), ({}, "invalid")]:
        answer = await browser.api("POST", "/auth/email", body)
        assert (answer.status, answer.json["code"]) == (422, code)
    assert auth.bus.events(EmailCodeMail) == []


async def test_the_own_address_is_no_change(auth: Auth) -> None:
    email = an_address()
    answer = await (await person(auth, email)).api("POST", "/auth/email", {"email": email.upper()})
    assert (answer.status, answer.json["code"]) == (422, "same_email")


async def test_internationalised_addresses_work(auth: Auth) -> None:
    browser = await person(auth, an_address())
    for new in ("δοκιμή@παράδειγμα.ελ", "用户@例子.广告", "Straße@bücher.example"):
        done = await confirm(browser, *await codes(auth, browser, new))
        assert (done.status, done.json["email"]) == (200, new.lower())
        assert (await auth.call("GET", "/auth/me", key=await auth.log_in(new))).json["email"] == new.lower()


async def test_addresses_that_differ_in_more_than_case_are_different_accounts(auth: Auth) -> None:
    """A mailbox with ß is not the one with ss: who reads the one must not get the other's account."""
    keys = [await auth.log_in(email) for email in ("straße@example.com", "strasse@example.com", "STRASSE@example.com")]
    accounts = [(await auth.call("GET", "/auth/me", key=key)).json["account_id"] for key in keys]
    assert accounts[0] != accounts[1] == accounts[2]


async def test_r60_both_mails_count_to_the_limits_of_their_mailboxes(limited: Auth) -> None:
    """R60: three mails in 15 minutes to a mailbox, whichever kind; a tag is the same mailbox, and two mails are two."""
    email = an_address()
    browser = await person(limited, email)
    tagged = email.replace("@", "+tag@")
    assert (await browser.api("POST", "/auth/email", {"email": tagged})).status == 202, "a login and these two: three"
    refused = await browser.api("POST", "/auth/email", {"email": an_address("new")})
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    other = await person(limited, an_address())
    refused = await other.api("POST", "/auth/email", {"email": tagged})
    assert refused.status == 429, "the new mailbox has had its three"
    assert await limited.db.fetchval("SELECT count(*) FROM email_changes") == 1


async def test_a_mailbox_with_room_for_one_gets_no_two(limited: Auth) -> None:
    email = an_address()
    browser = await person(limited, email)
    await limited.send_code(await limited.start(), email)
    answer = await browser.api("POST", "/auth/email", {"email": email.replace("@", "+tag@")})
    assert answer.status == 429


async def test_r60_three_changes_a_minute_from_one_address(limited: Auth) -> None:
    """R60: whatever they ask for."""
    browser = await person(limited, an_address())
    own = (await browser.api("GET", "/auth/me")).json["email"]
    answers = [await browser.api("POST", "/auth/email", {"email": own}) for _ in range(4)]
    assert [answer.status for answer in answers] == [422] * 3 + [429]


async def test_r60_crossing_changes_wait_in_one_order(auth: Auth) -> None:
    """R60: two people who swap addresses at once do not wait for each other."""
    emails = [an_address("a"), an_address("b")]
    browsers = [await person(auth, email) for email in emails]
    calls = [
        browser.api("POST", "/auth/email", {"email": other})
        for _ in range(5)
        for browser, other in zip(browsers, reversed(emails), strict=True)
    ]
    assert {answer.status for answer in await gathered(calls)} == {202}


async def test_a_key_cannot_change_the_address(auth: Auth) -> None:
    key = await auth.log_in(an_address())
    for path, body in (("/auth/email", {"email": "x@example.com"}), ("/auth/email/confirm", {})):
        answer = await auth.call("POST", path, key=key, json=body)
        assert (answer.status, answer.json["code"]) == (403, "session_required")
