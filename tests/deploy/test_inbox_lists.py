"""The owner's list of submissions: filters, search, counting, columns, and what it costs when there are many."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.deploy.store import inbox
from services.deploy.store.inbox import Filter
from shared import db
from tests.support.deploying import Deploy
from tests.support.inbox import add, add_many, names, url
from tests.support.publishing import fetch

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def found(deploy: Deploy, key: str, site: Site, query: str) -> list[Any]:
    """Return what the rows of a list say, newest first."""
    listed = await deploy.submissions(key, site, query)
    assert listed["total"] == len(listed["submissions"])
    assert listed["total_is_exact"] is True
    return [row["data"].get("text") for row in listed["submissions"]]


async def test_a_row_has_all_that_is_known_of_a_submission(deploy: Deploy, key: str, site: Site) -> None:
    file: dict[str, Any] = {
        "id": "fil_0000000000000000",
        "field": "cv",
        "name": "cv.pdf",
        "size": 3,
        "type": "application/pdf",
    }
    (sid,) = await add(
        deploy, site, {"z": "ü", "a": [1]}, form="jobs", status="spam", spam_reason="links", files=[file],
        unknown_fields=["z"], problems=[{"field": "a", "problem": "is no number"}],
    )  # fmt: skip
    (row,) = (await deploy.submissions(key, site, "?status=spam"))["submissions"]
    assert row.pop("created_at").endswith("Z")
    assert row == {
        "id": sid, "data": {"z": "ü", "a": [1]}, "form": "jobs", "status": "spam", "version": 1, "read_at": None,
        "unknown_fields": ["z"], "problems": [{"field": "a", "problem": "is no number"}], "spam_reason": "links",
        "files": [file | {"url": f"{deploy.config.api_url}{url(site, sid, 'files', file['id'])}"}],
    }  # fmt: skip
    assert list(row["data"]) == ["z", "a"], "in the form's order"


async def test_each_status_has_its_list(deploy: Deploy, key: str, site: Site) -> None:
    for status in ("accepted", "spam", "test"):
        await add(deploy, site, {"text": status}, status=status)
    assert await found(deploy, key, site, "") == ["accepted"]
    for status in ("accepted", "spam", "test"):
        assert await found(deploy, key, site, f"?status={status}") == [status]


async def test_search_finds_words_and_the_last_one_when_it_is_begun(deploy: Deploy, key: str, site: Site) -> None:
    await add(
        deploy, site, {"text": "Grüße aus Köln"}, {"text": "kölnisch"}, {"text": "KÖLN", "deep": {"x": ["Aachen"]}}
    )
    other = await deploy.publish(key)
    await add(deploy, other, {"text": "Köln"})
    for query, expected in {
        "k%C3%B6ln": ["KÖLN", "kölnisch", "Grüße aus Köln"],
        "K%C3%96LN+gr%C3%BC": ["Grüße aus Köln"],
        "aus+k": ["Grüße aus Köln"],
        "gr%C3%BC+k%C3%B6ln": [],
        "aach": ["KÖLN"],
        "text": [],
        "%21%21": ["KÖLN", "kölnisch", "Grüße aus Köln"],
        "%27+%26+%27%3A*": ["KÖLN", "kölnisch", "Grüße aus Köln"],
    }.items():
        assert await found(deploy, key, site, f"?q={query}") == expected, query


async def test_a_form_is_found_by_its_exact_name(deploy: Deploy, key: str, site: Site) -> None:
    for form in (None, "contact", "contact us", "=contact'", "ü"):
        await add(deploy, site, {"text": form or "none"}, form=form)
    for query, expected in {
        "": ["none"], "contact": ["contact"], "contact+us": ["contact us"], "%3Dcontact%27": ["=contact'"],
        "%C3%BC": ["ü"], "con": [],
    }.items():  # fmt: skip
        assert await found(deploy, key, site, f"?form={query}") == expected, query
    assert await found(deploy, key, site, "?form=contact&q=contact") == ["contact"]
    assert await found(deploy, key, site, "?form=&q=non") == ["none"]
    assert await found(deploy, key, site, "?form=&q=contact") == []


async def test_since_is_inclusive_and_until_exclusive(deploy: Deploy, key: str, site: Site) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await add(deploy, site, *({"text": str(second)} for second in range(5)), created_at=noon + timedelta(seconds=4))
    assert await found(deploy, key, site, "?since=2026-03-01T12:00:02Z&until=2026-03-01T12:00:04Z") == ["3", "2"]
    assert await found(deploy, key, site, "?until=2026-03-01T13:00:01%2B01:00") == ["0"]
    assert await found(deploy, key, site, "?until=2026-03-01T13:00:01+01:00") == ["0"], "a plus that was not escaped"
    assert await found(deploy, key, site, "?since=2026-03-01T12:00:01Z&q=1") == ["1"]


@pytest.mark.parametrize(
    "query",
    [
        "status=all", "since=yesterday", "since=2026-03-01", "until=2026-03-01T12:00:00", "q=%00", "form=a%00b",
        f"q={'x' * 501}", f"form={'x' * 101}", "since=0001-01-01T00:00:00%2B14:00", "cursor=x", "days=0",
    ],
)  # fmt: skip
async def test_a_filter_that_means_nothing_is_422(deploy: Deploy, key: str, site: Site, query: str) -> None:
    path = url(site, "stats") if query.startswith("days") else url(site)
    answer = await deploy.call("GET", f"{path}?{query}", key=key)
    assert (answer.status, answer.json["code"]) == (422, "invalid")


async def test_a_cursor_leads_through_everything_once_with_any_filter(deploy: Deploy, key: str, site: Site) -> None:
    await add_many(deploy, site, 25)
    await fetch(deploy, "UPDATE submissions SET created_at = date_trunc('minute', created_at)")
    await add_many(deploy, site, 10, status="spam")
    for query in ("limit=7", "limit=7&q=hello", "limit=7&since=2020-01-01T00:00:00Z", "limit=7&form="):
        seen: list[str] = []
        cursor = ""
        while True:
            listed = await deploy.submissions(key, site, f"?{query}{cursor}")
            seen += names(listed)
            assert listed["total"] == 25
            if listed["next_cursor"] is None:
                break
            cursor = f"&cursor={listed['next_cursor']}"
        assert len(seen) == len(set(seen)) == 25, query


async def test_pages_and_cursors_agree(deploy: Deploy, key: str, site: Site) -> None:
    await add_many(deploy, site, 9)
    for query in ("", "&q=hello"):
        first = await deploy.submissions(key, site, f"?limit=4{query}")
        second = await deploy.submissions(key, site, f"?limit=4&page=2{query}")
        assert names(second) == names(await deploy.submissions(key, site, f"?limit=4&cursor={first['next_cursor']}"))
        assert names(await deploy.submissions(key, site, f"?limit=4&page=4{query}")) == []


async def test_with_filters_no_more_is_counted_than_is_said(
    deploy: Deploy, key: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds are small here: what is common is gone through in order, what is rare comes from the index."""
    monkeypatch.setattr(inbox, "COUNTED", 100)
    monkeypatch.setattr(inbox, "COMMON", 20)
    await add_many(deploy, site, 300)
    for query, total, exact, rows in (
        ("", 300, True, 50), ("?q=hello", 100, False, 50), ("?q=n299", 1, True, 1), ("?q=n2", 100, False, 50),
        ("?form=", 100, False, 50), ("?form=nobody", 0, True, 0), ("?since=2020-01-01T00:00:00Z", 100, False, 50),
        ("?q=nothing", 0, True, 0), ("?q=n299&page=2", 1, True, 0),
    ):  # fmt: skip
        listed = await deploy.submissions(key, site, query)
        assert (listed["total"], listed["total_is_exact"], len(listed["submissions"])) == (total, exact, rows), query


