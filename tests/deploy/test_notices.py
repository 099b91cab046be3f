"""How owners are told: one by one while few come, together while many do, each submission once, whoever tells it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.deploy.store import notices as store
from shared import db
from shared.events import SubmissionMail, SubmissionsMail
from tests.support import noticing
from tests.support.noticing import Desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with noticing.desk(database_url) as opened:
        yield opened


def shape(mails: list[Any]) -> list[int]:
    """Return of how many submissions each mail tells."""
    return [mail.count if isinstance(mail, SubmissionsMail) else 1 for mail in mails]


async def test_a_quiet_forms_owner_hears_of_each_at_once(desk: Desk) -> None:
    site = await desk.site(title="Bakery")
    (sent,) = await desk.arrive(site, form="orders", subject="Cake", reply_to="a@b.example", data={"z": 1, "a": 2})
    (mail,) = await desk.told()
    assert isinstance(mail, SubmissionMail)
    assert (mail.to, mail.submission_id, mail.title, mail.form) == ("owner@example.com", sent, "Bakery", "orders")
    assert (mail.subject, mail.reply_to, list(mail.data), mail.test) == ("Cake", "a@b.example", ["z", "a"], False)
    assert mail.inbox_url == f"http://localhost:8080/dashboard/sites/{site}/inbox"
    assert await desk.told() == []


async def test_files_are_named_with_their_sizes(desk: Desk) -> None:
    file = {"id": "fil_1", "field": "cv", "name": "cv.pdf", "size": 12, "type": "application/pdf"}
    await desk.arrive(await desk.site(), files=[file])
    (mail,) = await desk.told()
    assert isinstance(mail, SubmissionMail)
    assert mail.files == (("cv.pdf", 12),)


async def test_the_first_five_of_five_minutes_come_one_by_one_and_the_rest_in_one_mail(desk: Desk) -> None:
    site = await desk.site()
    await desk.arrive(site, 3)
    assert shape(await desk.told()) == [1, 1, 1]
    desk.later(minutes=1)
    await desk.arrive(site, 20)
    assert shape(await desk.told()) == [1, 1]
    desk.later(minutes=3, seconds=59)
    assert await desk.told() == []
    desk.later(seconds=1)
    (mail,) = await desk.told()
    assert isinstance(mail, SubmissionsMail)
    assert (mail.count, len(mail.told), mail.told[0].data) == (18, 10, {"n": "2"})


async def test_a_busy_form_is_one_mail_every_five_minutes(desk: Desk) -> None:
    site = await desk.site()
    shapes = []
    for _ in range(60):
        await desk.arrive(site, 4)
        shapes.append(shape(await desk.told()))
        desk.later(minutes=1)
    assert shapes[:2] == [[1] * 4, [1]]
    rest = [each for each in shapes[2:] if each]
    assert rest == [[19], *[[20]] * 10]
    assert [number for number, each in enumerate(shapes) if each][2:] == list(range(5, 60, 5))


async def test_when_it_calms_down_each_comes_at_once_again(desk: Desk) -> None:
    site = await desk.site()
    await desk.arrive(site, 9)
    assert shape(await desk.told()) == [1] * 5
    desk.later(minutes=5)
    assert shape(await desk.told()) == [4]
    desk.later(minutes=1)
    await desk.arrive(site, 2)
    assert await desk.told() == [], "what made it busy is not five minutes ago"
    desk.later(minutes=4)
    assert shape(await desk.told()) == [2]
    desk.later(minutes=1)
    await desk.arrive(site)
    assert shape(await desk.told()) == [1]
    desk.later(minutes=10)
    assert await desk.told() == []
    assert await desk.one("SELECT count(*) FROM notice_windows") == {"count": 0}


async def test_one_that_waited_alone_is_told_whole(desk: Desk) -> None:
    site = await desk.site()
    await desk.arrive(site, 6)
    await desk.told()
    desk.later(minutes=5)
    (mail,) = await desk.told()
    assert isinstance(mail, SubmissionMail)


async def test_a_message_for_each_reader_and_the_id_of_its_request(desk: Desk) -> None:
    site = await desk.site("a@example.com", "b@example.com")
    await desk.arrive(site)
    await desk.notices.round()
    rows = await desk.pool.fetch("SELECT envelope FROM outbox")
    assert {row["envelope"]["data"]["to"] for row in rows} >= {"owner@example.com", "a@example.com"}
    assert {row["envelope"]["correlation_id"] for row in rows} == {"req_12345678"}
    mails = await desk.pool.fetch("SELECT id, mailing_id, email, settled_at FROM mails")
    assert {row["id"] for row in mails} == {row["envelope"]["id"] for row in rows}
    assert {row["email"] for row in mails} == {"owner@example.com", "a@example.com", "b@example.com"}
    told = await desk.one("SELECT mailing_id FROM notices")
    assert {row["mailing_id"] for row in mails} == {told["mailing_id"]}


async def test_who_is_not_to_be_mailed_is_not(desk: Desk) -> None:
    """Unconfirmed, unsubscribed and suppressed addresses, and the account's own twice."""
    site = await desk.site(
        "in@example.com", "OUT@example.com", "gone@example.com", "dead@example.com", "Owner@example.com"
    )
    await desk.pool.execute("UPDATE recipients SET confirmed_at = NULL WHERE email = 'OUT@example.com'")
    await desk.pool.execute("UPDATE recipients SET unsubscribed_at = now() WHERE email = 'gone@example.com'")
    await desk.pool.execute(
        "INSERT INTO suppressions (email, reason, detail, at) VALUES ('dead@example.com', 'bounce', '', now())"
    )
    await desk.arrive(site)
    assert [mail.to for mail in await desk.told()] == ["owner@example.com", "in@example.com"]


