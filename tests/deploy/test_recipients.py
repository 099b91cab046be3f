"""Who is mailed what visitors send: named by the owner, asked first, and gone with one click."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from yarl import URL

from shared.events import AddressLifted, AddressSuppressed, Envelope, RecipientConfirmMail, SubmissionMail
from tests.support.client import Answer
from tests.support.deploying import Deploy
from tests.support.eventually import eventually
from tests.support.noticing import START
from tests.support.publishing import later, tables, upkeep_of

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


@pytest.fixture
async def conn(deploy: Deploy) -> AsyncIterator[asyncpg.Connection]:
    async with tables(deploy) as opened:
        yield opened


async def recipients(deploy: Deploy, key: str, site: Site) -> dict[str, Any]:
    """Return the listed recipients by address."""
    listed = await deploy.call("GET", f"/deploy/{site['id']}/recipients", key=key)
    assert listed.status == 200, listed.text
    return {row["email"]: row for row in listed.json["recipients"]}


async def add(deploy: Deploy, key: str, site: Site, email: str = "grace@example.com") -> Answer:
    return await deploy.call("POST", f"/deploy/{site['id']}/recipients", key=key, json={"email": email})


async def act(deploy: Deploy, key: str, site: Site, row: dict[str, Any], what: str) -> Answer:
    return await deploy.call("POST", f"/deploy/{site['id']}/recipients/{row['id']}/{what}", key=key)


def mails(deploy: Deploy, kind: type[Any], to: str) -> list[Any]:
    events = [envelope.event() for envelope in deploy.bus.published]
    return [event for event in events if isinstance(event, kind) and event.to == to]


async def link(deploy: Deploy, kind: type[Any], to: str, count: int = 1) -> str:
    """Wait for the address's mail number `count`, and return the path of the link in it."""
    found = (await eventually(lambda: each if len(each := mails(deploy, kind, to)) >= count else []))[-1]
    url = URL(found.confirm_url if kind is RecipientConfirmMail else found.unsubscribe_url)
    assert str(url).startswith("http://localhost:8080/api/submit/dep_")
    return url.path.removeprefix("/api")


async def confirmed(deploy: Deploy, key: str, site: Site, email: str = "grace@example.com") -> dict[str, Any]:
    """Add an address that says yes."""
    assert (await add(deploy, key, site, email)).status == 201
    assert (await deploy.call("POST", await link(deploy, RecipientConfirmMail, email))).status == 200
    row: dict[str, Any] = (await recipients(deploy, key, site))[email]
    return row


async def test_an_address_is_mailed_once_it_has_said_yes(deploy: Deploy, site: Site, key: str) -> None:
    added = await add(deploy, key, site, " Grace@Example.com ")
    assert (added.status, added.json["email"], added.json["state"]) == (201, "grace@example.com", "unconfirmed")
    (asked,) = await eventually(lambda: mails(deploy, RecipientConfirmMail, "grace@example.com"))
    assert (asked.slug, asked.owner) == (site["slug"], deploy.auth.email(key))
    await deploy.submit(site, json={"n": 1})
    await eventually(lambda: mails(deploy, SubmissionMail, deploy.auth.email(key)))
    assert mails(deploy, SubmissionMail, "grace@example.com") == []
    path = await link(deploy, RecipientConfirmMail, "grace@example.com")
    page = await deploy.call("GET", path)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert (await recipients(deploy, key, site))["grace@example.com"]["state"] == "unconfirmed", "looking is no yes"
    for _ in range(2):
        assert (await deploy.call("POST", path)).status == 200
    row = (await recipients(deploy, key, site))["grace@example.com"]
    assert (row["state"], row["confirmed_at"] is not None) == ("active", True)
    await deploy.submit(site, json={"n": 2})
    await eventually(lambda: mails(deploy, SubmissionMail, "grace@example.com"))


