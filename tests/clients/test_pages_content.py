"""What goes into composed pages: schemas, questions, styles and templates, and what is said about mistakes."""

import itertools
from typing import Any

import jsonschema_rs
import pytest
from selectolax.lexbor import LexborHTMLParser

from invoker_mcp import pages
from invoker_mcp.pages.blocks import BLOCKS
from invoker_mcp.pages.data import load
from invoker_mcp.pages.looks import STYLES
from invoker_mcp.pages.styles import Palette
from tests.support import composed
from tests.support.composed import first

TITLE = {"title": "A page"}
KINDS = [
    "waitlist",
    "contact",
    "event",
    "portfolio",
    "survey",
    "landing",
    "restaurant",
    "links",
    "newsletter",
    "services",
]


def problems(blocks: list[Any], style: str = "minimal", content: Any = TITLE) -> str:
    with pytest.raises(pages.PageError) as caught:
        pages.compose(blocks, style, content)
    return "\n".join(caught.value.problems)


def test_there_is_enough_to_choose_from() -> None:
    assert len(pages.list_blocks()) >= 16
    assert len(pages.list_styles()) >= 8
    assert len(pages.list_templates()) >= 8
    wanted = "hero features pricing testimonials faq gallery team logos stats steps call_to_action contact_form"
    assert {*wanted.split(), *["waitlist_form", "survey_form", "event_form", "header", "footer", "text"]} <= set(BLOCKS)


@pytest.mark.parametrize("block", pages.list_blocks(), ids=list(BLOCKS))
def test_a_block_describes_itself_and_its_example_fits(block: dict[str, Any]) -> None:
    jsonschema_rs.Draft202012Validator(block["content_schema"]).validate(block["example"])
    made = pages.compose([{"block": block["block"], "content": block["example"]}], "minimal", TITLE)
    assert [warning for warning in made.warnings if "a link leads to" not in warning] == []


def test_what_is_missing_or_wrong_is_said_all_at_once() -> None:
    said = problems(
        [
            {"block": "heroo", "content": {}},
            {"block": "pricing", "content": {"plans": [{"name": "One"}]}},
            {"block": "call_to_action", "content": {"title": "Go", "action": {"label": "x", "url": "javascript:a"}}},
            {"block": "split", "content": {"side": "up"}},
        ],
        style="minimall",
        content={},
    )
    assert "content.title is required" in said
    assert "there is no 'minimall'; did you mean 'minimal'?" in said
    assert "blocks[0]: there is no block 'heroo'; did you mean 'hero'?" in said
    assert "blocks[1] (pricing).plans[0].price is required: With its currency" in said
    assert "blocks[2] (call_to_action).action.url is not an address" in said
    assert "blocks[3] (split).side is one of right, left" in said


def test_a_key_that_nobody_knows_is_a_warning() -> None:
    made = pages.compose(
        [{"block": "hero", "content": {"title": "Hello", "subtitle": "there", "titel": "x"}}], "warm", TITLE
    )
    assert "blocks[0] (hero): 'titel' is not used here; did you mean 'title'?" in made.warnings
    assert any("'subtitle' is not used here" in warning for warning in made.warnings)


def test_a_link_into_the_page_that_leads_nowhere_is_a_warning() -> None:
    blocks = [
        {"block": "header", "content": {"name": "A", "links": [{"label": "B", "url": "#prices"}]}},
        {"block": "pricing", "content": BLOCKS["pricing"].example},
    ]
    made = pages.compose(blocks, "minimal", TITLE)
    assert "a link leads to #prices, which is not on the page; there are #pricing" in made.warnings


def test_a_page_that_is_too_large_is_a_warning() -> None:
    made = pages.compose([{"block": "text", "content": {"body": "word " * 14_000}}], "minimal", TITLE)
    assert any("KiB" in warning for warning in made.warnings)


def test_two_of_a_block_have_names_of_their_own() -> None:
    block = {"block": "contact_form", "content": BLOCKS["contact_form"].example}
    tree = LexborHTMLParser(pages.compose([block, block], "minimal", TITLE).html)
    assert [section.attributes["id"] for section in tree.css("section")] == ["contact", "contact-2"]
    assert len(tree.css("h1")) == 1
    assert len(tree.css("script")) == 1


def test_an_id_of_ones_own_is_in_nobodys_way() -> None:
    ids = ["main", "top", "a", "a-title", 'b" onclick=c', "ü"]
    blocks = [{"block": "text", "content": {"title": "x", "body": "y", "id": each}} for each in ids]
    tree = LexborHTMLParser(pages.compose(blocks, "minimal", TITLE).html)
    made = [section.attributes["id"] for section in tree.css("section")]
    assert made == ["main-2", "top-2", "a", "a-title-2", "b-onclick-c", "text"]


def test_a_page_without_a_title_in_its_blocks_still_has_a_heading() -> None:
    tree = LexborHTMLParser(pages.compose([{"block": "text", "content": {"body": "Words"}}], "minimal", TITLE).html)
    assert first(tree, "h1").text() == "A page"
    assert tree.css("script") == []


def test_fields_of_a_form_never_become_controls() -> None:
    questions = [
        {"label": "_next"},
        {"label": "_hp", "name": "__hp"},
        {"label": "Name"},
        {"label": "Name"},
        {"label": "日本"},
    ]
    made = pages.compose([{"block": "form", "content": {"questions": questions}}], "minimal", TITLE)
    fields = LexborHTMLParser(made.html).css("form .field input")
    assert [field.attributes["name"] for field in fields] == ["next", "hp", "name", "name_2", "field"]


