"""What deploy hears from the mailer, in any order and more than once: addresses that get nothing, and what was sent."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.deploy.store import notices
from services.deploy.store import recipients as store
from shared import db
from shared.events import AddressLifted, AddressSuppressed, MailSettled
from tests.support import noticing
from tests.support.noticing import START, Desk

EMAIL = "ada@example.com"
FIRST = AddressSuppressed(email=EMAIL, reason="bounce", detail="first", at=START)
SECOND = AddressSuppressed(email=EMAIL, reason="complaint", detail="second", at=START + timedelta(seconds=1))
ENDS_FIRST = AddressLifted(email=EMAIL, suppressed_at=FIRST.at)
ENDS_SECOND = AddressLifted(email=EMAIL, suppressed_at=SECOND.at)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with noticing.desk(database_url) as opened:
        yield opened


async def hear(desk: Desk, event: AddressSuppressed | AddressLifted) -> bool:
    async with db.acquire(desk.pool) as conn:
        if isinstance(event, AddressLifted):
            return await store.hear_lifted(conn, event)
        return await store.suppress(conn, event)


@pytest.mark.parametrize(
    "facts, why", [((FIRST, ENDS_FIRST), None), ((FIRST, ENDS_FIRST, SECOND), "second"),
                   ((FIRST, SECOND, ENDS_FIRST, ENDS_SECOND), None)],
)  # fmt: skip
async def test_whatever_comes_when_the_state_is_the_same(
    desk: Desk, facts: tuple[AddressSuppressed | AddressLifted, ...], why: str | None
) -> None:
    for order in itertools.permutations(facts):
        for event in (*order, *order[:2]):
            await hear(desk, event)
        row = await desk.pool.fetchrow("SELECT detail, lifted_at FROM suppressions")
        assert row is not None
        assert (row["detail"] if row["lifted_at"] is None else None) == why, order
        await desk.pool.execute("DELETE FROM suppressions")


async def test_what_is_known_is_no_news(desk: Desk) -> None:
    assert await hear(desk, FIRST)
    assert not await hear(desk, FIRST)
    assert await hear(desk, ENDS_FIRST)
    assert not await hear(desk, ENDS_FIRST)


async def test_what_became_of_a_mail_is_noted_once(desk: Desk) -> None:
    await desk.arrive(await desk.site())
    await desk.told()
    mail = await desk.one("SELECT id, settled_at FROM mails")
    assert mail["settled_at"] is None
    sent = MailSettled(message_id=mail["id"], result="sent", reason=None, at=START)
    other = MailSettled(message_id=mail["id"], result="refused", reason="550", at=START)
    unknown = MailSettled(message_id="msg_0000000000000000", result="sent", reason=None, at=START)
    async with db.acquire(desk.pool) as conn:
        assert [await notices.settle(conn, each) for each in (sent, sent, other, unknown)] == [True, *[False] * 3]
    row = await desk.one("SELECT result, reason, settled_at FROM mails")
    assert row == {"result": "sent", "reason": None, "settled_at": START}
