"""What an owner is told about a site when it is published."""

import time

import pytest

from services.deploy import checks, rule_files
from services.deploy.checks import Finding

HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
SUBMIT = "https://api.example/submit/dep_0123456789abcdef"


def told(page: str, *others: str, is_spa: bool = False, redirects: bytes = b"") -> list[tuple[str, int | None]]:
    """Return code and line of what is told about a page of a site that has these other files."""
    own = rule_files.read(redirects, None)
    found = checks.warnings({"index.html": (page.encode(), HTML)}, others, is_spa=is_spa, own=own)
    return [(each.code, each.line) for each in found]


@pytest.mark.parametrize(
    "form",
    [
        "<form method=post>",
        "<form>",
        "<form action>",
        "<form action='#'>",
        "<form action=/contact method=POST>",
        "<form action=send.php method=post>",
        "<form action='?sent' method=post>",
    ],
)
def test_a_form_that_goes_nowhere_is_told(form: str) -> None:
    assert told(f"\n<p>\n{form}<input name=email></form>") == [("form_goes_nowhere", 3)]


@pytest.mark.parametrize(
    "form",
    [
        "<form action={{SUBMIT_URL}} method=post>",
        f"<form action='{SUBMIT}' method=post>",
        "<form action=https://other.example/post method=post>",
        "<form action=mailto:me@example.com method=post>",
        "<form action='{{ url }}' method=post>",
        "<form action=/search>",
        "<form role=search>",
        "<form method=dialog>",
        "<form onsubmit='send()'>",
        "<form @submit.prevent=send>",
        "<form hx-post=/x>",
        "<script>form.addEventListener('submit', () => fetch('{{SUBMIT_URL}}'))</script><form>",
        "<form><input type=search>",
        "<form><input name=q>",
        "<!-- <form> -->",
        "<script>'<form>'</script>",
        "<textarea><form></textarea>",
    ],
)
def test_a_form_that_somebody_receives_is_fine(form: str) -> None:
    assert told(f"{form}<input name=email></form>") == []


@pytest.mark.parametrize(
    "field, is_told",
    [
        ("<input>", True),
        ("<input type=email id=email>", True),
        ("<input name=' '>", True),
        ("<textarea></textarea>", True),
        ("<select><option>x</select>", True),
        ("<input name=x>", False),
        ("<input type=submit><input type=button><input type=reset><input type=image><button>x</button>", False),
        ("<input disabled>", False),
        ("</form><input>", False),
        ("<input form=other>", False),
        ("</form><input form=f>", True),
    ],
)
def test_a_field_without_a_name_is_told(field: str, is_told: bool) -> None:  # noqa: FBT001 - a table
    page = f"<form id=f action={{{{SUBMIT_URL}}}} method=post>\n{field}</form>"
    assert told(page) == ([("input_without_name", 2)] if is_told else [])


def test_fields_of_forms_that_are_not_ours_are_not_judged() -> None:
    assert told("<form action=https://other.example/><input></form>") == []


@pytest.mark.parametrize(
    "tag",
    [
        "<a href=/about>",
        "<a href=about?x=y#z>",
        "<a href=docs/>",
        "<area href=x>",
        "<img src=x.png>",
        "<img srcset='there.png 1x, x.png 2x'>",
        "<script src=x.js></script>",
        "<link rel=stylesheet href=x.css>",
        "<LINK REL='shortcut icon' HREF=x.ico>",
        "<video src=x.mp4 poster=there.png></video>",
        "<iframe src=x.html></iframe>",
        "<style>\na { background: url( 'x.png' ) }</style>",
        '<style>@import "x.css"</style>',
        "<a href=../../../x>",
        "<a href=%C3%BC>",
    ],
)
def test_what_leads_to_a_missing_file_is_told(tag: str) -> None:
    line = 3 if tag.startswith("<style>\n") else 2
    assert told(f"\n{tag}", "there.png") == [("missing_file", line)]


@pytest.mark.parametrize(
    "tag",
    [
        "<a href=there.html><a href=/there.html?x><a href=./there.html#y><a href=//other.example/x>",
        "<a href=/><a href=''><a href='#x'><a href=mailto:x@y.z><a href=tel:1><a href='javascript:x()'><a>",
        "<a href=/docs><a href=/docs/><a href=docs/index.html><a href=docs/../there.html>",
        "<a href=https://other.example/x><img src=data:image/png;base64,xx><img src=blob:x><a href='http://['>",
        "<a href='{{ url }}'><a href='${url}'><a href='<% url %>'><img src=''>",
        "<a href=/%C3%BC.html><a href=%C3%BC.html><a href=u%CC%88.html>",
        "<link rel=canonical href=/x><link rel=alternate href=/y><link href=/z>",
        "<base href=/docs/><a href=index.html><a href=/there.html>",
        "<img srcset='data:image/png;base64,xx 1x, there.html 2x'>",
        "<style>/* url(x) */ a { src: url(there.html) url(#x) url(data:x) }</style>",
    ],
)
def test_what_leads_somewhere_is_fine(tag: str) -> None:
    assert told(tag, "there.html", "docs/index.html", "ü.html") == []


def test_links_of_a_page_in_a_folder_are_relative_to_it() -> None:
    found = checks.warnings(
        {"a/b.html": (b"<a href=c.html><a href=../c.html><a href=/c.html>", HTML)}, ["index.html", "a/c.html"]
    )
    assert [each.message for each in found] == [
        "a/b.html line 1: '../c.html' leads to '/c.html', which is not there; add the file, or correct the address"
    ]


