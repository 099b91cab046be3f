"""What visitors send is held against what the pages ask for; lists have columns for both."""

import time
from dataclasses import asdict
from typing import Any

import orjson
import pytest

from services.deploy import contracts
from services.deploy.contracts import Column, Contract, Field, Form
from tests.support.deploying import Deploy
from tests.support.publishing import edit, fetch, go_live, inline, named, put_all, replace


def one(**given: Any) -> Contract:
    """Return the contract of a form with one field."""
    return Contract(forms=[Form(fields=[Field(name="a", **given)])])


def problem(contract: Contract, *value: Any, files: tuple[str, ...] = ()) -> str | None:
    """Return what is wrong with a value of the field, or with none."""
    unknown, problems = contracts.check(contract, None, {"a": value[0]} if value else {}, files)
    assert unknown == []
    assert [each["field"] for each in problems] == ["a"] * len(problems)
    return problems[0]["problem"] if problems else None


@pytest.mark.parametrize("empty", ["", None, [], [""], False])
def test_an_empty_value_is_fine_unless_it_is_required(empty: Any) -> None:
    for kind in ("text", "email", "number", "select", "checkbox"):
        assert problem(one(type=kind, options=["x"]), empty) is None
        assert problem(one(type=kind, options=["x"], required=True), empty) == "missing"
    assert problem(one(type="email")) is None
    assert problem(one(required=True)) == "missing"


def test_a_file_is_sent_apart_from_the_data() -> None:
    assert problem(one(type="file", required=True)) == "missing"
    assert problem(one(type="file", required=True), files=("a",)) is None
    assert contracts.check(one(), None, {}, ["x", "x", "a"]) == (["x"], [])


@pytest.mark.parametrize(
    "kind, fine, wrong, told",
    [
        ("email", ["a@b.c", "a+b@localhost", "ü@münchen.de", " a@b.c "], ["a", "a@", "@b", "a b@c.d", "a@b,c", 1, {}],
         "not_an_email"),
        ("number", ["1", "-1.5", "1e9", ".5", "1.", 1, 2.5], ["x", "1,5", "1 2", "٣", "--1", "e1", ".", True, {}],
         "not_a_number"),
        ("range", ["50"], ["half"], "not_a_number"),
        ("url", ["https://a.b/c?d", "mailto:x"], ["a.b", "//a.b", "https:", "https://a b"], "not_a_url"),
        ("date", ["2026-11-28", "2024-02-29"], ["28.11.2026", "2026-13-01", "2026-02-30", "2026-04-31", "2026-1-1"],
         "not_a_date"),
        ("month", ["2026-12"], ["2026-00", "12"], "not_a_date"),
        ("week", ["2026-W53"], ["2026-W54", "2026-53"], "not_a_date"),
        ("time", ["23:59", "00:00:01", "00:00:00.123"], ["24:00", "1:00"], "not_a_date"),
        ("datetime-local", ["2026-11-28T20:00", "2026-11-28 20:00:30", "2026-11-28T20:00:00Z"],
         ["2026-11-28", "2026-11-31T20:00"], "not_a_date"),
        ("text", ["anything", 1, True, {"b": [1]}], [], ""),
        ("unheard-of", ["anything"], [], ""),
    ],
)  # fmt: skip
def test_a_value_is_held_against_its_fields_type(kind: str, fine: list[Any], wrong: list[Any], told: str) -> None:
    assert [problem(one(type=kind), value) for value in fine] == [None] * len(fine)
    assert [problem(one(type=kind), value) for value in wrong] == [told] * len(wrong)


@pytest.mark.parametrize("kind", ["select", "radio", "checkbox"])
def test_a_choice_is_one_of_the_options(kind: str) -> None:
    contract = one(type=kind, options=["x", "1"], multiple=True)
    assert [problem(contract, value) for value in ("x", "1", 1, ["x", "1"], True)] == [None] * 5
    wrong: list[Any] = ["y", ["x", "y"], " x", {}]
    assert [problem(contract, value) for value in wrong] == ["not_an_option"] * 4
    assert problem(one(type=kind), "anything") is None


def test_several_values_are_fine_where_the_page_has_several() -> None:
    assert problem(one(), ["x", "y"]) == "several_values"
    assert problem(one(type="email"), ["x", "y"]) == "several_values"
    assert problem(one(), ["x", ""]) is None
    assert problem(one(multiple=True), ["x", "y"]) is None
    assert problem(one(type="email", multiple=True), "a@b.c, d@e.f") is None
    assert problem(one(type="email", multiple=True), ["a@b.c", "x"]) == "not_an_email"


TWO = Contract(
    forms=[
        Form(name="contact", named=True, fields=[Field(name="a", required=True), Field(name="b", type="number")]),
        Form(name="news", fields=[Field(name="a", type="email"), Field(name="c")], buttons=["go"]),
    ]
)


@pytest.mark.parametrize(
    "form, data, told",
    [
        ("contact", {"c": "x"}, (["c"], [{"field": "a", "problem": "missing"}])),
        ("news", {"a": "x", "b": "y", "go": ""}, (["b"], [{"field": "a", "problem": "not_an_email"}])),
        (None, {"a": "x", "b": "y", "c": "z", "go": "", "d": ""}, (["d"], [{"field": "b", "problem": "not_a_number"}])),
        ("unheard-of", {}, ([], [])),
    ],
)
def test_a_form_is_found_by_its_name_and_else_may_have_the_fields_of_each(
    form: str | None, data: dict[str, Any], told: Any
) -> None:
    assert contracts.check(TWO, form, data) == told