async def test_the_accounts_own_address_comes_first_and_stays(deploy: Deploy, site: Site, key: str) -> None:
    await confirmed(deploy, key, site)
    listed = (await deploy.call("GET", f"/deploy/{site['id']}/recipients", key=key)).json
    own, other = listed["recipients"]
    assert (own["email"], own["owner"], own["state"]) == (deploy.auth.email(key), True, "active")
    assert (other["owner"], other["suppressed"], listed["notify_email"]) == (False, None, True)
    again = await add(deploy, key, site, own["email"].upper())
    assert (again.status, again.json["id"]) == (200, own["id"])
    gone = await deploy.call("DELETE", f"/deploy/{site['id']}/recipients/{own['id']}", key=key)
    assert (gone.status, gone.json["code"]) == (409, "own_address")
    assert (await act(deploy, key, site, own, "confirm")).status == 409
    removed = await deploy.call("DELETE", f"/deploy/{site['id']}/recipients/{other['id']}", key=key)
    assert (removed.status, removed.json["id"]) == (200, other["id"])
    assert list(await recipients(deploy, key, site)) == [own["email"]]
    assert (await act(deploy, key, site, other, "lift")).status == 404


ONE_CLICK = {"data": b"List-Unsubscribe=One-Click", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}


@pytest.mark.parametrize("given", [{}, ONE_CLICK, {"data": {"anything": "else"}}, {"json": {}}])
async def test_one_request_without_a_login_unsubscribes(
    deploy: Deploy, site: Site, key: str, given: dict[str, Any]
) -> None:
    """RFC 8058: a POST to the header's address, whatever its body; looking at it changes nothing."""
    await confirmed(deploy, key, site)
    await deploy.submit(site, json={})
    for email in ("grace@example.com", deploy.auth.email(key)):
        path = await link(deploy, SubmissionMail, email)
        for _ in range(2):
            assert (await deploy.call("GET", path)).status == 200
        assert (await recipients(deploy, key, site))[email]["state"] == "active"
        for _ in range(2):
            answer = await deploy.call("POST", path, **given)
            assert (answer.status, "unsubscribed" in answer.text) == (200, True)
        assert (await recipients(deploy, key, site))[email]["state"] == "unsubscribed"
    before = len(deploy.bus.notices)
    await deploy.submit(site, json={})
    await eventually_told(deploy)
    assert len(deploy.bus.notices) == before


async def eventually_told(deploy: Deploy) -> None:
    async with tables(deploy) as conn:

        async def none_waits() -> bool:
            return not await conn.fetchval("SELECT count(*) FROM notices WHERE mailing_id IS NULL")

        await eventually(none_waits)


async def test_who_unsubscribed_comes_back_by_saying_so(deploy: Deploy, site: Site, key: str) -> None:
    """The account's own address by its owner, any other by whoever reads it."""
    other = await confirmed(deploy, key, site)
    await deploy.submit(site, json={})
    own = (await recipients(deploy, key, site))[deploy.auth.email(key)]
    for row in (own, other):
        await deploy.call("POST", await link(deploy, SubmissionMail, row["email"]))
    refused = await act(deploy, key, site, other, "resubscribe")
    assert (refused.status, refused.json["code"]) == (409, "not_unsubscribed")
    back = await act(deploy, key, site, own, "resubscribe")
    assert (back.status, back.json["state"]) == (200, "active")
    assert (await act(deploy, key, site, own, "resubscribe")).status == 409
    assert (await act(deploy, key, site, other, "confirm")).json["state"] == "unsubscribed"
    await deploy.call("POST", await link(deploy, RecipientConfirmMail, other["email"], 2))
    assert (await recipients(deploy, key, site))[other["email"]]["state"] == "active"


