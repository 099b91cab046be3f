"""Pages to look at: one with every block for each style, and each template."""

from functools import cache
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from invoker_mcp import pages

STYLES = [str(style["style"]) for style in pages.list_styles()]
TEMPLATES = [str(template["template"]) for template in pages.list_templates()]


@cache
def with_all_blocks(style: str, scheme: str | None = None) -> str:
    """Return a page with the example of every block."""
    blocks = [{"block": block["block"], "content": block["example"]} for block in pages.list_blocks()]
    content = {"title": "Every block", "description": "All there is", "favicon": "🌿", "scheme": scheme}
    return pages.compose(blocks, style, content).html


@cache
def every_page() -> dict[str, str]:
    """Return all of them, by names that tests can show."""
    made = {f"style-{style}": with_all_blocks(style, "auto") for style in STYLES}
    return made | {f"template-{name}": pages.use_template(name, {"scheme": "auto"}).html for name in TEMPLATES}


LONG = "Donaudampfschifffahrtsgesellschaftskapitän"


def with_long_words(style: str) -> str:
    """Return a page whose texts do not break by themselves."""
    link = {"label": f"{LONG} anfragen", "url": "#form"}
    dishes = [{"name": LONG * 2, "price": "1.200,00 €"}]
    plans = [{"name": LONG, "price": "€ 99.999", "per": "im Monat", "action": link} for _ in range(4)]
    scale = {"label": LONG * 2, "kind": "scale", "options": ["gar nicht", "eher nicht", "teils", LONG]}
    mail = {"label": f"eine.adresse@{LONG}.example", "url": "mailto:a@b.example"}
    contents: list[tuple[str, dict[str, Any]]] = [
        ("header", {"name": f"{LONG} & Söhne", "links": [link] * 4, "action": link}),
        ("hero", {"title": LONG * 2, "intro": "x" * 90, "action": link, "second": link, "image": {}}),
        ("stats", {"items": [{"value": "1.234.567.890 €", "label": LONG}, {"value": "9", "label": LONG * 2}]}),
        ("features", {"title": LONG, "items": [{"title": LONG}] * 7}),
        ("details", {"items": [{"icon": "mail", "label": LONG, "value": LONG * 2}] * 2}),
        ("hours", {"rows": [{"day": LONG, "time": "12:00 – 22:00"}], "address": LONG * 2}),
        ("pricing", {"plans": plans}),
        ("menu", {"parts": [{"title": LONG, "dishes": dishes}]}),
        ("schedule", {"items": [{"time": "18:30 – 20:00", "title": LONG * 2}]}),
        ("testimonials", {"items": [{"quote": LONG * 3, "name": LONG * 2}]}),
        ("links", {"links": [link, mail]}),
        ("waitlist_form", {"title": LONG * 2, "button": LONG}),
        ("form", {"questions": [scale, {"label": LONG, "kind": "select", "options": [LONG * 3]}]}),
        ("footer", {"name": LONG * 2, "links": [mail] * 3}),
    ]
    blocks = [{"block": name, "content": content} for name, content in contents]
    return pages.compose(blocks, style, {"title": LONG, "lang": "de"}).html.replace(
        "{{SUBMIT_URL}}", "/api/submit/dep_1"
    )


def first(tree: LexborHTMLParser, selector: str) -> LexborNode:
    """Return the first such element, which there is."""
    found = tree.css_first(selector)
    assert found is not None, selector
    return found
