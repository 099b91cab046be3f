"""R37: servers that say no, later, or nothing: what is tried again and for how long, and who is kept waiting by it."""

import asyncio
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from services.mailer import handlers
from tests.mailer.conftest import OpenMailer
from tests.mailer.test_mailer import count, publish, state, waiting
from tests.support.eventually import eventually
from tests.support.mail_events import a_login_mail, a_message, a_submission_mail
from tests.support.smtp import SmtpServer
from tests.support.timing import once_within

LATER = {"a421": "421 4.3.2 going down", "a450": "450 4.2.1 later", "a451": "451 4.7.1 greylisted"}
NEVER = {"a550": "550 5.1.1 no such user", "a552": "552 5.2.2 mailbox full"}


async def test_r37_each_answer_gets_what_it_deserves(
    open_mailer: OpenMailer, smtp: SmtpServer, database_url: str
) -> None:
    """R37: 4xx, a reset and a stall are tried again until it goes well, 5xx never; all at the same time."""
    for name, answer in (LATER | NEVER).items():
        smtp.at_rcpt[f"{name}@example.com"] = [answer] * 2
    smtp.drops.add("reset@example.com")
    smtp.stalls["stall@example.com"] = stall = asyncio.Event()
    names = [*LATER, *NEVER, "reset", "stall"]
    async with open_mailer(deadline=0.5, lease=1.0) as (bus, _):
        messages = {name: a_message(a_login_mail(to=f"{name}@example.com")) for name in names}
        await publish(bus, *messages.values())
        await eventually(lambda: smtp.transactions.count("stall@example.com") >= 2)
        stall.set()
        for name in (*LATER, "stall"):
            await eventually(partial(smtp.to, f"{name}@example.com"))
        await eventually(lambda: len(smtp.to("reset@example.com")) == 2)

        async def all_known() -> bool:
            return all([await state(database_url, message) for message in messages.values()])

        await eventually(all_known)
    assert [smtp.transactions.count(f"{name}@example.com") for name in LATER] == [3, 3, 3]
    assert [smtp.transactions.count(f"{name}@example.com") for name in NEVER] == [1, 1]
    assert len({mail.message_id for mail in smtp.to("reset@example.com")}) == 1


async def test_r37_one_recipient_never_blocks_the_others(open_mailer: OpenMailer, smtp: SmtpServer) -> None:
    """R37: with more mails to a stalling server than are in work at a time, other mails' p95 is within 5 s."""
    smtp.stalls["stuck@example.com"] = stall = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with open_mailer(deadline=20.0, lease=21.0) as (bus, _):
        await publish(bus, *(a_message(a_submission_mail(to="stuck@example.com")) for _ in range(40)))
        await eventually(lambda: smtp.transactions.count("stuck@example.com") >= handlers.TOGETHER)

        async def others() -> float:
            took = []
            for number in range(20):
                to, began = f"other{number}-{loop.time()}@example.com", loop.time()
                await publish(bus, a_message(a_login_mail(to=to)))
                await eventually(partial(smtp.to, to))
                took.append(loop.time() - began)
            return sorted(took)[18]

        await once_within(5.0, others)
        assert smtp.transactions.count("stuck@example.com") == handlers.TOGETHER
        stall.set()
        await eventually(lambda: len(smtp.to("stuck@example.com")) >= handlers.TOGETHER)


async def test_r37_what_no_attempt_in_a_row_delivers_comes_again(
    open_mailer: OpenMailer, smtp: SmtpServer, amqp_url: str, bus_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R37: within its life a mail is tried on, however long the server is away; none is parked for a person to find."""
    monkeypatch.setattr(handlers, "PUT_OFF", 0.2)
    smtp.at_rcpt["ada@example.com"] = ["450 later"] * 6
    async with open_mailer() as (bus, _):
        await publish(bus, a_message(a_submission_mail()))
        await eventually(lambda: smtp.to("ada@example.com"))
        assert smtp.transactions.count("ada@example.com") == 7
        assert await waiting(amqp_url, f"{bus_prefix}.mailer.v1.parked") == 0


async def test_r37_at_the_end_of_its_life_it_is_given_up_and_says_so(
    open_mailer: OpenMailer, smtp: SmtpServer, database_url: str
) -> None:
    smtp.at_rcpt["ada@example.com"] = ["450 4.2.1 later"] * 5
    before = count("expired", "mail.submission")
    async with open_mailer() as (bus, _):
        message = a_message(a_submission_mail())
        await publish(bus, message.model_copy(update={"at": message.at - handlers.LIFE - timedelta(seconds=1)}))
        await eventually(lambda: count("expired", "mail.submission") == before + 1)
        assert await state(database_url, message) is None, "its claim was given back"
    conn = await asyncpg.connect(database_url)
    receipt = await conn.fetchval("SELECT envelope -> 'data' FROM mailer.outbox")
    await conn.close()
    assert '"result": "expired"' in receipt.replace('":"', '": "')
    assert len(smtp.transactions) == 5