async def test_a_link_is_for_one_purpose_one_site_and_one_address(deploy: Deploy, site: Site, key: str) -> None:
    await add(deploy, key, site)
    other = await deploy.publish(key)
    path = await link(deploy, RecipientConfirmMail, "grace@example.com")
    token = path.rpartition("/")[2]
    forged = [
        path.replace("confirm", "unsubscribe"), path.replace(site["id"], other["id"]), path[:-1], path + "x",
        f"/submit/{site['id']}/confirm/{token.partition('.')[0]}", f"/submit/{site['id']}/confirm/rcp_%FF.%00",
        f"/submit/{site['id']}/confirm/{token.partition('.')[0]}.%F0%9F%98%80", "/submit/nobody/confirm/x",
        f"/submit/{site['id']}/confirm/" + "rcp_" + site["id"][4:] + "." + "A" * 32,
    ]  # fmt: skip
    for each in forged:
        for method in ("GET", "POST"):
            answer = await deploy.call(method, each)
            assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8"), each
    assert (await recipients(deploy, key, site))["grace@example.com"]["state"] == "unconfirmed"


async def test_a_link_in_an_old_mail_is_worth_nothing_for_the_accounts_new_address(
    deploy: Deploy, site: Site, key: str, conn: asyncpg.Connection
) -> None:
    await deploy.submit(site, json={})
    path = await link(deploy, SubmissionMail, deploy.auth.email(key))
    await conn.execute("UPDATE accounts SET email = 'new@example.com'")
    assert (await deploy.call("POST", path)).status == 404
    assert (await recipients(deploy, key, site))["new@example.com"]["state"] == "active"


async def test_nobody_is_flooded_with_questions(deploy: Deploy, key: str, conn: asyncpg.Connection) -> None:
    """R60: three a day for an address and site, ten for an address, twenty of an account, whatever is removed."""
    sites = [await deploy.publish(key) for _ in range(4)]

    async def ask(site: Site, email: str) -> Answer:
        answer = await add(deploy, key, site, email)
        if answer.status == 201:
            await deploy.call("DELETE", f"/deploy/{site['id']}/recipients/{answer.json['id']}", key=key)
        return answer

    answers = [await ask(sites[0], "a@example.com") for _ in range(4)]
    assert [answer.status for answer in answers] == [201] * 3 + [429]
    assert 86_000 < int(answers[-1].headers["Retry-After"]) <= 86_400
    assert "a@example.com" not in await recipients(deploy, key, sites[0]), "nothing was changed"
    others = [await ask(site, "a@example.com") for site in sites[1:] for _ in range(3)]
    assert [answer.status for answer in others] == [201] * 7 + [429] * 2
    more = [await ask(sites[0], f"b{number}@example.com") for number in range(11)]
    assert [answer.status for answer in more] == [201] * 10 + [429]
    stranger = deploy.key()
    assert (await add(deploy, stranger, await deploy.publish(stranger), "a@example.com")).status == 429
    await conn.execute("UPDATE confirmations SET at = at - interval '1 day'")
    assert (await ask(sites[0], "a@example.com")).status == 201


async def test_ten_beside_ones_own(deploy: Deploy, site: Site, key: str) -> None:
    answers = await asyncio.gather(*(add(deploy, key, site, f"a{number}@example.com") for number in range(12)))
    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 2
    assert len(await recipients(deploy, key, site)) == 11


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.z", "=?a?=@b.example"]
)
async def test_what_is_no_address_is_refused(deploy: Deploy, site: Site, key: str, email: str) -> None:
    assert (await add(deploy, key, site, email)).status == 422


async def test_the_setting_takes_addresses_too(deploy: Deploy, site: Site, key: str) -> None:
    path = f"/deploy/{site['id']}/settings"
    for given in ("grace@example.com", ["Grace@example.com", "alan@example.com"], True):
        answer = await deploy.call("PATCH", path, key=key, json={"notify_email": given})
        assert (answer.status, answer.json["settings"]["notify_email"]) == (200, True), answer.text
    assert {row["state"] for email, row in (await recipients(deploy, key, site)).items() if "example.com" in email} >= {
        "unconfirmed"
    }
    assert {"grace@example.com", "alan@example.com"} < set(await recipients(deploy, key, site))
    assert len(mails(deploy, RecipientConfirmMail, "grace@example.com")) == 1
    wrong: Any
    for wrong in ("nobody", [], ["nobody"], [f"a{n}@example.com" for n in range(11)], 1, {}):
        assert (await deploy.call("PATCH", path, key=key, json={"notify_email": wrong})).status == 422, wrong
    off = await deploy.call("PATCH", path, key=key, json={"notify_email": False})
    assert off.json["settings"]["notify_email"] is False
    assert (await deploy.call("GET", f"/deploy/{site['id']}/recipients", key=key)).json["notify_email"] is False


