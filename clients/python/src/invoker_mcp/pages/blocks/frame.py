"""Blocks around the page: what is said first and last on each."""

from invoker_mcp.pages.art import icon
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline, join, lines
from invoker_mcp.pages.page import Place, button

_NAME = Field(name="name", about="The name of the business, the project or the person", required=True)
_LOGO = Field(name="logo", about="An emoji or the name of an icon before the name")


def _brand(content: Values) -> Markup:
    return join(icon(content["logo"]), el("span", content["name"]))


def _links(links: tuple[Values, ...]) -> Markup:
    return el("ul", *(el("li", el("a", link["label"], href=link["url"])) for link in links)) if links else Markup("")


def _header(content: Values, place: Place) -> Markup:
    home = el("a", _brand(content), href="#top", class_="brand")
    links = _links(content["links"])
    nav = el("nav", links, aria_label=place.page.words["main"]) if links else None
    return el(
        "header", el("div", home, nav, button(content["action"], "small"), class_="wrap bar"), class_="site-header"
    )


def _banner(content: Values, place: Place) -> Markup:
    link = content["link"]
    more = el("a", link["label"], href=link["url"]) if link else None
    return el(
        "aside",
        el("p", inline(content["text"]), " " if more else None, more),
        class_="banner",
        aria_label=place.page.words["note"],
    )


def _footer(content: Values, place: Place) -> Markup:
    links = _links(content["links"])
    top = el(
        "div",
        el(
            "div",
            el("p", _brand(content), class_="brand"),
            el("p", lines(content["text"])) if content["text"] else None,
        ),
        el("nav", links, aria_label=place.page.words["footer"]) if links else None,
        class_="columns",
    )
    note = el("p", inline(content["note"]), class_="note") if content["note"] else None
    return el("footer", el("div", top, note, class_="wrap"), class_="site-footer")


BLOCKS = (
    Block(
        name="header",
        about="The bar at the top: the name, a few links into the page, and one thing to do. First on most pages.",
        group="frame",
        region="header",
        fields=(
            _NAME,
            _LOGO,
            Field(name="links", kind="links", about="Up to five links, mostly to blocks of this page (#pricing)"),
            Field(name="action", kind="link", about="The button at the end"),
        ),
        example={
            "name": "Fernlight",
            "logo": "leaf",
            "links": [{"label": "How it works", "url": "#steps"}, {"label": "Questions", "url": "#faq"}],
            "action": {"label": "Join the list", "url": "#waitlist"},
        },
        render=_header,
    ),
    Block(
        name="banner",
        about="One line above everything: a date, a discount, a change of hours.",
        group="frame",
        region="header",
        fields=(
            Field(name="text", about="The line", required=True),
            Field(name="link", kind="link", about="Where to read more"),
        ),
        example={"text": "Closed from 24 to 27 December.", "link": {"label": "Opening hours", "url": "#hours"}},
        render=_banner,
    ),
    Block(
        name="footer",
        about="The end of the page: the name, an address or a sentence, links, small print.",
        group="frame",
        region="footer",
        fields=(
            _NAME,
            _LOGO,
            Field(name="text", about="An address, or a sentence; line breaks are kept"),
            Field(name="links", kind="links", about="Mail, telephone, social accounts, imprint"),
            Field(name="note", about="Small print, such as a copyright line"),
        ),
        example={
            "name": "Fernlight",
            "text": "12 Alder Lane\nBristol BS1 4QA",
            "links": [{"label": "hello@fernlight.example", "url": "mailto:hello@fernlight.example"}],
            "note": "© Fernlight Ltd. Made by hand in Bristol.",
        },
        render=_footer,
    ),
)
