"""Blocks that show: pictures, work, people, and what is on the table."""

from invoker_mcp.pages.art import picture, portrait
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline
from invoker_mcp.pages.page import HEAD, TAIL, Place, grid


def _gallery(content: Values, place: Place) -> Markup:
    made = []
    for number, item in enumerate(content["items"]):
        shown = picture(item["image"], place.id, "tile", number)
        caption = el("figcaption", inline(item["caption"])) if item["caption"] else None
        made.append(el("li", el("figure", shown, caption)))
    return place.section(content, el("ul", *made, class_="grid tiles"), class_="gallery")


def _projects(content: Values, place: Place) -> Markup:
    made = []
    for number, item in enumerate(content["items"]):
        shown = picture(item["image"], place.id, "cover", number)
        title = el("a", item["title"], href=item["url"]) if item["url"] else inline(item["title"])
        meta = el("p", inline(item["meta"]), class_="meta") if item["meta"] else None
        text = el("p", inline(item["text"])) if item["text"] else None
        made.append(el("li", el("article", shown, el("div", meta, place.item(title), text))))
    return place.section(content, grid(made, "works"), class_="projects")


def _team(content: Values, place: Place) -> Markup:
    made = []
    for item in content["items"]:
        role = el("p", inline(item["role"]), class_="meta") if item["role"] else None
        text = el("p", inline(item["text"])) if item["text"] else None
        link = el("p", el("a", item["link"]["label"], href=item["link"]["url"])) if item["link"] else None
        made.append(el("li", portrait(item["image"], item["name"]), place.item(item["name"]), role, text, link))
    return place.section(content, el("ul", *made, class_="grid people"), class_="team")


def _menu(content: Values, place: Place) -> Markup:
    parts = []
    for part in content["parts"]:
        rows = []
        for dish in part["dishes"]:
            sign = el("small", dish["sign"]) if dish["sign"] else None
            name = el("span", inline(dish["name"]), " " if sign else None, sign, class_="dish")
            price = el("span", dish["price"], class_="cost") if dish["price"] else None
            text = el("p", inline(dish["text"])) if dish["text"] else None
            rows.append(el("li", el("p", name, " " if price else None, price, class_="row"), text))
        parts.append(el("div", place.item(part["title"]), el("ul", *rows), class_="part"))
    note = el("p", inline(content["note"]), class_="note") if content["note"] else None
    return place.section(content, el("div", *parts, class_="parts"), note, class_="menu")


_ITEM_IMAGE = Field(name="image", kind="image", about="The picture; absent: a drawing")

BLOCKS = (
    Block(
        name="gallery",
        about="Three to nine pictures in a grid, with captions.",
        group="showing",
        anchor="gallery",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The pictures",
                fields=(_ITEM_IMAGE, Field(name="caption", about="A few words below")),
            ),
            *TAIL,
        ),
        example={
            "title": "This spring’s plants",
            "items": [
                {"caption": "Aspidistra, for dark halls"},
                {"caption": "Zamioculcas, for people who travel"},
                {"caption": "String of hearts, for high shelves"},
            ],
        },
        render=_gallery,
    ),
    Block(
        name="projects",
        about="Pieces of work with picture, title and a sentence: the body of a portfolio.",
        group="showing",
        anchor="work",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The work, the best first",
                fields=(
                    Field(name="title", about="What it is called", required=True),
                    Field(name="meta", about="Year, kind, for whom"),
                    Field(name="text", about="What was hard, what came of it"),
                    Field(name="url", kind="url", about="Where it can be seen"),
                    _ITEM_IMAGE,
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "Selected work",
            "items": [
                {
                    "title": "A timetable that fits a pocket",
                    "meta": "2026, print",
                    "text": "Eleven bus lines on one folded sheet.",
                },
                {
                    "title": "Harbour museum",
                    "meta": "2025, signs",
                    "text": "Signs that survive salt, wind and school classes.",
                },
            ],
        },
        render=_projects,
    ),
    Block(
        name="team",
        about="The people: portrait or initials, name, what they do.",
        group="people",
        anchor="team",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The people",
                fields=(
                    Field(name="name", about="Their name", required=True),
                    Field(name="role", about="What they do"),
                    Field(name="text", about="One sentence"),
                    Field(name="image", kind="image", about="A square portrait; absent: initials"),
                    Field(name="link", kind="link", about="Mail or profile"),
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "Who chooses your plants",
            "items": [
                {"name": "Ines Calder", "role": "Gardener", "text": "Twenty years in the palm house."},
                {"name": "Tom Abara", "role": "Deliveries", "text": "Carries a monstera up five floors."},
                {"name": "Yuki Sand", "role": "Everything else", "text": "Answers the mail, paints the cards."},
            ],
        },
        render=_team,
    ),
    Block(
        name="menu",
        about="Dishes or services with prices, in parts: a restaurant’s card, a barber’s list.",
        group="showing",
        anchor="menu",
        fields=(
            *HEAD,
            Field(
                name="parts",
                kind="items",
                required=True,
                about="Starters, mains, drinks",
                fields=(
                    Field(name="title", about="The part’s name", required=True),
                    Field(
                        name="dishes",
                        kind="items",
                        required=True,
                        about="What there is",
                        fields=(
                            Field(name="name", about="The dish", required=True),
                            Field(name="text", about="What is in it"),
                            Field(name="price", about="With or without currency, the same for all"),
                            Field(name="sign", about="vegan, gluten-free, hot"),
                        ),
                    ),
                ),
            ),
            Field(name="note", about="Allergens, service"),
            *TAIL,
        ),
        example={
            "title": "On the card this week",
            "parts": [
                {
                    "title": "To begin",
                    "dishes": [
                        {"name": "Beetroot, walnut, smoked curd", "price": "9", "sign": "vegetarian"},
                        {"name": "Mackerel on toast", "text": "Pickled cucumber, horseradish", "price": "11"},
                    ],
                },
                {
                    "title": "And then",
                    "dishes": [
                        {"name": "Barley risotto with leeks", "price": "17", "sign": "vegetarian"},
                        {"name": "Braised lamb, white beans", "price": "24"},
                    ],
                },
            ],
            "note": "Ask us about allergens; the kitchen knows every plate.",
        },
        render=_menu,
    ),
)
