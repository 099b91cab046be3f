"""What is done to HTML on its way in."""

import re
import time
from typing import Any
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from services.deploy import documents
from services.deploy.documents import Head

HEAD = Head(title="T & <t>", description='"d"', favicon="🚀")
TITLE = "<title>T &amp; &lt;t&gt;</title>"
DESCRIPTION = '<meta name="description" content="&quot;d&quot;">'


def given_head(page: str, head: Head = HEAD) -> str:
    return documents.with_head(page.encode(), head).decode()


def test_every_placeholder_becomes_the_forms_address() -> None:
    page = b"<form action={{SUBMIT_URL}}><script>const u = '{{SUBMIT_URL}}'</script>"
    assert documents.with_form(page, "https://api/submit/dep_1") == page.replace(
        b"{{SUBMIT_URL}}", b"https://api/submit/dep_1"
    )


@pytest.mark.parametrize(
    "before, after",
    [
        ("<!doctype html><html><head>", "<link rel=x></head><p>"),
        ("<!DOCTYPE html>\n<html lang=en><HEAD class='a>b'>", "</HEAD><p>"),
        ("<!doctype html><html>", "<p>no head</p>"),
        ("<!doctype html>\n<html>\n<!-- c -->\n", "<p>no head</p>"),
        ("<!doctype html>", "<p>no html</p>"),
        ("", "<p>nothing</p>"),
        ("", "text <head><title>in the body</title></head>"),
        ("\ufeff<!doctype html><head>", "</head>"),
        ("<!-- <head> --><html><head>", "</head>"),
        ("<!-- > --><!--><!doctype html><head\n>", "</head>"),
        ("<html>", "<frameset><frame></frameset>"),
        ("<html><head>", "<script>'</head><title>x</title>'</script></head>"),
        ("<html><head>", "<template><title>x</title></template></head>"),
        ("<html><head>", "<noscript><link rel=icon></noscript></head>"),
        ("<html><head>", "</head><body><svg><title>x</title></svg>"),
        ("<html><head><meta charset=utf-8>", "<script></script></head>"),
        ("<head><script></script><META http-equiv=Content-Type content='text/html; charset=utf-8'>", "</head>"),
        ("<head>", "<title"),
        ("<html></p>", "</body>"),
    ],
)
def test_a_head_gets_what_it_lacks(before: str, after: str) -> None:
    page = given_head(before + after)
    assert page.startswith(before + TITLE + DESCRIPTION + '<link rel="icon" href="data:image/svg+xml,')
    assert page.endswith(">" + after)


@pytest.mark.parametrize(
    "own",
    [
        "<head><title>x</title><meta name=description content=x><link rel=icon href=x></head>",
        "<head><TITLE>x</TITLE><meta content=x name='Description'><link href=x rel=\"shortcut icon\">",
        "<title></title><meta name=descripti&#111;n><link rel='apple ICON'>",
        "<head></head><title>a browser puts this into the head</title><meta name=description><link rel=icon>",
        "<head><style></style><script></script><!-- --><title>x</title><meta name=description><link rel=icon>",
        "<head><template><p><template></template></template><title>x</title><meta name=description><link rel=icon>",
        "<head><noscript><img></noscript><title>x</title><meta name=description><link rel=icon>",
    ],
)
def test_a_head_keeps_what_it_has(own: str) -> None:
    page = f"<!doctype html>{own}<p>"
    assert given_head(page) == page


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_page_in_utf_16_stays_in_it(codec: str) -> None:
    mark = "\ufeff".encode(codec)
    page = mark + "<!-- 🚀 --><head></head>{{SUBMIT_URL}}ü".encode(codec)
    given = documents.with_head(documents.with_form(page, "https://api/x"), Head(title="T🚀"))
    assert given == mark + "<!-- 🚀 --><head><title>T🚀</title></head>https://api/xü".encode(codec)
    # half a character at the end is nobody's business
    assert documents.with_head(page + b"x", Head(title="T")).endswith(b"x")


@pytest.mark.parametrize("page", [b"<head><meta charset=latin1>", "<head>ü".encode("latin-1")])
def test_a_page_in_another_encoding_gets_references(page: bytes) -> None:
    assert b"<title>&#252;&#128640;</title>" in documents.with_head(page, Head(title="ü🚀"))


