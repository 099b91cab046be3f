"""Blocks that say why: what it does, how it goes, what it costs, what people ask."""

from invoker_mcp.pages.art import icon
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline, prose
from invoker_mcp.pages.page import HEAD, TAIL, Place, button, grid, ticks


def _features(content: Values, place: Place) -> Markup:
    made = []
    for item in content["items"]:
        text = el("p", inline(item["text"])) if item["text"] else None
        link = el("p", el("a", item["link"]["label"], href=item["link"]["url"])) if item["link"] else None
        made.append(el("li", icon(item["icon"]), place.item(item["title"]), text, link))
    return place.section(content, grid(made, "cards"), class_="features")


def _steps(content: Values, place: Place) -> Markup:
    made = [
        el("li", el("div", place.item(item["title"]), el("p", inline(item["text"])) if item["text"] else None))
        for item in content["items"]
    ]
    return place.section(content, el("ol", *made, class_="grid numbered"), class_="steps")


def _pricing(content: Values, place: Place) -> Markup:
    made = []
    for plan in content["plans"]:
        badge = el("p", plan["badge"], class_="badge") if plan["badge"] else None
        per = el("span", plan["per"], class_="per") if plan["per"] else None
        price = el("p", el("strong", plan["price"]), " " if per else None, per, class_="price")
        text = el("p", inline(plan["text"])) if plan["text"] else None
        points = ticks(plan["points"])
        link = button(plan["action"], "" if plan["badge"] else "quiet")
        inside = (badge, place.item(plan["name"]), price, text, points, link)
        made.append(el("li", *inside, class_="plan best" if plan["badge"] else "plan"))
    note = el("p", inline(content["note"]), class_="note") if content["note"] else None
    return place.section(content, el("ul", *made, class_="grid plans"), note, class_="pricing")


def _faq(content: Values, place: Place) -> Markup:
    made = [
        el(
            "details",
            el("summary", el("span", inline(item["question"]))),
            el("div", prose(item["answer"], place.below + 1), class_="prose"),
        )
        for item in content["items"]
    ]
    return place.section(content, el("div", *made, class_="questions"), class_="faq")


BLOCKS = (
    Block(
        name="features",
        about="Three to six things it does, each with a title and a sentence.",
        group="selling",
        anchor="features",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The things, the strongest first",
                fields=(
                    Field(
                        name="icon", about="An emoji, or the name of an icon such as leaf, clock, heart, shield, bolt"
                    ),
                    Field(name="title", about="A few words", required=True),
                    Field(name="text", about="One or two sentences"),
                    Field(name="link", kind="link", about="Where to read more"),
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "Picked for your flat, not for a shop window",
            "items": [
                {
                    "icon": "sun",
                    "title": "Your light",
                    "text": "North, south, or a bathroom: we only send what grows there.",
                },
                {
                    "icon": "clock",
                    "title": "Your habits",
                    "text": "Away a lot? You get the ones that like being forgotten.",
                },
                {"icon": "heart", "title": "A year of help", "text": "Send a photo of a sad leaf. A gardener answers."},
            ],
        },
        render=_features,
    ),
    Block(
        name="steps",
        about="How it goes, in three or four steps that are counted.",
        group="selling",
        anchor="steps",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The steps in their order",
                fields=(
                    Field(name="title", about="What happens", required=True),
                    Field(name="text", about="One or two sentences"),
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "How it works",
            "items": [
                {"title": "Answer four questions", "text": "Windows, pets, holidays, taste. It takes two minutes."},
                {"title": "We choose three plants", "text": "A gardener does, not a program. You may swap one."},
                {"title": "They come by bicycle", "text": "On a Thursday evening, when somebody is home."},
            ],
        },
        render=_steps,
    ),
    Block(
        name="pricing",
        about="One to four plans with price, points and a button each; the one with a badge stands out.",
        group="selling",
        anchor="pricing",
        fields=(
            *HEAD,
            Field(
                name="plans",
                kind="items",
                required=True,
                about="The plans, cheapest first",
                fields=(
                    Field(name="name", about="The plan", required=True),
                    Field(name="price", about="With its currency: €9", required=True),
                    Field(name="per", about="a month, per seat"),
                    Field(name="text", about="For whom it is"),
                    Field(name="points", kind="texts", about="What is in it"),
                    Field(name="action", kind="link", about="The button"),
                    Field(name="badge", about="Marks one plan: Most chosen"),
                ),
            ),
            Field(name="note", about="Taxes, refunds"),
            *TAIL,
        ),
        example={
            "title": "What it costs",
            "plans": [
                {
                    "name": "One",
                    "price": "€29",
                    "text": "For the windowsill.",
                    "points": ["One plant and its pot", "The card", "Help by mail"],
                    "action": {"label": "Choose one", "url": "#waitlist"},
                },
                {
                    "name": "Three",
                    "price": "€69",
                    "text": "For a room that needs it.",
                    "badge": "Most chosen",
                    "points": ["Three plants and pots", "Swap one within a month", "A gardener for a year"],
                    "action": {"label": "Choose three", "url": "#waitlist"},
                },
            ],
            "note": "Prices with tax and delivery. If one dies in the first month, we bring another.",
        },
        render=_pricing,
    ),
    Block(
        name="faq",
        about="Questions people really ask, with short answers; each opens on a click.",
        group="selling",
        anchor="faq",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="The questions, the most asked first",
                fields=(
                    Field(name="question", about="As people would ask it", required=True),
                    Field(name="answer", about="Straight, in a few sentences", required=True),
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "Questions",
            "items": [
                {
                    "question": "Are they safe for cats?",
                    "answer": "Say that you have one, and yes. We leave out lilies and the like.",
                },
                {
                    "question": "What if I move?",
                    "answer": "Tell us the new windows. We take back what would not like them.",
                },
            ],
        },
        render=_faq,
    ),
)
