"""What is done to HTML on its way in."""

import time

import pytest

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
        ("<!doctype html><html><head>", "<meta charset=utf-8></head><p>"),
        ("<!DOCTYPE html>\n<html lang=en><HEAD class=a>", "</HEAD><title>in the body</title>"),
        ("<!doctype html><html>", "<p>no head</p>"),
        ("<!doctype html>", "<p>no html</p>"),
        ("", "<p>nothing</p>"),
        ("<!-- <head> --><html><head>", "</head>"),
    ],
)
def test_a_head_gets_what_it_lacks(before: str, after: str) -> None:
    page = given_head(before + after)
    assert page.startswith(before + TITLE + DESCRIPTION + '<link rel="icon" href="data:image/svg+xml,')
    assert page.endswith(">" + after)


@pytest.mark.parametrize(
    "own",
    [
        "<title>x</title><meta name=description content=x><link rel=icon href=x>",
        "<TITLE>x</TITLE><meta content=x name='Description'><link href=x rel=\"shortcut icon\">",
    ],
)
def test_a_head_keeps_what_it_has(own: str) -> None:
    page = f"<!doctype html><head>{own}</head>"
    assert given_head(page) == page


def test_what_a_script_or_comment_says_is_no_tag() -> None:
    page = "<head><!-- <title>x</title> --><script>'<title>x</title>'</script></head>"
    assert given_head(page, Head(title="T")) == page.replace("<head>", "<head><title>T</title>", 1)


def test_without_wishes_a_page_is_left_alone() -> None:
    assert given_head("<p>", Head()) == "<p>"


@pytest.mark.parametrize("piece", ["<!--", "<script", "<title", "<meta ", "<script></scrip"])
def test_a_hostile_page_costs_no_time(piece: str) -> None:
    began = time.process_time()
    given_head(piece * 1_000_000)
    assert time.process_time() - began < 0.5
