"""Hostile content: whatever is put into a page stays text, and leads nowhere that a page may not lead."""

import json
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from invoker_mcp import pages
from invoker_mcp.pages.blocks import BLOCKS
from invoker_mcp.pages.fields import Field
from invoker_mcp.pages.markup import safe_image, safe_url
from tests.support.composed import first

PIECES = (
    *(
        "<script>alert(1)</script>",
        "</style>",
        "</title>",
        "</textarea>",
        "<!--",
        "-->",
        "]]>",
        "<img src=x onerror=a()>",
    ),
    *('"', "'", "`", "&", "&lt;", "&#60;", "<", ">", "=", "/", "\\", "{{SUBMIT_URL}}", "{{name}}", "javascript:a()"),
    *("\x00", "\x1b", "\u2028", "\ud800", "\ufffe", "\r\n", "\n\n", "## ", "- ", "> ", "**", "*", "[a](javascript:b)"),
    *('[a](https://b.example/"onclick=c)', " onclick=a() ", "é", "漢", "👩‍👩‍👧", "\u202e", "x" * 300),
)
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), min_size=1, max_size=6).map("".join)
BAD_URLS = (
    *(
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:a",
        "java\tscript:a",
        "java\nscript:a",
        "\x01javascript:a",
    ),
    *(
        "data:text/html,<script>",
        "vbscript:a",
        "file:///etc/passwd",
        "blob:https://a",
        "//evil.example",
        "/\\evil.example",
    ),
    *(
        "\\\\evil.example",
        "https:evil",
        "https://",
        "http://user@evil.example",
        "https://a.example\\@b",
        "ftp://a.example",
    ),
    *("mailto:", "tel:", "", " ", "https://a.example/<b>", "javascript&colon;a:b", "intent://a", "x:y"),
)
GOOD_URLS = {
    "https://a.example/b?c=d#e": "https://a.example/b?c=d#e",
    "http://a.example": "http://a.example",
    "www.a.example": "https://www.a.example",
    "a@b.example": "mailto:a@b.example",
    "mailto:a@b.example?subject=Hello there": "mailto:a@b.example?subject=Hello%20there",
    "tel:+47 55 12": "tel:+475512",
    "/menu": "/menu",
    "menu.html?a=b:c": "menu.html?a=b:c",
    "#faq": "#faq",
}
#: Attributes that a page has, and no others; none of them runs anything.
ATTRIBUTES = frozenset(
    [
        "action",
        "alt",
        "aria-describedby",
        "aria-hidden",
        "aria-label",
        "aria-labelledby",
        "autocomplete",
        "charset",
        "class",
        "content",
        "cx",
        "cy",
        "d",
        "decoding",
        "defer",
        "focusable",
        "for",
        "height",
        "href",
        "id",
        "lang",
        "loading",
        "media",
        "method",
        "min",
        "name",
        "placeholder",
        "preserveaspectratio",
        "property",
        "r",
        "rel",
        "required",
        "role",
        "rows",
        "scope",
        "src",
        "tabindex",
        "type",
        "value",
        "viewbox",
        "width",
        "x",
        "y",
    ]
)


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_that_leads_astray_is_refused(url: str) -> None:
    assert safe_url(url) is None
    assert safe_image(url) is None


@pytest.mark.parametrize("url", GOOD_URLS)
def test_an_address_is_put_right(url: str) -> None:
    assert safe_url(url) == GOOD_URLS[url]


def test_images_are_not_fetched_over_http_nor_from_mail() -> None:
    assert [safe_image(url) for url in ("http://a.example/b.png", "#a", "mailto:a@b.example")] == [None] * 3
    assert safe_image("https://a.example/b.png") == "https://a.example/b.png"