async def test_columns_are_what_was_ever_answered_of_the_form_that_is_asked_for(
    deploy: Deploy, key: str, site: Site
) -> None:
    await add(deploy, site, {"b": "1", "a": "2"})
    await add(deploy, site, {"c": "3"}, form="other")

    async def columns(query: str) -> list[str]:
        return [column["name"] for column in (await deploy.submissions(key, site, query))["columns"]]

    assert [name for name in await columns("") if name != "email"] == ["b", "a", "c"]
    assert await columns("?form=other") == ["c"]
    await fetch(
        deploy,
        "INSERT INTO form_fields (deployment_id, form, name) SELECT $1, '', 'x' || i FROM generate_series(1, 600) i",
        site["id"],
    )
    assert len(await columns("")) == 500


@pytest.mark.alone
async def test_a_page_of_many_costs_what_a_page_of_few_does(deploy: Deploy, key: str, site: Site) -> None:
    """50 of 60,000 within 1.3 times the time of 50 of 1,000, deep in too; a filter counts to 10,000, and no further."""
    few = await deploy.publish(key)
    await add_many(deploy, few, 1000)
    await add_many(deploy, site, 60_000)
    await fetch(deploy, "VACUUM ANALYZE submissions")
    middle = await fetch(
        deploy,
        "SELECT created_at, id FROM submissions WHERE deployment_id = $1 ORDER BY 1 OFFSET 30000 LIMIT 1",
        site["id"],
    )

    async with db.pool(deploy.database_url, "deploy", size=1) as pool:

        async def cost(of: Site, **given: Any) -> float:
            best, before = 1.0, given.pop("before", None)
            for _ in range(40):
                async with db.acquire(pool) as conn:
                    started = time.perf_counter()
                    await inbox.list_page(
                        conn, Filter(deployment_id=of["id"], **given), limit=50, offset=0, before=before
                    )
                best = min(best, time.perf_counter() - started)
            return best

        plain = await cost(few)
        assert await cost(site) <= 1.3 * plain
        assert await cost(site, before=(middle[0][0], middle[0][1])) <= 1.3 * plain
        for given in ({"text": "hello"}, {"text": "n59999"}, {"form": ""}, {"since": datetime(2020, 1, 1, tzinfo=UTC)}):
            assert await cost(site, **given) <= 12 * await cost(few, **given)