@pytest.mark.parametrize("change", ["settings = '{\"notify_email\": false}'", "deleted_at = now()"])
async def test_a_site_that_is_off_or_gone_by_then_tells_nobody(desk: Desk, change: str) -> None:
    site = await desk.site("a@example.com")
    await desk.arrive(site, 3)
    await desk.arrive(site, status="test")
    await desk.pool.execute(f"UPDATE deployments SET {change}")
    assert await desk.told() == []
    assert await desk.one("SELECT count(*) FROM notices WHERE mailing_id IS NULL") == {"count": 0}


async def test_the_accounts_address_is_read_when_the_mail_is_written(desk: Desk) -> None:
    await desk.arrive(await desk.site())
    await desk.pool.execute("UPDATE accounts SET email = 'new@example.com'")
    assert [mail.to for mail in await desk.told()] == ["new@example.com"]


async def test_what_was_marked_as_spam_or_deleted_meanwhile_is_not_told(desk: Desk) -> None:
    site = await desk.site()
    first, second, *rest = await desk.arrive(site, 12)
    await desk.pool.execute("UPDATE submissions SET status = 'spam' WHERE id = ANY ($1)", [first, rest[-1]])
    await desk.pool.execute("DELETE FROM submissions WHERE id = $1", second)
    assert shape(await desk.told()) == [1] * 4
    desk.later(minutes=5)
    assert shape(await desk.told()) == [5]


async def test_a_test_is_told_to_the_owner_alone_at_once_and_never_grouped(desk: Desk) -> None:
    site = await desk.site("other@example.com")
    await desk.arrive(site, 30)
    await desk.told()
    (sent,) = await desk.arrive(site, status="test")
    (mail,) = await desk.told()
    assert isinstance(mail, SubmissionMail)
    assert (mail.to, mail.submission_id, mail.test) == ("owner@example.com", sent, True)
    desk.later(minutes=5)
    assert shape(await desk.told()) == [25, 25]


async def test_any_number_of_processes_tell_each_once(desk: Desk) -> None:
    sites = [await desk.site() for _ in range(30)]
    for site in sites:
        await desk.arrive(site, 5)
    others = [desk.another() for _ in range(4)]

    async def all_rounds(one: Any) -> None:
        while await one.round():
            pass

    await asyncio.gather(*(all_rounds(one) for one in others))
    mails = await desk.told()
    ids = [mail.submission_id for mail in mails if isinstance(mail, SubmissionMail)]
    assert len(ids) == len(set(ids)) == 150


async def test_a_crash_before_the_commit_tells_nobody_and_after_it_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mails, their messages and the note of what they tell are one transaction: whatever step it dies in."""
    site = await desk.site()
    await desk.arrive(site, 2)
    for step in ("stamp", "keep_windows", "add_mails"):
        with monkeypatch.context() as patched:

            async def dies(*_: object) -> None:
                raise asyncio.CancelledError

            patched.setattr(store, step, dies)
            with pytest.raises(asyncio.CancelledError):
                await desk.notices.round()
        assert await desk.events() == []
    assert shape(await desk.told()) == [1, 1]
    assert await desk.told() == []


async def test_a_site_whose_notices_cannot_be_written_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = [await desk.site() for _ in range(3)]
    for site in sites:
        await desk.arrive(site)
    real = store.waiting

    async def breaks(conn: db.Connection, claimed: Any, now: Any) -> Any:
        if sites[1] in claimed:
            raise ValueError
        return await real(conn, claimed, now)

    monkeypatch.setattr(store, "waiting", breaks)
    assert len(await desk.told()) == 2
    monkeypatch.undo()
    desk.notices = desk.another()
    assert len(await desk.told()) == 1


async def test_many_that_wait_cost_a_look_next_to_nothing(desk: Desk) -> None:
    """A busy form must not be slowed by who tells of it: what waits for the window's end is not gone through."""
    site = await desk.site()
    await desk.arrive(site, 6)
    await desk.told()
    await desk.pool.execute(
        "INSERT INTO notices (submission_id, deployment_id) SELECT 'sub_' || n, $1 FROM generate_series(1, 30000) n",
        site,
    )
    await desk.pool.execute("ANALYZE notices")
    plan = await desk.pool.fetch(
        "EXPLAIN (ANALYZE, FORMAT TEXT) "
        + store._DUE.replace("$1", "now()").replace("$2", "5").replace("$3", "10").replace("$4", "'{}'")
    )
    text = "\n".join(row[0] for row in plan)
    assert "Seq Scan on notices" not in text
    assert max(map(int, re.findall(r"actual time=\S+ rows=(\d+)", text))) < 20
    desk.later(minutes=5)
    while await desk.notices.round():
        pass
    assert await desk.one("SELECT count(*) FROM notices WHERE mailing_id IS NULL") == {"count": 30001 - store.MOST}


async def test_mails_of_long_ago_are_forgotten(desk: Desk) -> None:
    await desk.arrive(await desk.site(), 3)
    await desk.told()
    await desk.pool.execute("UPDATE mails SET queued_at = now() - $1::interval", timedelta(days=91))
    assert await desk.notices.forget_mails() == 3