def content(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Return contents with hostile texts wherever a text may be, and addresses that are fine but odd."""
    urls = st.sampled_from(["https://a.example/?\"'&<b", "/x'y\"z", '#a"b', "https://a.example/?a=b&amp;c"]).filter(
        safe_url
    )
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXT.filter(lambda text: text.strip() not in ("", "\x00")),
        "url": urls,
        "link": st.fixed_dictionaries({"label": TEXT, "url": urls}),
        "links": st.lists(st.fixed_dictionaries({"label": TEXT, "url": urls}), max_size=2),
        "image": st.fixed_dictionaries({"alt": TEXT}) | st.just({"src": "https://a.example/\"'.png"}),
        "flag": st.booleans(),
        "texts": st.lists(TEXT, min_size=1, max_size=3),
    }
    made: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields:
        if field.kind == "items":
            made[field.name] = st.lists(content(field.fields), min_size=1, max_size=2)
        elif field.kind == "choice":
            made[field.name] = st.sampled_from(field.options)
        elif field.name == "src":
            made[field.name] = st.none()
        else:
            made[field.name] = kinds[field.kind]
    return st.fixed_dictionaries(made)


@cache
def tags(name: str) -> frozenset[str]:
    """Return the elements that the block's example has, and those that texts may make."""
    html = pages.compose([{"block": name, "content": BLOCKS[name].example}], "minimal", {"title": "x"}).html
    made = {str(node.tag) for node in LexborHTMLParser(html).css("*")}
    return frozenset(
        made
        | {
            "a",
            "address",
            "aside",
            "blockquote",
            "br",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "img",
            "li",
            "ol",
            "p",
            "small",
            "strong",
            "ul",
        }
    )


ALLOWED = frozenset().union(*(tags(name) for name in BLOCKS)) | {"fieldset", "legend", "textarea", "select", "option"}


@pytest.mark.parametrize("name", list(BLOCKS))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_hostile_texts_stay_texts(name: str, data: st.DataObject) -> None:
    given_content = data.draw(content(BLOCKS[name].fields))
    about = {"title": data.draw(TEXT.filter(str.strip)), "description": data.draw(TEXT), "favicon": data.draw(TEXT)}
    try:
        made = pages.compose([{"block": name, "content": given_content}], "minimal", about)
    except pages.PageError as error:
        # a text of nothing but control characters is no text
        problems = error.problems
    else:
        problems = ()
        judge(made.html)
    assert all(" is required" in problem for problem in problems)


def judge(html: str) -> None:
    """Assert that a page has nothing but what blocks are made of."""
    html.encode()
    tree = LexborHTMLParser(html)
    elements = tree.css("*")
    assert {str(node.tag) for node in elements} <= ALLOWED
    assert len(tree.css("script")) <= 1
    assert not re.search(r"<!--|[\x00-\x08]", html)
    for node in elements:
        assert {name.lower() for name in node.attributes} <= ATTRIBUTES, node.html
        for key in ("href", "src", "action"):
            address = node.attributes.get(key)
            icon = node.tag == "link" and str(address).startswith("data:image/svg+xml,")
            assert address is None or icon or address.startswith("{{SUBMIT_URL}}") or safe_url(address), node.html


@settings(max_examples=60, deadline=None)
@given(TEXT)
def test_a_text_comes_out_as_it_went_in(text: str) -> None:
    expected = pages.compose([{"block": "header", "content": {"name": f"a{text}b"}}], "minimal", {"title": "x"})
    shown = first(LexborHTMLParser(expected.html), ".brand").text()
    kept = re.sub(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]",
        "",
        f"a{text}b".replace("\r\n", "\n").replace("\r", "\n"),
    )
    assert shown == kept


def test_anything_json_has_is_answered_with_a_page_or_with_words() -> None:
    for value in json.loads('[null, 1, "a", [], {}, [[]], {"a": 1}, true, [1], "\\u0000"]'):
        for blocks in (
            [value],
            [{"block": value}],
            [{"block": "hero", "content": value}],
            [{"block": "faq", "content": {"items": value}}],
        ):
            with pytest.raises(pages.PageError) as caught:
                pages.compose(blocks, "minimal", {"title": "x"})
            assert caught.value.problems
