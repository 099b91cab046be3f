"""Tags are told from text as browsers do, in time that goes with the size alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from services.deploy import markup

#: Tags that a browser takes anywhere in a body, and what only looks like one.
PIECES = [
    "<img a=1>", "<IMG\nb = 'x>y' c>", '<img d="&lt;&amp;x">', "<img/e=f/>", "<img a=1 A=2>", "<img =x>",
    "<!-- <img> -->", "<!--><img>", "<!-->", "<!--", "--!>", "-->", "<!x>", "<?x <img>", ">", "</>", "</ img>",
    "<script><!--<script>", "<script><!-->", "<plaintext>", "'", '"', "\f", "ü", "</img>", "<xmp>", "</xmp>",
    "<script>", "</script>", "</script x>", "</scriptx>", "<title>", "</title>", "<style>", "</style/>", "<textarea>",
    "<noscript>", "</noscript>", "<img\n", " x=y>",
    "<", "text", "<img", "<img a='", "< img>", "=",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=10))
def test_tags_and_their_attributes_are_those_that_a_browser_sees(pieces: list[str]) -> None:
    page = "<!doctype html><body>" + "".join(pieces)
    tags = [token for token in markup.tokens(page) if token.name == "img" and not token.closing]
    tree = LexborHTMLParser(page, scripting=True)
    seen = [{name: value or "" for name, value in node.attributes.items()} for node in tree.css("img")]
    assert markup.attributes(tags) == seen


@given(st.binary(max_size=200))
def test_any_bytes_are_some_text_with_some_tags(page: bytes) -> None:
    tokens = list(markup.tokens(markup.decode(page)))
    assert len(markup.attributes(tokens)) == len(tokens)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_page_is_read_in_its_encoding(codec: str) -> None:
    page = "\ufeff<p>ü" if codec == "utf-16" else "<p>ü"
    assert markup.decode(page.encode(codec)).lstrip("\ufeff") == "<p>ü"


def test_the_line_of_a_tag_is_that_of_its_first_character() -> None:
    found = markup.elements("<a>\n\n<b><a\nhref=x>\n</a><form></form>", {"a", "form"}, most=10)
    assert [(each.name, each.line, each.closing) for each in found] == [
        ("a", 1, False),
        ("a", 3, False),
        ("form", 5, False),
        ("form", 5, True),
    ]


def test_no_more_tags_are_read_than_asked_for() -> None:
    assert len(markup.elements("<a>" * 100, {"a"}, most=7)) == 7


def test_fields_are_found_in_scripts_and_comments_too() -> None:
    page = "<script>'<INPUT type=password>'</script><!-- <textarea name=x> --><inputs>"
    assert [token.name for token in markup.fields(page)] == ["input", "textarea"]


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<script",
        "<title>",
        "<a b='",
        "<a b=\"<a c='",
        "<a ",
        "<a =",
        "<",
        "</",
        "<!",
        "<a b= ",
        "<input ",
        "<p>",
    ],
)
def test_no_page_takes_more_time_than_its_size_deserves(piece: str) -> None:
    page = piece * (1_000_000 // len(piece))
    began = time.process_time()
    for _ in markup.tokens(page):
        pass
    for _ in markup.fields(page):
        pass
    assert time.process_time() - began < 1.5


def test_a_tag_of_a_million_attributes_is_no_trouble() -> None:
    """A parser compares each attribute with those before it."""
    page = "<a" + "".join(f" b{number}=c" for number in range(200_000)) + "><a c='" + "x" * 10_000 + "' d=e>"
    began = time.process_time()
    assert markup.attributes(list(markup.tokens(page))) == [{}, {"c": "", "d": "e"}]
    assert time.process_time() - began < 1
