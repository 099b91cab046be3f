"""Blocks about when and where."""

from invoker_mcp.pages.art import icon
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline, lines
from invoker_mcp.pages.page import HEAD, TAIL, Place, buttons


def _details(content: Values, place: Place) -> Markup:
    made = []
    for item in content["items"]:
        value = el("a", item["value"], href=item["url"]) if item["url"] else lines(item["value"])
        made.append(el("div", icon(item["icon"]), el("dt", item["label"]), el("dd", value), class_="fact"))
    return place.section(content, el("dl", *made, class_="grid facts"), buttons(content["action"]), class_="details")


def _hours(content: Values, place: Place) -> Markup:
    rows = [el("tr", el("th", row["day"], scope="row"), el("td", lines(row["time"]))) for row in content["rows"]]
    table = el("table", el("tbody", *rows), aria_label=place.page.words["hours"])
    address = el("address", lines(content["address"])) if content["address"] else None
    note = el("p", inline(content["note"]), class_="note") if content["note"] else None
    where = el("div", address, buttons(content["action"], content["second"]), note)
    return place.section(content, el("div", table, where, class_="sides top"), class_="hours")


def _schedule(content: Values, place: Place) -> Markup:
    made = []
    for item in content["items"]:
        who = el("p", inline(item["who"]), class_="meta") if item["who"] else None
        text = el("p", inline(item["text"])) if item["text"] else None
        made.append(el("li", el("p", item["time"], class_="time"), el("div", place.item(item["title"]), who, text)))
    return place.section(content, el("ol", *made, class_="agenda"), class_="schedule")


BLOCKS = (
    Block(
        name="details",
        about="Facts at a glance: date, place, price, how to get there.",
        group="place",
        anchor="details",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="Two to six facts",
                fields=(
                    Field(name="icon", about="An emoji, or calendar, clock, map, mail, phone"),
                    Field(name="label", about="When", required=True),
                    Field(name="value", about="Thursday, 12 March, 18:30", required=True),
                    Field(name="url", kind="url", about="A map, tel:, mailto:"),
                ),
            ),
            Field(name="action", kind="link", about="A button below"),
            *TAIL,
        ),
        example={
            "items": [
                {"icon": "calendar", "label": "When", "value": "Thursday, 12 March\n18:30 until about 21:00"},
                {"icon": "map", "label": "Where", "value": "The old pump house, Quay 4"},
                {"icon": "mail", "label": "Questions", "value": "hello@example.com", "url": "mailto:hello@example.com"},
            ]
        },
        render=_details,
    ),
    Block(
        name="hours",
        about="Opening hours as a table, with the address beside it.",
        group="place",
        anchor="hours",
        fields=(
            *HEAD,
            Field(
                name="rows",
                kind="items",
                required=True,
                about="Day by day, or days together",
                fields=(
                    Field(name="day", about="Tuesday to Friday", required=True),
                    Field(name="time", about="12:00 – 22:00, or closed", required=True),
                ),
            ),
            Field(name="address", about="Street and town, line breaks are kept"),
            Field(name="action", kind="link", about="Directions"),
            Field(name="second", kind="link", about="A telephone number"),
            Field(name="note", about="Parking, steps, dogs"),
            *TAIL,
        ),
        example={
            "title": "Find us",
            "rows": [
                {"day": "Tuesday to Friday", "time": "17:00 – 23:00"},
                {"day": "Saturday", "time": "12:00 – 23:00"},
                {"day": "Sunday and Monday", "time": "closed"},
            ],
            "address": "Quay 4\n5003 Bergen",
            "action": {"label": "Call 55 12 34 56", "url": "tel:+4755123456"},
            "note": "One step at the door; we have a ramp.",
        },
        render=_hours,
    ),
    Block(
        name="schedule",
        about="What happens when: the programme of an evening or a day.",
        group="place",
        anchor="programme",
        fields=(
            *HEAD,
            Field(
                name="items",
                kind="items",
                required=True,
                about="In their order",
                fields=(
                    Field(name="time", about="18:30", required=True),
                    Field(name="title", about="What it is", required=True),
                    Field(name="who", about="Who does it"),
                    Field(name="text", about="A sentence"),
                ),
            ),
            *TAIL,
        ),
        example={
            "title": "The evening",
            "items": [
                {"time": "18:30", "title": "Doors, soup, name tags"},
                {"time": "19:00", "title": "What the river remembers", "who": "Liv Brandt, hydrologist"},
                {"time": "20:00", "title": "Open floor", "text": "Five minutes each. Bring a photograph."},
            ],
        },
        render=_schedule,
    ),
)
