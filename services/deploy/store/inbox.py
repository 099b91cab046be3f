"""The SQL of what visitors sent, as lists: newest first, filtered, searched, counted as far as that is cheap.

However many a site has, a list costs what a page of it costs. What a filter leaves is looked for among the newest
rows first: where it leaves enough of those, rows are gone through in order, else the index of words has few to sort.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from services.deploy import contracts, words
from services.deploy.contracts import Contract
from services.deploy.received import COLUMNS, Listed, Received
from services.deploy.received import FIELDS as _FIELDS
from shared.db import Connection

#: What is counted at most, where nothing has been counted yet: rows that are looked at, and so those that match.
COUNTED: Final = 10_000
#: Of those: from so many on, going through rows in order soon finds a page of them.
COMMON: Final = 500
#: Columns of a list, and names that are read for them.
MAX_COLUMNS: Final = 500

#: Before and after every submission.
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)

#: Time and id of a submission.
Place = tuple[datetime, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which of a site's submissions are asked for."""

    deployment_id: str
    status: str = "accepted"
    #: Empty stands for the form without a name.
    form: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: Words, of which the last may be only begun.
    text: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether only the status is asked for."""
        return self.form is None and self.since is None and self.until is None and not self._words

    @property
    def _words(self) -> bool:
        return self.text is not None and words.has_any(self.text)

    def range(self, before: Place | None = None) -> list[Any]:
        """Return the values of `_RANGE`: one upper bound, since the index begins at one."""
        end: Place = (self.until or _LAST, "")
        return [self.deployment_id, self.status, self.since or _FIRST, *(min(end, before) if before else end)]

    def condition(self, number: int) -> tuple[str, list[Any]]:
        """Return what rows of the range have to satisfy, and its values, the first of which is `$number`."""
        if self._words:
            # no word stands for a form without a name
            nameless = " AND form IS NULL" if self.form == "" else ""
            return f"words @@ ${number}::tsquery{nameless}", [self.query]
        if self.form is None:
            return "", []
        return f"form IS NOT DISTINCT FROM ${number}", [self.form or None]

    @property
    def query(self) -> str | None:
        """What the index of words is asked for; None when it cannot tell."""
        if self._words or self.form:
            return words.query(self.deployment_id, form=self.form, text=self.text)
        return None


# one comparison of rows: beside another bound of the same column, the index might begin at that one
_RANGE: Final = "deployment_id = $1 AND status = $2 AND created_at >= $3 AND (created_at, id) < ($4, $5)"
_NEWEST: Final = "ORDER BY created_at DESC, id DESC"


async def list_page(conn: Connection, given: Filter, *, limit: int, offset: int, before: Place | None) -> Listed:
    """Return one page, of those older than `before` if it is given."""
    total, contract, answered = await _overview(conn, given)
    columns = contracts.columns(contract, answered, given.form)[:MAX_COLUMNS]
    exact, rare = True, False
    if not given.is_plain:
        total, exact, rare = await _census(conn, given)
    if rare and (query := given.query) is not None:
        total, found = await _find_rare(conn, given, query, limit=limit + 1, offset=offset, before=before)
        total, exact = min(total, COUNTED), total <= COUNTED
    elif exact and offset >= total:
        found = []
    else:
        found = await _find(conn, given, limit + 1, offset, before)
    return Listed(found=found[:limit], total=total, is_exact=exact, more=len(found) > limit, columns=columns)


async def read_page(conn: Connection, given: Filter, *, limit: int, size: int, before: Place | None) -> list[Received]:
    """Return the newest rows before a place: at most `limit`, and one more than so many bytes of data at most."""
    condition, values = given.condition(6)
    rows = await conn.fetch(
        f"SELECT {_FIELDS} FROM ("
        f"   SELECT {_FIELDS}, sum(length(data)) OVER ({_NEWEST}) - length(data) AS behind"
        f"   FROM (SELECT {COLUMNS} FROM ({_walk(condition, _FIELDS)}) AS walked LIMIT {limit:d}) AS page"
        f" ) AS sized WHERE behind < {size:d} {_NEWEST}",
        *given.range(before), *values,
    )  # fmt: skip
    return [Received(**row) for row in rows]


async def answered(conn: Connection, deployment_id: str, form: str | None, limit: int) -> tuple[Contract, list[Any]]:
    """Return what the live version's forms ask for, and form and name of what was ever answered, oldest first."""
    row = await conn.fetchrow(
        "SELECT (SELECT v.forms FROM deployments d JOIN versions v"
        "    ON v.deployment_id = d.id AND v.number = d.live_version WHERE d.id = $1) AS contract,"
        " ARRAY(SELECT ARRAY[form, name] FROM form_fields WHERE deployment_id = $1"
        "    AND ($2::text IS NULL OR form = $2) ORDER BY id LIMIT $3) AS answered",
        deployment_id, form, limit,
    )  # fmt: skip
    assert row is not None  # noqa: S101 - there is always one
    return contracts.from_json(row["contract"] or {}), [tuple(each) for each in row["answered"]]


