"""A deploy that no longer asks for what was answered says so, whichever way it comes."""

from typing import Any

import pytest

from services.deploy import contracts, form_changes
from services.deploy.contracts import Contract, Field, Form
from tests.support.client import Answer
from tests.support.deploying import Deploy
from tests.support.publishing import edit, fetch, go_live, named, put_all, replace, value


def page(*names: str, form: str = "contact") -> str:
    """Return a page with a form of these fields."""
    inputs = "".join(f'<input name="{name}">' for name in names)
    said = f'<input type=hidden name=_form value="{form}">' if form else ""
    return f'<!doctype html><title>t</title><form action="{{{{SUBMIT_URL}}}}" method=post>{said}{inputs}</form>'


async def answered(deploy: Deploy, key: str, *names: str, **given: Any) -> dict[str, Any]:
    """Make a site with such a form, and answer it once."""
    made = await deploy.publish(key, html=page(*names), **given)
    sent = dict.fromkeys(names, "x") | {"_form": "contact"}
    assert (await deploy.submit(made, json=sent)).status == 200
    return made


def told(answer: Answer) -> list[str]:
    """Return what a deploy said about answered fields."""
    assert answer.status == 200, answer.text
    return [each["message"] for each in answer.json["warnings"] if each["code"] == "answered_field_removed"]


REMOVED = (
    "index.html: the form 'contact' no longer has the field 'phone', which was answered; "
    "export first, or put it back; what was answered stays"
)
RENAMED = (
    "index.html: the form 'contact' no longer has the field 'phone', which was answered; it looks renamed to 'tel': "
    'keep name="phone", or the answers stand in two columns; export first, or put it back; what was answered stays'
)


async def test_a_redeploy_that_removes_an_answered_field_says_so(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    answer = await replace(deploy, key, made["id"], html=page("email"))
    assert answer.json["warnings"] == [
        {"code": "answered_field_removed", "message": REMOVED, "path": "index.html", "line": None}
    ]
    assert told(await replace(deploy, key, made["id"], html=page("email"))) == [], "it is said once"
    assert (await deploy.submissions(key, made))["submissions"][0]["data"] == {"email": "x", "phone": "x"}


async def test_a_redeploy_that_renames_one_says_from_what_to_what(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    assert told(await replace(deploy, key, made["id"], html=page("email", "tel"))) == [RENAMED]


async def test_a_preview_says_it_and_its_publishing_too(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    assert told(await replace(deploy, key, made["id"], html=page("email"), preview=True)) == [REMOVED]
    assert told(await go_live(deploy, key, made["id"], 2)) == [REMOVED]
    assert told(await go_live(deploy, key, made["id"], 2)) == [], "it is live already"


async def test_a_rollback_says_it(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html=page("email"))
    await replace(deploy, key, made["id"], html=page("email", "phone"))
    await deploy.submit(made, json={"email": "x", "phone": "1", "_form": "contact"})
    assert told(await go_live(deploy, key, made["id"], 1)) == [REMOVED]
    assert told(await go_live(deploy, key, made["id"], 2)) == []


async def test_a_small_edit_says_it(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    assert told(await edit(deploy, key, made["id"], ("index.html", 'name="phone"', 'name="tel"'))) == [RENAMED]


async def test_files_that_come_apart_are_held_against_it_when_they_are_published(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    files = {"index.html": page("email", "tel").encode()}
    again = await replace(deploy, key, made["id"], files=named(files))
    assert told(again) == []
    await put_all(deploy, key, again.json, files)
    assert told(await go_live(deploy, key, made["id"], 2)) == [RENAMED]
    assert await value(deploy, "SELECT forms #>> '{forms,0,fields,1,name}' FROM versions WHERE number = 2") == "tel"


async def test_what_nobody_answered_or_what_is_deleted_is_no_loss(deploy: Deploy, key: str) -> None:
    quiet = await deploy.publish(key, html=page("email", "phone"))
    assert told(await replace(deploy, key, quiet["id"], html=page("email"))) == []
    made = await answered(deploy, key, "email", "phone")
    await fetch(deploy, "DELETE FROM submissions WHERE deployment_id = $1", made["id"])
    assert told(await replace(deploy, key, made["id"], html=page("email"))) == []


async def test_a_site_whose_versions_are_older_than_the_contract_is_not_judged(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    await fetch(deploy, "UPDATE versions SET forms = '{}'")
    assert told(await replace(deploy, key, made["id"], html=page("email"))) == []


async def test_an_answered_field_is_told_before_what_else_is_noticed(deploy: Deploy, key: str) -> None:
    made = await answered(deploy, key, "email", "phone")
    lost = page("email") + "".join(f"<a href=/{number}>x</a>" for number in range(100))
    answer = await replace(deploy, key, made["id"], html=lost)
    assert [answer.json["warnings"][0]["message"], len(answer.json["warnings"])] == [REMOVED, 50]
    assert await value(deploy, "SELECT json_array_length(findings::json) FROM versions WHERE number = 2") == 50


def contract(*forms: tuple[str, str], partial: bool = False) -> Contract:
    """Return a contract of forms with these fields."""
    found = [
        Form(name=name, named=bool(name), fields=[Field(name=each) for each in fields.split()])
        for name, fields in forms
    ]
    return Contract(forms=found, partial=partial)


ALL = [("", "a"), ("", "b"), ("x", "a"), ("x", "c"), ("x", "never asked for")]


@pytest.mark.parametrize(
    "live, new, gone",
    [
        (contract(("", "a b")), contract(("", "b a c")), []),
        (contract(("", "a b")), contract(("", "b")), ["no longer has the field 'a'"]),
        (contract(("", "a b")), contract(("", "b c")), ["renamed to 'c'"]),
        (contract(("", "a b")), contract(("", "c d")), ["the field 'a'", "the field 'b'"]),
        (contract(("", "z b")), contract(("", "b c")), []),
        (contract(("x", "a c")), contract(), ["the form 'x' is on no page any more, and was answered ('a', 'c')"]),
        (contract(("x", "a c")), contract(("y", "a c")), []),
        (contract(("x", "a c")), contract(("y", "a")), ["is on no page any more, and was answered ('c')"]),
        (contract(("x", "a c"), ("", "b")), contract(("x", "a"), ("", "b c")), ["the form 'x' no longer has"]),
        (contract(("", "a b")), contract(partial=True), []),
        (contract(), contract(("", "a b")), []),
    ],
)
def test_a_loss_is_what_the_live_form_has_and_the_new_one_has_not(
    live: Contract, new: Contract, gone: list[str]
) -> None:
    found = form_changes.lost(live, new, ALL)
    assert len(found) == len(gone)
    assert all(part in each.message for part, each in zip(gone, found, strict=True))


def test_no_more_losses_are_told_than_anybody_reads() -> None:
    names = [f"f{number}" for number in range(100)]
    found = form_changes.lost(contract(("", " ".join(names))), contract(("", "x")), [("", name) for name in names])
    assert len(found) == form_changes.MAX_LOST
    assert Contract() == contracts.NONE