def test_style_sheets_are_looked_through() -> None:
    files = {"css/a.css": (b"/* */\nb { background: url(../x.png) }\n@import 'b.css'", CSS)}
    found = checks.warnings(files, ["index.html"])
    assert [(each.path, each.line) for each in found] == [("css/a.css", 2), ("css/a.css", 3)]


def test_a_link_that_a_redirect_answers_is_fine() -> None:
    assert told("<a href=/old/x>", redirects=b"/old/* https://other.example/:splat") == []


def test_a_single_page_app_answers_to_every_link_but_has_to_have_its_files() -> None:
    assert told("<a href=/about><script src=x.js></script>", is_spa=True) == [("missing_file", 1)]


def test_a_link_to_a_page_without_its_ending_says_what_to_write() -> None:
    found = checks.warnings({"index.html": (b"<a href=/about>", HTML)}, ["about.html"])
    assert found[0].message.endswith("is not there; write '/about.html'")


@pytest.mark.parametrize(
    "tag",
    [
        "<img src=http://other.example/x.png>",
        "<script src='HTTP://other.example/x.js'></script>",
        "<link rel=stylesheet href=http://other.example/x.css>",
        "<style>@import 'http://other.example/x.css'</style>",
    ],
)
def test_mixed_content_is_told(tag: str) -> None:
    assert told(tag) == [("insecure_content", 1)]


def test_links_to_http_and_to_this_machine_are_no_mixed_content() -> None:
    assert told("<a href=http://other.example/><img src=http://localhost:3000/x.png>") == []


@pytest.mark.parametrize(
    "paths, is_spa, code", [(["a.html"], False, "no_index"), (["a.html", "dist/index.html"], True, "spa_without_index")]
)
def test_a_site_without_a_first_page_is_told(paths: list[str], is_spa: bool, code: str) -> None:  # noqa: FBT001 - a table
    assert [each.code for each in checks.warnings({}, paths, is_spa=is_spa)] == [code]


def test_whose_first_page_is_in_a_folder_is_told_what_to_do() -> None:
    assert "put the files of 'dist' at the top" in checks.warnings({}, ["dist/index.html"])[0].message


@pytest.mark.parametrize(
    "files, others, is_told",
    [
        ({"app.js": (b"form.onSubmit = send", "text/javascript")}, [], False),
        ({"app.js": (b"alert()", "text/javascript")}, [], True),
        ({}, ["app.js"], False),
    ],
)
def test_a_form_that_a_script_of_the_site_may_send_is_fine(
    files: dict[str, tuple[bytes, str]],
    others: list[str],
    is_told: bool,  # noqa: FBT001 - a table
) -> None:
    page = b"<script src=https://cdn.example/x.js></script><script src=app.js></script><form><input name=a></form>"
    found = checks.warnings({"index.html": (page, HTML), **files}, others)
    assert [each.code for each in found] == (["form_goes_nowhere"] if is_told else [])


def test_a_page_that_is_not_utf_8_is_told() -> None:
    files = {"index.html": ("<p>\nü".encode("latin-1"), HTML), "b.html": ("\ufeffü".encode("utf-16-le"), HTML)}
    found = checks.warnings(files)
    assert [(each.code, each.path, each.line) for each in found] == [("not_utf8", "index.html", 2)]


def test_files_that_were_hardly_meant_for_everybody_are_told() -> None:
    paths = ["index.html", ".env", ".env.local", ".env.example", "a/.git/config", "a/.git/HEAD", ".gitignore", "env"]
    found = [(each.code, each.path) for each in checks.warnings({}, paths)]
    assert found == [("private_file", ".env"), ("private_file", ".env.local"), ("private_file", "a/.git/HEAD")]


def test_a_finding_is_shown_as_the_contract_says() -> None:
    finding = Finding(code="c", message="m", path="p", line=3)
    assert finding.as_json() == {"code": "c", "message": "m", "path": "p", "line": 3}


def test_no_more_is_told_than_anybody_reads() -> None:
    page = "".join(f"<a href=/{number}>" for number in range(1000))
    assert len(told(page)) == checks.MAX_FINDINGS


def test_the_same_missing_file_is_told_once_a_page() -> None:
    assert told("<a href=/x><a href=/x><a href=x><img src=/x>") == [("missing_file", 1)]


@pytest.mark.parametrize("piece", ["<a href=/{}>", "<form><input form={}>", "<style>url({})", "<img srcset='{},'>"])
def test_a_hostile_site_costs_little_time(piece: str) -> None:
    page = "".join(piece.format(number) for number in range(100_000)).encode()
    began = time.process_time()
    checks.warnings({f"{number}.html": (page, HTML) for number in range(10)}, [str(n) for n in range(100_000)])
    assert time.process_time() - began < 3


@pytest.mark.parametrize("rule", [b"/* /index.htlm 200", b"/a /none/ 200", b"/a /404x.html 404!"])
def test_a_rule_that_shows_a_missing_file_is_told(rule: bytes) -> None:
    assert told("<p>", "docs/index.html", redirects=rule) == [("missing_file", None)]


@pytest.mark.parametrize("rule", [b"/* /index.html 200", b"/a /docs/ 200", b"/u/:x /:x 200", b"/a /b 301", b"/a / 200"])
def test_a_rule_that_shows_what_is_there_or_leads_anywhere_is_fine(rule: bytes) -> None:
    assert told("<p>", "docs/index.html", redirects=rule) == []