async def _overview(conn: Connection, given: Filter) -> tuple[int, Contract, list[Any]]:
    """Return how many there are with this status, and what the columns are made of."""
    total: int = await conn.fetchval(
        "SELECT coalesce(sum(count), 0)::bigint FROM submission_totals WHERE deployment_id = $1 AND status = $2",
        given.deployment_id, given.status,
    )  # fmt: skip
    return total, *await answered(conn, given.deployment_id, given.form, MAX_COLUMNS)


async def _census(conn: Connection, given: Filter) -> tuple[int, bool, bool]:
    """Look at the newest rows: how many match, whether that were all, and whether there are too few to go on so."""
    condition, values = given.condition(6)
    if not condition:
        matched = seen = await conn.fetchval(
            f"SELECT count(*) FROM (SELECT 1 FROM submissions WHERE {_RANGE} LIMIT {COUNTED + 1}) AS newest",
            *given.range(),
        )  # fmt: skip
    else:
        row = await conn.fetchrow(
            f"SELECT count(*) FILTER (WHERE {condition}) AS matched, count(*) AS seen FROM ("
            f" SELECT form, words FROM submissions WHERE {_RANGE} {_NEWEST} LIMIT {COUNTED + 1}) AS newest",
            *given.range(), *values,
        )  # fmt: skip
        assert row is not None  # noqa: S101 - there is always one
        matched, seen = row["matched"], row["seen"]
    return min(matched, COUNTED), seen <= COUNTED, seen > COUNTED and matched < COMMON


def _walk(condition: str, columns: str = "id") -> str:
    """Return a statement that goes through the range in order.

    The inner limit is a fence: whatever the planner thinks of the condition, it sorts nothing.
    """
    if not condition:
        return f"SELECT {columns} FROM submissions WHERE {_RANGE} {_NEWEST}"
    inner = f"SELECT {_FIELDS}, words FROM submissions WHERE {_RANGE} {_NEWEST} LIMIT 1000000000"
    return f"SELECT {columns} FROM ({inner}) AS fenced WHERE {condition}"


async def _find(conn: Connection, given: Filter, limit: int, offset: int, before: Place | None) -> list[Received]:
    condition, values = given.condition(6)
    rows = await conn.fetch(
        # what is skipped is read in the index alone
        f"SELECT {COLUMNS} FROM submissions WHERE id = ANY (ARRAY("
        f"{_walk(condition)} LIMIT {limit:d} OFFSET {offset:d})) {_NEWEST}",
        *given.range(before), *values,
    )  # fmt: skip
    return [Received(**row) for row in rows]


async def _find_rare(
    conn: Connection, given: Filter, query: str, *, limit: int, offset: int, before: Place | None
) -> tuple[int, list[Received]]:
    """Find by the index of words; return how many that gives in all, too."""
    _, status, since, *end = given.range()
    row = await conn.fetchrow(
        "WITH found AS MATERIALIZED (SELECT id, created_at FROM submissions WHERE words @@ $1::tsquery"
        "    AND status = $2 AND created_at >= $3 AND (created_at, id) < ($4, $5) AND ($8 OR form IS NULL))"
        " SELECT (SELECT count(*) FROM found) AS total, ARRAY(SELECT id FROM found"
        f"    WHERE (created_at, id) < ($6, $7) {_NEWEST} LIMIT {limit:d} OFFSET {offset:d}) AS ids",
        query, status, since, *end, *(before or (_LAST, "")),
        given.form != "",
    )  # fmt: skip
    assert row is not None  # noqa: S101 - there is always one
    rows = await conn.fetch(f"SELECT {COLUMNS} FROM submissions WHERE id = ANY ($1) {_NEWEST}", row["ids"])
    return row["total"], [Received(**each) for each in rows]