def test_a_page_in_xml_stays_well_formed() -> None:
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head></head><body/></html>'
    names = list[str]()
    reader = expat.ParserCreate()
    reader.StartElementHandler = lambda name, _: names.append(name)
    reader.Parse(given_head(page), True)
    assert names == ["html", "head", "title", "meta", "link", "body"]


@pytest.mark.parametrize("page, title", [("<title>\n A &amp;\n B</title>", "A & B"), ("<p><title>x</title>", None)])
def test_the_title_of_a_page_is_what_a_tab_shows(page: str, title: str | None) -> None:
    assert documents.about(page).title == title


@pytest.mark.parametrize(
    "page, language",
    [
        ("<!doctype html>\n<HTML class=x LANG='de-AT'><title>x</title>", "de-AT"),
        ("<html lang='<b>'>", None),
        ("", None),
    ],
)
def test_the_language_of_a_page_is_what_it_says(page: str, language: str | None) -> None:
    assert documents.about(page).language == language


PIECES = [
    "<!doctype html>",
    "<html>",
    "<html lang=en>",
    "<head>",
    "<HEAD x='>'>",
    "</head>",
    "<body>",
    "</body>",
    "</html>",
    "<frameset>",
    "<!-- c -->",
    "<!--",
    "<title>own</title>",
    "<title>",
    "</title>",
    "<svg><title>s</title></svg>",
    "<meta charset=utf-8>",
    "<meta name=description content=x>",
    "<link rel=icon href=x>",
    "<link rel=stylesheet>",
    "<base>",
    "<script>1<2</script>",
    "<script>",
    "<script><!--<script>",
    "<style>a</style>",
    "<?x?>",
    "<noscript><p></noscript>",
    "<template>",
    "</template>",
    "</p>",
    "<br>",
    "</br>",
    "text",
    "<p>",
    "\n",
    "<",
    "</",
    "<a b='",
    '">',
    "<div/>",
    "<table>",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_everything_else_of_a_page_stays_as_browsers_see_it(pieces: list[str]) -> None:
    page = "".join(pieces)
    before, after = seen(page), seen(given_head(page))
    wanted = {"title": "T & <t>", "description": '"d"'}
    assert after["head"] == {**wanted, "icons": 1} | before["head"]
    assert after["rest"] == before["rest"]
    assert given_head(given_head(page)) == given_head(page)


def seen(page: str) -> dict[str, Any]:
    """Return what a browser finds in the head of the three, and the page without what we put there."""
    tree = LexborHTMLParser(page, scripting=True)
    head: dict[str, Any] = {}
    for node in list(tree.head.iter()) if tree.head else []:
        given = {name: value or "" for name, value in node.attributes.items()}
        if node.tag == "title":
            head.setdefault("title", node.text())
        elif node.tag == "meta" and given.get("name") == "description":
            head.setdefault("description", given.get("content"))
        elif node.tag == "link" and given.get("rel") == "icon":
            head["icons"] = head.get("icons", 0) + 1
        if "T &amp; &lt;t&gt;" in (node.html or "") or given.get("content") == '"d"' or "svg" in given.get("href", ""):
            node.decompose()
    # a comment that never ends, and so is all that follows, comes to stand in the head
    return {"head": head, "rest": re.sub(r"<!--.*?-->", "", tree.html or "", flags=re.DOTALL)}


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_only_tags_are_added(page: bytes) -> None:
    given = documents.with_head(page, HEAD)
    assert len(given) >= len(page)
    documents.about(page.decode("latin-1"))


def test_what_a_script_or_comment_says_is_no_tag() -> None:
    page = "<head><!-- <title>x</title> --><script>'<title>x</title>'</script></head>"
    assert given_head(page, Head(title="T")) == page.replace("<head>", "<head><title>T</title>", 1)


def test_without_wishes_a_page_is_left_alone() -> None:
    assert given_head("<p>", Head()) == "<p>"


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<script",
        "<title",
        "<title>",
        "<meta ",
        "<meta>",
        "<script></scrip",
        "<a b='",
        "<template>",
        "<link a=",
        "<div>",
    ],
)
def test_a_hostile_page_costs_no_time(piece: str) -> None:
    began = time.process_time()
    given_head(piece * 1_000_000)
    assert time.process_time() - began < 1.5
