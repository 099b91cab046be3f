"""Composed pages as documents: valid, small, self-contained, with forms that arrive."""

import re
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from services.deploy import checks
from tests.support import composed
from tests.support.composed import first
from tests.support.servers.html_validate import complaints

EVERY = sorted(composed.every_page())


def test_every_page_is_valid_html(tmp_path: Path) -> None:
    broken = "<!DOCTYPE html><html lang=en><head><title>x</title></head><body><p id=a><img src=b></p></body></html>"
    found = complaints({"broken": broken, **composed.every_page()}, tmp_path)
    assert {line.split()[0] for line in found} == {"broken"}, found


@pytest.mark.parametrize("name", EVERY)
def test_a_page_is_published_without_a_warning(name: str) -> None:
    assert checks.warnings({"index.html": (composed.every_page()[name].encode(), "text/html; charset=utf-8")}) == []


@pytest.mark.parametrize("name", EVERY)
def test_a_page_is_small_and_needs_nothing_else(name: str) -> None:
    html = composed.every_page()[name]
    assert len(html.encode()) < 60 * 1024
    tree = LexborHTMLParser(html)
    assert [node.attributes["src"] for node in tree.css("script")] == ["{{SUBMIT_URL}}/form.js"]
    assert tree.css("link:not([rel=icon]), iframe, img, object, embed, base") == []
    assert not re.search(r"url\(|@import|\bon[a-z]+=|javascript:", html)


@pytest.mark.parametrize("name", EVERY)
def test_a_page_has_its_landmarks_and_one_heading(name: str) -> None:
    tree = LexborHTMLParser(composed.every_page()[name])
    assert len(tree.css("h1")) == len(tree.css("main")) == len(tree.css("title")) == 1
    assert first(tree, "html").attributes["lang"] == "en"
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    skip = first(tree, "body > *")
    assert (skip.attributes["class"], skip.attributes["href"]) == ("skip", "#main")
    targets = {node.attributes["href"] for node in tree.css("a[href^='#']")}
    assert targets <= {f"#{each}" for each in ids}


@pytest.mark.parametrize("name", EVERY)
def test_a_form_goes_to_the_site_and_has_the_trap(name: str) -> None:
    forms = LexborHTMLParser(composed.every_page()[name]).css("form")
    assert forms
    for form in forms:
        assert (form.attributes["action"], form.attributes["method"]) == ("{{SUBMIT_URL}}", "post")
        trap = form.css("[name=_hp]")
        assert [each.attributes["autocomplete"] for each in trap] == ["off"]
        assert trap[0].attributes["tabindex"] == "-1"
        assert len(form.css("input[type=hidden][name=_form]")) == 1
        fields = form.css("input:not([type=hidden]), select, textarea")
        labels = {label.attributes["for"] for label in form.css("label")}
        assert {field.attributes["id"] for field in fields} == labels
        assert all(
            field.attributes["autocomplete"] == "email" for field in fields if field.attributes.get("type") == "email"
        )
        controls = {field.attributes["name"] for field in fields if str(field.attributes["name"]).startswith("_")}
        assert controls == {"_hp"}
