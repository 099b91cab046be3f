"""Blocks that open a page, and those that tell its story in words."""

from invoker_mcp.pages.art import picture, portrait
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline, prose
from invoker_mcp.pages.page import (
    ANCHOR,
    EYEBROW,
    HEAD,
    INTRO,
    TAIL,
    TITLE,
    TONE,
    Place,
    buttons,
    eyebrow,
    intro,
    ticks,
)

_ACTION = Field(name="action", kind="link", about="The main button")
_SECOND = Field(name="second", kind="link", about="A quieter button beside it")
_IMAGE = Field(name="image", kind="image", about="A picture; {} for a drawn placeholder")


def _hero(content: Values, place: Place) -> Markup:
    note = el("p", inline(content["note"]), class_="note") if content["note"] else None
    text = el(
        "div",
        eyebrow(content),
        place.heading(content),
        intro(content),
        buttons(content["action"], content["second"]),
        note,
        class_="hero-text",
    )
    image = content["image"]
    shown = picture(image, content["title"], "hero-image", eager=True) if image else None
    layout = content["layout"] if image else "plain"
    return place.section(content, shown, class_=f"hero hero-{layout}", head=text)


def _profile(content: Values, place: Place) -> Markup:
    head = el(
        "div",
        portrait(content["image"], content["title"]),
        place.heading(content),
        el("p", inline(content["role"]), class_="role") if content["role"] else None,
        intro(content),
        class_="head",
    )
    return place.section(content, class_="profile", head=head)


def _links(content: Values, place: Place) -> Markup:
    made = []
    for link in content["links"]:
        note = el("small", link["note"]) if link["note"] else None
        made.append(el("li", el("a", el("span", link["label"]), note, href=link["url"])))
    return place.section(content, el("ul", *made, class_="link-list"), class_="links")


def _text(content: Values, place: Place) -> Markup:
    return place.section(content, el("div", prose(content["body"], place.below), class_="prose"), class_="text")


def _split(content: Values, place: Place) -> Markup:
    points = ticks(content["points"])
    body = el("div", prose(content["body"], place.below), class_="prose") if content["body"] else None
    text = el("div", place.head(content), body, points, buttons(content["action"]))
    shown = picture(content["image"], content["title"] or place.id, "split-image")
    side = content["side"]
    return place.section(content, el("div", text, shown, class_=f"sides {side}"), class_="split", head=Markup(""))


def _call(content: Values, place: Place) -> Markup:
    head = el("div", eyebrow(content), place.heading(content), intro(content), class_="head")
    row = el("div", head, buttons(content["action"], content["second"]), class_="panel")
    return place.section(content, row, class_="call", head=Markup(""))


BLOCKS = (
    Block(
        name="hero",
        about="The opening: what this is, for whom, and the one thing to do. Its title is the page's heading.",
        group="opening",
        anchor="top-of-page",
        fields=(
            EYEBROW,
            Field(name="title", about="What it is, in at most ten words", required=True),
            INTRO,
            _ACTION,
            _SECOND,
            Field(name="note", about="A short line below the buttons: no card needed, free until March"),
            _IMAGE,
            Field(
                name="layout",
                kind="choice",
                options=("beside", "below"),
                default="beside",
                about="Where the picture is",
            ),
            *TAIL,
        ),
        example={
            "eyebrow": "Opening in May",
            "title": "Houseplants that survive you",
            "intro": "Three plants, chosen for your light and your habits, with a card that says when to water.",
            "action": {"label": "Join the list", "url": "#waitlist"},
            "second": {"label": "See the plants", "url": "#gallery"},
            "note": "Free delivery inside the ring road.",
            "image": {},
        },
        render=_hero,
    ),
    Block(
        name="profile",
        about="A person's opening: portrait or initials, name, what they do. For a link page or a small portfolio.",
        group="opening",
        anchor="about",
        fields=(
            Field(name="title", about="The person's name", required=True),
            Field(name="role", about="What they do, and where"),
            INTRO,
            Field(name="image", kind="image", about="A square portrait; absent: the initials"),
            *TAIL,
        ),
        example={
            "title": "Marta Olsen",
            "role": "Ceramicist in Bergen",
            "intro": "Cups, bowls and the occasional very large vase.",
        },
        render=_profile,
    ),
    Block(
        name="links",
        about="Large links one below the other: the body of a link-in-bio page.",
        group="opening",
        anchor="links",
        fields=(
            *HEAD,
            Field(
                name="links",
                kind="items",
                required=True,
                about="The links, the most important first",
                fields=(
                    Field(name="label", about="What the link says", required=True),
                    Field(name="url", kind="url", about="Where it leads", required=True),
                    Field(name="note", about="A few words below"),
                ),
            ),
            *TAIL,
        ),
        example={
            "links": [
                {"label": "The shop", "url": "https://shop.example/marta", "note": "New glazes every first Friday"},
                {"label": "Write to me", "url": "mailto:marta@example.com"},
            ]
        },
        render=_links,
    ),
    Block(
        name="text",
        about="Words: a story, terms, a letter. Paragraphs, ## headings, - lists, > quotes, **strong**, [links](url).",
        group="opening",
        anchor="text",
        fields=(*HEAD, Field(name="body", about="The text; an empty line begins a paragraph", required=True), *TAIL),
        example={
            "title": "Why we started",
            "body": "Our first plant died in eleven days. So did the second.\n\n"
            "The third is *still here*, because a friend told us what the label did not: how dark our kitchen is.",
        },
        render=_text,
    ),
    Block(
        name="split",
        about="A picture with words beside it, for one idea that deserves room.",
        group="opening",
        anchor="more",
        fields=(
            EYEBROW,
            TITLE,
            INTRO,
            Field(name="body", about="More text, as in the text block"),
            Field(name="points", kind="texts", about="Short points with a tick each"),
            Field(name="action", kind="link", about="A button below"),
            Field(name="image", kind="image", about="The picture; absent: a drawing"),
            Field(name="side", kind="choice", options=("right", "left"), default="right", about="Where the picture is"),
            *TAIL,
        ),
        example={
            "eyebrow": "The card",
            "title": "It says when, not how much",
            "intro": "A paper card in each pot has a window. When the colour behind it turns, the plant is thirsty.",
            "points": ["No app", "No batteries", "Lasts two years"],
        },
        render=_split,
    ),
    Block(
        name="call_to_action",
        about="One sentence and a button, near the end, for those who have read enough.",
        group="opening",
        anchor="start",
        fields=(
            EYEBROW,
            Field(name="title", about="What to do, and why now", required=True),
            INTRO,
            Field(name="action", kind="link", about="The button", required=True),
            _SECOND,
            Field(name=TONE.name, kind="choice", options=TONE.options, default="accent", about=TONE.about),
            ANCHOR,
        ),
        example={
            "title": "Your kitchen could be greener by Friday",
            "intro": "Tell us where the light comes from. We do the rest.",
            "action": {"label": "Choose my plants", "url": "#waitlist"},
        },
        render=_call,
    ),
)
