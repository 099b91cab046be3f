"""Blocks that show that it is so: numbers, what people said, who is behind it."""

from invoker_mcp.pages.art import portrait
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline, join
from invoker_mcp.pages.page import HEAD, TAIL, Place, grid


def _stats(content: Values, place: Place) -> Markup:
    made = [
        el("div", el("dt", inline(item["label"])), el("dd", item["value"]), class_="stat") for item in content["items"]
    ]
    return place.section(content, el("dl", *made, class_="grid figures"), class_="stats")


def _testimonials(content: Values, place: Place) -> Markup:
    made = []
    for item in content["items"]:
        who = join(el("strong", item["name"]), el("span", item["role"]) if item["role"] else None)
        by = el("figcaption", portrait(item["image"], item["name"]), el("span", who, class_="who"))
        made.append(el("li", el("figure", el("blockquote", el("p", inline(item["quote"]))), by)))
    return place.section(content, grid(made, "quotes"), class_="testimonials")


def _logos(content: Values, place: Place) -> Markup:
    made = []
    for item in content["items"]:
        src = (item["image"] or {}).get("src")
        shown = el("img", src=src, alt=item["name"], loading="lazy") if src else el("span", item["name"])
        made.append(el("li", el("a", shown, href=item["url"]) if item["url"] else shown))
    return place.section(content, el("ul", *made, class_="marks"), class_="logos")


_IMAGE = Field(name="image", kind="image", about="A picture; absent: drawn from the name")

BLOCKS = (
    Block(
        name="stats",
        about="Two to four numbers that are true and say something.",
        group="selling",
        anchor="numbers",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The numbers",
                fields=(
                    Field(name="value", about="The number with its unit", required=True),
                    Field(name="label", about="What it counts", required=True),
                ),
            ),
            *TAIL,
        ),
        example={
            "items": [
                {"value": "94 %", "label": "of plants alive after a year"},
                {"value": "1,280", "label": "kitchens, bathrooms and offices"},
                {"value": "4 h", "label": "until a gardener answers"},
            ]
        },
        render=_stats,
    ),
    Block(
        name="testimonials",
        about="What real people said, with their names. Never invent them.",
        group="selling",
        anchor="voices",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="One to six quotes",
                fields=(
                    Field(name="quote", about="Their words, without quotation marks", required=True),
                    Field(name="name", about="Who said it", required=True),
                    Field(name="role", about="What they do, or where they live"),
                    _IMAGE,
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "Former plant killers",
            "items": [
                {
                    "quote": "The fern is on its second summer. I have never got that far.",
                    "name": "Jonas Weil",
                    "role": "Nurse, night shifts",
                },
                {
                    "quote": "I water when the card turns blue. I think about it no more than that.",
                    "name": "Ada Mensah",
                    "role": "Two cats, one window",
                },
            ],
        },
        render=_testimonials,
    ),
    Block(
        name="logos",
        about="Names or marks of those who use it, wrote about it, or stand behind it.",
        group="selling",
        anchor="partners",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="Four to eight",
                fields=(
                    Field(name="name", about="Whose mark it is", required=True),
                    Field(name="image", kind="image", about="The mark; absent: the name in type"),
                    Field(name="url", kind="url", about="Their site"),
                ),
            ),
            *TAIL,
        ),
        example={
            "intro": "Growing at",
            "items": [{"name": "Studio Nord"}, {"name": "Kaffee Linde"}, {"name": "Halle 5"}, {"name": "Ostwind"}],
        },
        render=_logos,
    ),
)
