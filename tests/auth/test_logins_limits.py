"""How many logins may be started and codes mailed: by whom, to whom, and in all (R60)."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from services.auth.service import code_mails
from shared import logs
from shared.limits import Limiter, network
from tests.support.auth import Auth, an_address, gathered, running_auth
from tests.support.client import Answer

ANY = {"verifier_hash": "0" * 64}


@pytest.fixture
async def proxied(database_url: str) -> AsyncIterator[Auth]:
    """Give the service with limits, behind one proxy of ours."""
    async with running_auth(database_url, rate_limits=True, trusted_proxies=1) as running:
        yield running


@pytest.fixture
def by_mailbox_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count no callers' addresses, as if each request came from elsewhere."""

    async def unlimited(_self: Limiter, _limit: str, *_who: str) -> None:
        """Count nothing."""

    monkeypatch.setattr(Limiter, "hit", unlimited)


async def start_from(auth: Auth, forwarded: str) -> int:
    return (await auth.call("POST", "/auth/session", json=ANY, headers={"X-Forwarded-For": forwarded})).status


async def test_r60_a_mailbox_gets_three_mails_in_15_minutes_also_when_asked_at_once(
    limited: Auth, by_mailbox_alone: None
) -> None:
    """R60: however the mailbox is spelled, whoever asks."""
    name = an_address("ü").partition("@")[0]
    spellings = [f"{name}@bücher.example", f"{name.upper()}@XN--BCHER-KVA.EXAMPLE", f"{name}+a@bücher.example"]
    spellings.append(f"{name}+b@bu\u0308cher.example")
    started = [await limited.start() for _ in spellings]
    answers = await gathered(list(map(limited.send_code, started, spellings)))
    assert sorted(answer.status for answer in answers) == [202, 202, 202, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert 890 <= int(refused.headers["Retry-After"]) <= 900
    assert refused.json["error"] == "Rate limit exceeded"
    assert (await limited.send_code(started[0], an_address())).status == 202, "others are not held up"


async def test_r60_a_mailbox_gets_ten_mails_a_day(limited: Auth, by_mailbox_alone: None) -> None:
    """R60: three, 16 minutes, three, …, then none until the first is a day old."""
    email, statuses = an_address(), []
    login = await limited.start()
    for _ in range(4):
        statuses += [(await limited.send_code(login, email)).status for _ in range(3)]
        await limited.db.execute("UPDATE code_mails SET created_at = created_at - interval '16 minutes'")
        login = await limited.start()
    assert statuses == [202] * 10 + [429] * 2
    refused = await limited.send_code(login, email)
    assert 86_400 - 70 * 60 < int(refused.headers["Retry-After"]) < 86_400 - 60 * 60
    page = (await limited.browser().post("/login", {"email": email})).text
    assert "This address was sent as many codes as it may get for now. Wait 23 hours, then try again." in page
    await limited.db.execute("UPDATE code_mails SET created_at = created_at - interval '23 hours'")
    assert (await limited.send_code(login, email)).status == 202


async def test_r60_a_caller_starts_five_logins_and_sends_three_codes_a_minute(limited: Auth) -> None:
    """R60: a header of the caller's own changes nothing where no proxy is ours."""
    started = [await limited.call("POST", "/auth/session", json=ANY) for _ in range(6)]
    assert [answer.status for answer in started] == [201] * 5 + [429]
    assert 1 <= int(started[-1].headers["Retry-After"]) <= 60
    assert await start_from(limited, "203.0.113.9") == 429
    sent = [await ask(limited, one.json["session_id"], an_address()) for one in started[:4]]
    assert [answer.status for answer in sent] == [202] * 3 + [429]


async def ask(auth: Auth, login_id: str, email: str) -> Answer:
    return await auth.call("POST", "/auth/otp", json={"session_id": login_id, "email": email})


async def test_r60_behind_our_proxy_the_last_hop_counts(proxied: Auth) -> None:
    """R60: what stands left of it is the caller's own invention."""
    invented = [await start_from(proxied, f"203.0.113.{n}, 198.51.100.7") for n in range(6)]
    assert invented == [201] * 5 + [429]
    assert await start_from(proxied, "198.51.100.8") == 201
    row = await proxied.db.fetchrow("SELECT ip FROM logins ORDER BY created_at DESC LIMIT 1")
    assert row is not None
    assert row["ip"] == "198.51.100.8"


async def test_r60_what_is_no_address_is_not_taken_for_one(proxied: Auth) -> None:
    """R60: it would be the caller's own text, shown to people as a place."""
    for forwarded in ("call 0123 now", "x" * 2000, "", ",", "127.0.0.2:80", "<b>", "fe80::1%<b>"):
        assert (await start_from(proxied, forwarded)) in {201, 429}
    ips = await proxied.db.fetch("SELECT DISTINCT ip FROM logins")
    assert [row["ip"] for row in ips] == ["127.0.0.1"]


async def test_r60_ipv6_counts_by_its_64(proxied: Auth) -> None:
    """R60: one subscriber's whole network is one caller, the next one's is another."""
    assert [await start_from(proxied, f"2001:db8:0:1::{n}") for n in range(6)] == [201] * 5 + [429]
    assert await start_from(proxied, "2001:db8:0:1:ffff::1") == 429
    assert await start_from(proxied, "2001:db8:0:2::1") == 201
    assert [await start_from(proxied, f"::ffff:192.0.2.{n}") for n in range(6)] == [201] * 6


@pytest.mark.parametrize(
    "address,counted",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("a:b", "a:b"),
    ],
)
def test_r60_an_address_is_counted_by_its_network(address: str, counted: str) -> None:
    """R60: IPv4 on an IPv6 socket is still IPv4."""
    assert network(address) == counted


