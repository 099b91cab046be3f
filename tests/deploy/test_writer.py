"""Submissions committed together: all are there, and one that cannot be stored costs no other its place."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.deploy import submissions, writer
from services.deploy.submissions import Arrival, Submission
from services.deploy.writer import Writer
from shared import db
from shared.errors import Unavailable


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[db.Pool]:
    """Give a pool on the service's tables."""
    async with db.pool(database_url, "deploy") as opened:
        yield opened


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give how many submissions each statement had."""
    seen: list[int] = []
    real = submissions.add_all

    async def counted(conn: db.Connection, given: Sequence[Arrival]) -> dict[str, bool]:
        seen.append(len(given))
        return await real(conn, given)

    monkeypatch.setattr(submissions, "add_all", counted)
    return seen


def an_arrival(number: int, *, told: bool = False, **data: Any) -> Arrival:
    """Build one; its id is its number."""
    given = Submission(
        id=str(number),
        deployment_id="dep_1",
        form=None,
        status="accepted",
        data={"z": number, "a": [1, {"b": None}], **data},
        version=1,
        created_at=datetime.now(UTC),
    )
    return Arrival(submission=given, words=f"w{number}", told=told)


async def stored(pool: db.Pool) -> tuple[dict[str, Mapping[str, Any]], list[int]]:
    """Return data by id, and what is to be told."""
    rows = await pool.fetch("SELECT id, data FROM submissions")
    notices = await pool.fetch("SELECT submission_id FROM notices WHERE mailing_id IS NULL AND NOT test")
    return {row["id"]: row["data"] for row in rows}, sorted(int(row["submission_id"]) for row in notices)


async def test_what_arrives_together_is_committed_together(pool: db.Pool, sizes: list[int]) -> None:
    write = Writer(pool)
    count = 3 * writer.MAX_TOGETHER
    await asyncio.gather(*(write.add(an_arrival(n, told=n % 2 == 1)) for n in range(count)))
    rows, noted = await stored(pool)
    assert rows == {str(n): {"z": n, "a": [1, {"b": None}]} for n in range(count)}
    assert list(rows["1"]) == ["z", "a"]
    assert noted == list(range(1, count, 2))
    assert sizes == [writer.MAX_TOGETHER] * 3


async def test_one_alone_does_not_wait(pool: db.Pool, sizes: list[int]) -> None:
    await Writer(pool).add(an_arrival(1))
    assert sizes == [1]


async def test_one_that_cannot_be_stored_costs_no_other_its_place(pool: db.Pool) -> None:
    write = Writer(pool)
    await write.add(an_arrival(1))
    results = await asyncio.gather(*(write.add(an_arrival(n, told=True)) for n in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [bool, asyncpg.UniqueViolationError, *[bool] * 3]
    rows, noted = await stored(pool)
    assert sorted(rows) == ["0", "1", "2", "3", "4"]
    assert noted == [0, 2, 3, 4]


async def test_who_goes_away_leaves_the_others_theirs(pool: db.Pool) -> None:
    write = Writer(pool)
    tasks = [asyncio.create_task(write.add(an_arrival(n))) for n in range(5)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.gather(*tasks[1:])
    assert len((await stored(pool))[0]) == 5


async def test_without_the_database_each_is_told(pool: db.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(submissions, "add_all", lost)
        write = Writer(pool)
        results = await asyncio.gather(*(write.add(an_arrival(n)) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    await write.add(an_arrival(9))
    assert list((await stored(pool))[0]) == ["9"]
