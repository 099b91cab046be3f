"""Mails with codes, by mailbox: how often one may get them is counted here, for logins and changes of address alike."""

from collections import Counter
from datetime import timedelta
from typing import Final

from services.auth import logins
from shared import db

_MOST: Final = max(count for count, _ in logins.MAIL_LIMITS)


async def wait(conn: db.Connection, *mailboxes: str) -> timedelta:
    """Return how long it is until each of the mailboxes may get a mail; nothing when they may now (R60).

    One that is named twice is asked for two.

    Until the transaction ends no other one asks for any of them, on no replica: `count` what is sent in it.
    """
    longest = timedelta(0)
    # in one order, or two of these could wait for each other
    for mailbox, mails in sorted(Counter(mailboxes).items()):
        await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('auth.mailbox.' || $1, 0))", mailbox)
        longest = max(longest, logins.wait_for_mail([timedelta(0)] * (mails - 1) + await _ages(conn, mailbox)))
    return longest


async def _ages(conn: db.Connection, mailbox: str) -> list[timedelta]:
    rows = await conn.fetch(
        # the statement's own time: the transaction's is from before the wait for the lock
        "SELECT statement_timestamp() - created_at AS age FROM code_mails"
        " WHERE mailbox = $1 AND created_at > statement_timestamp() - $2::interval ORDER BY created_at DESC LIMIT $3",
        mailbox, logins.MAIL_WINDOW, _MOST,
    )  # fmt: skip
    return [row["age"] for row in rows]


async def count(conn: db.Connection, mailbox: str) -> None:
    """Count a mail that this transaction sends to the mailbox."""
    await conn.execute("INSERT INTO code_mails (mailbox) VALUES ($1)", mailbox)


async def last_hour(conn: db.Connection, most: int) -> tuple[int, timedelta]:
    """Return how many mails the last hour had, counted up to `most`, and how long it will have had that many.

    One range of an index, at most `most` entries of it.
    """
    row = await conn.fetchrow(
        "SELECT count(*) AS mails, min(created_at) + interval '1 hour' - statement_timestamp() AS wait FROM"
        " (SELECT created_at FROM code_mails WHERE created_at > statement_timestamp() - interval '1 hour'"
        " ORDER BY created_at DESC LIMIT $1) AS latest",
        most,
    )
    return (row["mails"], row["wait"] or timedelta(0)) if row else (0, timedelta(0))
