"""Pages' forms are read as browsers would send them, whatever the page is."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import contracts, form_reading
from services.deploy.contracts import Contract, Field, Form
from services.deploy.parsed import Pages

HTML = "text/html; charset=utf-8"
OURS = '<form action="{{SUBMIT_URL}}" method=post>'


def read(*pages: str, **others: str) -> Contract:
    """Read the first page, and others by path."""
    files = {"index.html": pages[0]} if pages else {}
    return form_reading.read(Pages({path: (text.encode(), HTML) for path, text in (files | others).items()}), "dep_1")


def fields(source: str) -> list[Field]:
    """Return the fields of a form of which this is the inside."""
    (form,) = read(f"{OURS}{source}</form>").forms
    return list(form.fields)


def field(source: str) -> dict[str, Any]:
    """Return what is told of the only field `a`, but for what is not told of it."""
    (found,) = fields(source)
    assert found.name == "a"
    plain = {name: getattr(found, name) for name in ("type", "required", "multiple", "options", "label")}
    return {name: told for name, told in plain.items() if told not in (False, (), None, "text")}


@pytest.mark.parametrize(
    "source, told",
    [
        ("<input name=a>", {}),
        ("<input name=a type=EMAIL required>", {"type": "email", "required": True}),
        ("<input name=a type=nonsense>", {}),
        ("<input name=a type=hidden value=x required>", {"type": "hidden"}),
        ("<input name=a disabled required>", {}),
        ("<fieldset disabled><input name=a required></fieldset>", {}),
        ("<fieldset disabled></fieldset><input name=a required>", {"required": True}),
        ("<textarea name=a required><input name=b></textarea>", {"type": "textarea", "required": True}),
        ("<input name=a type=file multiple>", {"type": "file", "multiple": True}),
        ("<input name=a><input name=a required>", {"multiple": True, "required": True}),
        ("<input name=a type=number><input name=a type=url>", {"multiple": True}),
        ("<input name=a list=l><datalist id=l><option>x</datalist>", {}),
        ("<input name=a type=checkbox>", {"type": "checkbox"}),
        ("<input name=a type=checkbox value=yes>", {"type": "checkbox", "options": ("yes",)}),
        ("<input name=a type=hidden value=0><input name=a type=checkbox>", {"type": "checkbox", "multiple": True}),
        (
            "<input name=a type=checkbox value=1><input name=a type=checkbox value=2>",
            {"type": "checkbox", "multiple": True, "options": ("1", "2")},
        ),
        (
            "<input name=a type=radio value=1><input name=a type=radio value=2 required>",
            {"type": "radio", "required": True, "options": ("1", "2")},
        ),
        (
            "<select name=a multiple><option value=1>One<option selected> Two\n &amp; a <b>half</b></option></select>",
            {"type": "select", "multiple": True, "options": ("1", "Two & a half")},
        ),
        (
            "<select name=a><option value=''>Choose</option><optgroup label=x><option>ü</optgroup><option>y",
            {"type": "select", "options": ("ü", "y")},
        ),
        ("<select name=a><option>x</select><option>y</option>", {"type": "select", "options": ("x",)}),
    ],
)
def test_a_field_is_what_a_browser_makes_of_it(source: str, told: dict[str, Any]) -> None:
    assert field(source) == told


@pytest.mark.parametrize(
    "source, label",
    [
        ("<label for=i>Your <b>name</b> *</label><input id=i name=a>", "Your name"),
        ("<input id=i name=a placeholder=x><label for=i>Name:</label>", "Name"),
        ("<label>E-Mail <svg><path d='M0 0'/></svg><input name=a></label> text", "E-Mail"),
        ("<label><input type=checkbox name=a> I agree</label> text", "I agree"),
        ("<label>Country <select name=a><option value=1>One</select></label>", "Country"),
        ("<label>x<input type=hidden><input name=a></label>", "x"),
        ("<input name=a aria-label=' Your\n name '>", "Your name"),
        ("<input name=a placeholder=you@example.com>", "you@example.com"),
        ("<label>Name</label><input name=a>", None),
        ("<label for=other>Name</label><input name=a>", None),
        ("<fieldset><legend>Plan</legend><label><input type=radio name=a>One</label><input type=radio name=a>", "Plan"),
        ("<label><input type=radio name=a value=1>One</label><input type=radio name=a value=2>", None),
        (f"<label>{'long ' * 100}<input name=a></label>", ("long " * 20).strip()),
        ("<label>&lt;b&gt;\0&#0;<input name=a></label>", "<b>�"),
    ],
)  # fmt: skip
def test_a_fields_label_is_what_the_page_calls_it(source: str, label: str | None) -> None:
    assert field(source).get("label") == label


def test_what_steers_and_what_has_no_name_is_no_field_and_a_button_may_be_sent() -> None:
    page = f"""{OURS}<input name=_hp><input type=hidden name=_form value=contact><input><input name=' '>
        <input type=submit name=go><button name=plan value=pro></button><button type=button name=no></button>
        <input type=reset name=no><input type=image name=map><input name=a></form>"""
    (form,) = read(page).forms
    assert form == Form(name="contact", named=True, fields=(Field(name="a"),), buttons=("go", "plan", "map.x", "map.y"))


@pytest.mark.parametrize(
    "tag, name, named",
    [
        (OURS + "<input type=hidden name=_form value=x>", "x", True),
        (OURS.replace(">", " name=n id=i>") + "<input type=hidden name=_form value=x>", "x", True),
        (OURS.replace(">", " name=n id=i>"), "n", False),
        (OURS.replace(">", " id=i>"), "i", False),
        (OURS, "", False),
        (OURS + "<select name=_form><option>x</select>", "", False),
    ],
)
def test_a_form_is_called_what_it_says_when_it_is_sent(tag: str, name: str, named: bool) -> None:  # noqa: FBT001 - a table
    (form,) = read(f"{tag}<input name=a></form>").forms
    assert (form.name, form.named) == (name, named)


@pytest.mark.parametrize(
    "action, is_read",
    [
        ("{{SUBMIT_URL}}", True),
        ("https://api.example/submit/dep_1", True),
        ("https://api.example/submit/dep_1?x=y", True),
        ("https://api.example/submit/dep_2", False),
        ("https://api.example/submit/dep_12", False),
        ("https://other.example/", False),
        ("", False),
    ],
)
def test_only_forms_that_are_sent_to_this_site_are_read(action: str, is_read: bool) -> None:  # noqa: FBT001 - a table
    found = read(f"<p>{{{{SUBMIT_URL}}}}<form action='{action}'><input name=a></form>").forms
    assert len(found) == is_read


def test_a_field_belongs_to_the_form_that_it_names() -> None:
    page = f"{OURS.replace('>', ' id=f>')}<input name=a><input name=b form=g></form><input name=c form=f><input name=d>"
    (form,) = read(page).forms
    assert [each.name for each in form.fields] == ["a", "c"]


def test_the_first_page_says_title_and_language() -> None:
    found = read("<!doctype html><html lang=de><title>Über\n uns</title>", **{"b.html": "<title>B</title>"})
    assert found == Contract(title="Über uns", lang="de")


def test_a_page_whose_forms_a_script_builds_has_none() -> None:
    assert read("<script>f.innerHTML = '<form action={{SUBMIT_URL}}><input name=a></form>'</script>") == contracts.NONE


def test_a_form_on_several_pages_is_one_with_what_any_page_asks_for() -> None:
    first = f"{OURS}<input name=a required><input name=b required><select name=c><option>1</select></form>"
    second = f"{OURS}<input name=a required><select name=c><option>2</select><input name=d type=url></form>"
    (form,) = read(second, **{"a.html": first}).forms
    assert form.path == "index.html"
    assert list(form.fields) == [
        Field(name="a", required=True),
        Field(name="c", type="select", options=("2", "1")),
        Field(name="d", type="url"),
        Field(name="b"),
    ]


def test_a_page_in_utf_16_is_read_too() -> None:
    page = f"{OURS}<input name=ü></form>".encode("utf-16")
    (form,) = form_reading.read(Pages({"index.html": (page, HTML)})).forms
    assert form.fields == (Field(name="ü"),)


def test_a_contract_is_stored_and_read_again() -> None:
    found = read(
        f"<title>t</title>{OURS}<input name=a required><select name=b><option>x</select><button name=c></form>"
    )
    assert contracts.from_json(orjson.loads(orjson.dumps(contracts.to_json(found)))) == found
    assert contracts.from_json(contracts.to_json(contracts.NONE)) == contracts.NONE


# Bounds


def test_no_more_is_read_than_can_be_kept_and_that_is_known() -> None:
    many = "".join(f"<form action={{{{SUBMIT_URL}}}} id=f{number}><input name=a></form>" for number in range(50))
    assert (len(read(many).forms), read(many).partial) == (form_reading.MAX_FORMS, True)
    wide = OURS + "".join(f"<input name=a{number}>" for number in range(150))
    assert (len(read(wide).forms[0].fields), read(wide).partial) == (form_reading.MAX_FIELDS, True)
    long = f"{OURS}<input name={'n' * 101}><input name=a>"
    assert (len(read(long).forms[0].fields), read(long).partial) == (1, True)


def test_of_a_site_of_many_large_pages_those_at_the_top_are_read() -> None:
    post = f"{'text ' * 100_000}{OURS}<input name=news></form>"
    found = read(**{f"blog/{number}.html": post for number in range(20)}, **{"contact.html": f"{OURS}<input name=a>"})
    assert [each.name for form in found.forms for each in form.fields] == ["a", "news"]
    assert found.partial


def test_a_field_with_too_many_options_takes_anything() -> None:
    def options(count: int, length: int = 1) -> Any:
        listed = "".join(f"<option value={number:0{length}}>" for number in range(count))
        (found,) = fields(f"<select name=a>{listed}</select>")
        return found.options

    assert len(options(form_reading.MAX_OPTIONS)) == form_reading.MAX_OPTIONS
    assert options(form_reading.MAX_OPTIONS + 1) == ()
    assert options(3, length=form_reading.MAX_OPTION + 1) == ()
    assert options(300, length=200) == ()


PIECES = [
    OURS, "</form>", "<form id=f>", "<input name=a>", "<input name=_form value=x>", "<input form=f name=b>", "<label>",
    "<label for=a>", "</label>", "<select name=s>", "</select>", "<option>", "<option value=1>", "</option>",
    "<fieldset disabled>", "<fieldset>", "</fieldset>", "<legend>", "</legend>", "<textarea name=t>", "</textarea>",
    "<input type=radio name=r value=1>", "<input type=checkbox name=a value=\0>", "<button name=go>", "<!--", "-->",
    "&amp;", "&#0;", "&#xd800;", "\0", "<script>", "</script>", "<title>", "</title>", "<html lang=de>", "text", "<b",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30))
def test_whatever_a_page_is_its_contract_can_be_stored(pieces: list[str]) -> None:
    page = "".join(pieces).encode("utf-8", "replace")
    found = form_reading.read(Pages({"index.html": (page, HTML)}))
    stored = orjson.dumps(contracts.to_json(found))
    assert contracts.from_json(orjson.loads(stored)) == found
    assert rb"\u0000" not in stored, "PostgreSQL takes none"
    assert contracts.check(found, None, {}) == ([], contracts.check(found, None, {})[1])


@given(st.binary(max_size=300))
def test_any_bytes_have_some_contract(page: bytes) -> None:
    found = form_reading.read(Pages({"index.html": (b"{{SUBMIT_URL}}" + page, HTML)}))
    assert len(found.forms) <= form_reading.MAX_FORMS


@pytest.mark.parametrize(
    "piece",
    [
        OURS, "<label>", "<label>x<b>", "<option>", "<select name={}><option>", "<fieldset disabled>", "<legend>x",
        "<!--", "<p>", "<input name=a>", "<input form=f name=a{}>", "<input type=radio name=a value={}>", "<a ",
        "<form action={{SUBMIT_URL}} id=x{}><input name=b{}>", "<label for=a>&amp;&#12;", "<select name=a><label>&",
    ],
)  # fmt: skip
def test_no_page_takes_more_time_or_room_than_its_size_deserves(piece: str) -> None:
    source = piece.replace("{{SUBMIT_URL}}", "/submit/dep_1").replace("{}", "{0}")
    page = f"<form id=f action={{{{SUBMIT_URL}}}}><select name=q>{source.format(1) * (1_000_000 // len(source))}"
    numbered = f"{OURS}{''.join(source.format(number) for number in range(10_000))}"
    began = time.process_time()
    found = read(page, **{f"{number}.html": numbered for number in range(10)})
    assert time.process_time() - began < 3
    assert len(orjson.dumps(contracts.to_json(found))) < 500_000