async def test_r60_the_cap_over_all_addresses_warns_and_then_holds(database_url: str, by_mailbox_alone: None) -> None:
    """R60: a warning at 80 %, then 429 with the time until a place is free, an error line and a metric."""
    out = io.StringIO()
    async with running_auth(database_url, rate_limits=True, login_mails_per_hour=10) as auth:
        logs.configure("auth", out=out, json=True)
        login = await auth.start()
        assert [(await auth.send_code(login, an_address())).status for _ in range(7)] == [202] * 7
        assert "login.mail_cap" not in out.getvalue()
        await auth.db.execute("UPDATE code_mails SET created_at = created_at - interval '50 minutes'")
        assert [(await auth.send_code(login, an_address())).status for _ in range(3)] == [202] * 3
        assert out.getvalue().count("login.mail_cap_near") == 1
        refused = [await auth.send_code(login, an_address()) for _ in range(3)]
        assert {(answer.status, answer.json["error"]) for answer in refused} == {(429, "Rate limit exceeded")}
        assert await auth.db.fetchval("SELECT count(*) FROM login_codes") == 10
        assert out.getvalue().count('"event":"login.mail_cap_reached"') == 1
        metrics = (await auth.call("GET", f"{auth.internal_url}/metrics")).text
        assert "invoker_code_mails_cap_used 1.0" in metrics
        assert 'invoker_code_mails_total{result="capped"}' in metrics


async def test_r60_the_cap_holds_for_all_replicas_and_ends_with_the_hour(
    database_url: str, by_mailbox_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R60: each process counts again what the database has, every few seconds."""
    monkeypatch.setattr(code_mails, "FRESH", 0.0)
    given = {"rate_limits": True, "login_mails_per_hour": 4}
    async with running_auth(database_url, **given) as one, running_auth(database_url, **given) as other:
        login = await one.start()
        both = [await auth.send_code(login, an_address()) for auth in (one, other) * 3]
        assert [answer.status for answer in both] == [202] * 4 + [429] * 2
        assert 3590 <= int(both[-1].headers["Retry-After"]) <= 3600
        await one.db.execute("UPDATE code_mails SET created_at = created_at - interval '50 minutes'")
        assert 590 <= int((await other.send_code(login, an_address())).headers["Retry-After"]) <= 600
        await one.db.execute("UPDATE code_mails SET created_at = created_at - interval '10 minutes'")
        assert (await other.send_code(login, an_address())).status == 202


async def test_r60_switched_off_no_limit_holds_but_the_tries(auth: Auth) -> None:
    """R60: for load tests; mails are counted all the same, for when it is switched on."""
    email, login = an_address(), await auth.start()
    answers = await asyncio.gather(*(auth.send_code(login, email) for _ in range(20)))
    assert {answer.status for answer in answers} == {202}
    assert await auth.db.fetchval("SELECT count(*) FROM code_mails") == 20