async def suppress(deploy: Deploy, email: str, reason: str = "bounce", at: Any = START) -> None:
    event = AddressSuppressed(email=email, reason=reason, detail="550 5.1.1 no such user", at=at)
    await deploy.bus.publish(Envelope.of(event))


async def test_a_suppressed_address_is_shown_with_the_reason_and_lifted(deploy: Deploy, site: Site, key: str) -> None:
    own = deploy.auth.email(key)
    await suppress(deploy, own.lower())
    row = (await recipients(deploy, key, site))[own]
    at = "2026-11-23T12:00:00.000Z"
    assert row["state"] == "suppressed"
    assert row["suppressed"] == {"reason": "bounce", "detail": "550 5.1.1 no such user", "at": at}
    lifted = await act(deploy, key, site, row, "lift")
    assert (lifted.status, lifted.json["state"], lifted.json["suppressed"]) == (200, "active", None)
    (event,) = await eventually(lambda: heard(deploy))
    assert (event.email, event.suppressed_at) == (own.lower(), START)
    assert (await act(deploy, key, site, row, "lift")).json["code"] == "not_suppressed"
    await suppress(deploy, own.lower())
    assert (await recipients(deploy, key, site))[own]["state"] == "active", "the same message once more"


def heard(deploy: Deploy) -> list[AddressLifted]:
    events = [envelope.event() for envelope in deploy.bus.published]
    return [event for event in events if isinstance(event, AddressLifted)]


async def test_after_a_complaint_an_address_says_yes_again_or_is_left_alone(
    deploy: Deploy, site: Site, key: str
) -> None:
    row = await confirmed(deploy, key, site)
    await suppress(deploy, "grace@example.com", "complaint")
    lifted = await act(deploy, key, site, row, "lift")
    assert (lifted.status, lifted.json["state"]) == (200, "unconfirmed")
    stranger = deploy.key()
    other = await deploy.publish(stranger)
    await suppress(deploy, "alan@example.com", "complaint")
    added = await add(deploy, stranger, other, "alan@example.com")
    assert (added.status, added.json["state"]) == (201, "suppressed")
    assert mails(deploy, RecipientConfirmMail, "alan@example.com") == []
    refused = await act(deploy, stranger, other, added.json, "lift")
    assert (refused.status, refused.json["code"]) == (409, "complained")


async def test_what_a_site_and_an_account_had_goes_with_them(
    deploy: Deploy, site: Site, key: str, conn: asyncpg.Connection
) -> None:
    await confirmed(deploy, key, site)
    await deploy.submit(site, json={})
    await link(deploy, SubmissionMail, "grace@example.com")
    await deploy.call("DELETE", f"/deploy/{site['id']}", key=key)
    await later(deploy, "deployments", "deleted_at", "8 days")
    async with upkeep_of(deploy) as upkeep:
        await upkeep.purge()
    for table in ("recipients", "confirmations", "mails", "notices", "notice_windows"):
        assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_changes_are_in_the_audit_trail(deploy: Deploy, site: Site, key: str) -> None:
    """R51: by whom, with what, and which address."""
    row = await confirmed(deploy, key, site)
    await deploy.call("DELETE", f"/deploy/{site['id']}/recipients/{row['id']}", key=key)

    def told() -> list[tuple[str, str]]:
        rows = [each.data for each in deploy.bus.published if each.type == "audit.recorded"]
        return [(each["action"], each["detail"]["recipient"]) for each in rows if "recipient" in each["detail"]]

    wanted = [("recipient.added", "grace@example.com"), ("recipient.removed", "grace@example.com")]
    await eventually(lambda: told() == wanted)