def test_the_only_form_is_meant_whatever_it_is_called() -> None:
    contract = Contract(forms=TWO.forms[:1])
    for form in (None, "contact", "other"):
        assert contracts.check(contract, form, {}) == ([], [{"field": "a", "problem": "missing"}])


def test_an_empty_contract_and_one_that_is_not_whole_know_of_nothing_unknown() -> None:
    assert contracts.check(contracts.NONE, "x", {"a": 1}, ["b"]) == ([], [])
    partial = Contract(forms=TWO.forms, partial=True)
    assert contracts.check(partial, "contact", {"x": ""})[0] == []


def test_no_more_is_told_than_anybody_reads() -> None:
    names = [f"f{number}" for number in range(300)]
    contract = Contract(forms=[Form(fields=[Field(name=name, required=True) for name in names])])
    unknown, problems = contracts.check(contract, None, dict.fromkeys(map(str, range(300)), ""))
    assert (len(unknown), len(problems)) == (contracts.MAX_TOLD, contracts.MAX_TOLD)


def test_checking_costs_a_post_nothing_to_speak_of() -> None:
    fields = [Field(name=name, type=name, required=True) for name in ("text", "email", "number", "url", "textarea")]
    contract = Contract(forms=[Form(name="contact", named=True, fields=fields)])
    data = {"text": "Ada", "email": "ada@example.com", "number": "3", "url": "https://a.b", "textarea": "hello " * 100}
    began = time.process_time()
    for _ in range(2000):
        assert contracts.check(contract, "contact", data) == ([], [])
    assert (time.process_time() - began) / 2000 < 20e-6 * 5, "five times what it may take: others work here too"


# Columns


def test_columns_are_what_the_site_asks_for_and_then_what_was_answered_before() -> None:
    answered = [("", "old"), ("contact", "a"), ("contact", "older"), ("other", "old"), ("contact", "go")]
    assert [(each.name, each.type, each.current) for each in contracts.columns(TWO, answered)] == [
        ("a", "text", True), ("b", "number", True), ("c", "text", True),
        ("old", "text", False), ("older", "text", False), ("go", "text", False),
    ]  # fmt: skip
    assert [(each.name, each.type) for each in contracts.columns(TWO, answered, form="contact")] == [
        ("a", "text"), ("b", "number"), ("older", "text"), ("go", "text")
    ]  # fmt: skip
    assert [(each.name, each.type) for each in contracts.columns(TWO, answered, form="")] == [
        ("a", "email"), ("c", "text"), ("old", "text")
    ]  # fmt: skip
    assert contracts.columns(contracts.NONE, []) == []


def test_a_column_says_what_may_be_chosen() -> None:
    (column,) = contracts.columns(one(type="select", options=["x"], label="A", required=True), [])
    assert asdict(column) == {"name": "a", "type": "select", "label": "A", "options": ["x"], "current": True}
    assert isinstance(column, Column)


# On the running service


async def kept(deploy: Deploy, site: dict[str, Any], number: int) -> Contract:
    """Return what is kept with a version."""
    rows = await fetch(
        deploy, "SELECT forms::text FROM versions WHERE deployment_id = $1 AND number = $2", site["id"], number
    )
    return contracts.from_json(orjson.loads(rows[0][0]))


PAGE = '<!doctype html><html lang=de><title>T</title><form action="{{SUBMIT_URL}}" method=post><input name=a></form>'
KEPT = Contract(title="T", lang="de", forms=(Form(fields=(Field(name="a"),)),))


@pytest.mark.parametrize("way", ["inline", "apart", "both"])
async def test_every_way_of_deploying_keeps_the_contract_with_the_version(deploy: Deploy, key: str, way: str) -> None:
    other = "<title>b</title>" + PAGE[PAGE.index("<form") :].replace("name=a", "name=b")
    files = {"index.html": PAGE, "b.html": other}
    raw = {path: text.encode() for path, text in files.items()}
    if way == "inline":
        made = await deploy.publish(key, files=inline(files))
    else:
        given = named(raw) if way == "apart" else [*inline({"index.html": PAGE}), *named({"b.html": raw["b.html"]})]
        made = await deploy.publish(key, files=given)
        assert await kept(deploy, made, 1) == contracts.NONE
        await put_all(deploy, key, made, raw)
        assert (await go_live(deploy, key, made["id"], 1)).status == 200
    found = await kept(deploy, made, 1)
    assert (found.title, found.lang) == ("T", "de")
    assert [[each.name for each in form.fields] for form in found.forms] == [["a", "b"]]


async def test_an_edit_is_read_with_the_pages_that_it_leaves_alone(deploy: Deploy, key: str) -> None:
    other = PAGE.replace("method=post", "method=post id=other")
    made = await deploy.publish(key, files=inline({"index.html": PAGE, "b.html": other}))
    edited = await edit(deploy, key, made["id"], ("index.html", "name=a", "name=b"))
    assert edited.status == 200
    found = await kept(deploy, made, 2)
    assert [(form.name, form.fields[0].name) for form in found.forms] == [("", "b"), ("other", "a")]


async def test_a_title_that_is_put_in_is_the_pages_own(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html=PAGE.replace("<title>T</title>", ""), title="Given")
    assert (await kept(deploy, made, 1)).title == "Given"
    await replace(deploy, key, made["id"], html=PAGE, title="Given")
    assert await kept(deploy, made, 2) == KEPT