def test_what_is_said_by_the_blocks_is_in_the_pages_language() -> None:
    blocks = [{"block": "contact_form", "content": {"title": "Schreiben Sie uns"}}]
    form = first(LexborHTMLParser(pages.compose(blocks, "minimal", {**TITLE, "lang": "de-AT"}).html), "form")
    assert [label.text() for label in form.css("label")] == ["Name", "E-Mail", "Nachricht", "Dieses Feld leer lassen"]
    assert [button.text() for button in form.css("button")] == ["Senden"]
    arabic = pages.compose(blocks, "minimal", {**TITLE, "lang": "ar"})
    assert first(LexborHTMLParser(arabic.html), "html").attributes["dir"] == "rtl"
    assert any("is in English" in warning for warning in arabic.warnings)


@pytest.mark.parametrize("words", [*load("words").items()], ids=list(load("words")))
def test_each_language_has_all_the_words(words: tuple[str, dict[str, str]]) -> None:
    assert words[1].keys() == load("words")["en"].keys()


def test_what_is_blank_is_missing() -> None:
    assert "title is required" in problems([{"block": "hero", "content": {"title": " \x00\n"}}])
    assert "blocks is a list" in problems("hero")  # type: ignore[arg-type]
    assert "begin with a hero" in problems([])
    assert "there is no '['a']'" in problems([{"block": "hero", "content": {"title": "a"}}], style=["a"])  # type: ignore[arg-type]
    with pytest.raises(pages.PageError, match="content is an object"):
        pages.use_template("waitlist", [])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [*KINDS, "link-in-bio", "Wedding", "something else"])
def test_questions_are_structured(kind: str) -> None:
    gathered = pages.gather(kind)
    questions = gathered["questions"]
    assert len({question["id"] for question in questions}) == len(questions) >= 7
    for question in questions:
        assert set(question) == {"id", "question", "why", "type", "options", "default", "required"}
        assert not question["type"].startswith("choice") or question["options"]
        assert question["default"] is None or not question["options"] or question["default"] in question["options"]
    assert any(question["required"] for question in questions)
    assert set(gathered["styles"]) <= set(composed.STYLES)
    assert set(gathered["blocks"]) <= set(BLOCKS)
    assert gathered["template"] in composed.TEMPLATES or gathered["kind"] == "other"
    assert (gathered["kind"] == "other") == (kind == "something else")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("style", composed.STYLES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(style: str, scheme: str) -> None:
    palette: Palette = getattr(STYLES[style], scheme)
    grounds = (palette.bg, palette.surface, palette.tint)
    for ink, ground in itertools.product((palette.text, palette.muted, palette.link), grounds):
        assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    assert all(contrast(palette.field, ground) >= 3 for ground in grounds)


@pytest.mark.parametrize("style", composed.STYLES)
def test_a_scheme_can_be_held_to(style: str) -> None:
    light, dark = (composed.with_all_blocks(style, scheme) for scheme in ("light", "dark"))
    assert "prefers-color-scheme" not in light + dark
    assert STYLES[style].light.bg in light
    assert STYLES[style].dark.bg in dark


@pytest.mark.parametrize("template", pages.list_templates(), ids=composed.TEMPLATES)
def test_a_template_takes_what_it_says_it_takes(template: dict[str, Any]) -> None:
    values = {key: f"my {key}" for key in template["values"] if key not in {"email", "phone"}}
    made = pages.use_template(template["template"], {**values, "email": "me@my.example"})
    for sample in (template["values"]["name"], template["values"]["email"]):
        assert sample not in made.html
    assert "my name" in made.html
    assert "{{" not in made.html.replace("{{SUBMIT_URL}}", "")
    for key in (block["key"] for block in template["blocks"]):
        if len(template["blocks"]) > 1:
            assert len(pages.use_template(template["template"], {key: None}).html) < len(made.html) + 200


def test_a_template_is_adapted_block_by_block() -> None:
    made = pages.use_template(
        "landing",
        {"name": "Mine", "title": "My title", "lang": "de", "hero": {"title": "My heading"}, "testimonials": None},
        "warm",
    )
    tree = LexborHTMLParser(made.html)
    assert first(tree, "h1").text() == "My heading"
    assert first(tree, "title").text() == "My title"
    assert first(tree, "html").attributes["lang"] == "de"
    assert first(tree, "body").attributes["class"] == "style-warm"
    assert tree.css(".testimonials") == []
    assert not any(warning.startswith(("name:", "hero:", "testimonials:")) for warning in made.warnings)
    assert any(warning.startswith("stats: the numbers are samples") for warning in made.warnings)


def test_a_templates_samples_are_not_taken_for_the_truth() -> None:
    assert any("what real people said" in warning for warning in pages.use_template("landing").warnings)


def test_a_wrong_template_or_part_is_said() -> None:
    with pytest.raises(pages.PageError, match="there is no 'waitlst'; did you mean 'waitlist'"):
        pages.use_template("waitlst")
    with pytest.raises(pages.PageError, match=r"content\.hero is an object that replaces parts"):
        pages.use_template("waitlist", {"hero": "Hello"})
    assert any(
        "'heros' is not used; did you mean 'hero'?" in each
        for each in pages.use_template("waitlist", {"heros": {}}).warnings
    )
