"""Pages to look at: one with every block for each style, and each template."""

from functools import cache

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


def first(tree: LexborHTMLParser, selector: str) -> LexborNode:
    """Return the first such element, which there is."""
    found = tree.css_first(selector)
    assert found is not None, selector
    return found
