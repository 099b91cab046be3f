"""Blocks with a form: what visitors send goes to the site's owner."""

from collections.abc import Mapping

from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.blocks.form_parts import KINDS, Form, Question, slug
from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el
from invoker_mcp.pages.page import HEAD, TAIL, Place

_NOTE = Field(name="note", about="What happens with what was sent, in a sentence below the button")
_NEXT = Field(name="next", about="A path of this site to show afterwards; absent: a thank-you page")


def _form(default: str) -> Field:
    return Field(name="form", about="The form's name in the list of submissions", default=default)


def _button(default: str) -> Field:
    return Field(name="button", about=f"What the button says; absent: {default}, in the page's language")


_QUESTION = (
    Field(name="label", about="The question, or the field's name", required=True),
    Field(
        name="kind", kind="choice", options=KINDS, default="text", about="How it is answered; options make it a choice"
    ),
    Field(name="name", about="The column's name; absent: from the label"),
    Field(name="required", kind="flag", about="Whether it must be answered"),
    Field(name="hint", about="Help below the label"),
    Field(name="options", kind="texts", about="What can be chosen; a scale without options is 1 to 5"),
    Field(name="low", about="What the low end of a scale means"),
    Field(name="high", about="What the high end of a scale means"),
)


def question(value: Values) -> Question:
    """Return what a content asked for; a list of options without a kind is a choice of one."""
    kind = value["kind"]
    if kind == "text" and value["options"]:
        kind = "choice"
    elif kind in {"select", "choice", "choices"} and not value["options"]:
        kind = "text"
    return Question(
        label=value["label"],
        name=slug(value["name"] or value["label"]),
        kind=kind,
        required=value["required"],
        hint=value["hint"],
        options=value["options"],
        ends=(value["low"], value["high"]),
    )


def _email(words: Mapping[str, str], *, hint: str | None = None) -> Question:
    return Question(label=words["email"], name="email", kind="email", required=hint is None, hint=hint)


def _name(words: Mapping[str, str]) -> Question:
    return Question(label=words["name"], name="name", required=True)


def _put(
    content: Values, place: Place, questions: list[Question], *, class_: str, button: str = "send", form_class: str = ""
) -> Markup:
    form = Form(place.page, content["form"], f"{place.id}-form")
    asked = [form.ask(each) for each in (*questions, *map(question, content.get("questions") or ()))]
    made = form.whole(
        asked,
        button=content["button"] or place.page.words[button],
        note=content["note"],
        class_=form_class,
        next_=content["next"],
    )
    sides = el("div", place.head(content), made, class_="form-sides")
    return place.section(content, sides, class_=f"with-form {class_}", head=Markup(""))


def _waitlist(content: Values, place: Place) -> Markup:
    words, ask_name, more = place.page.words, content["ask_name"], content["questions"]
    asked = [_name(words), _email(words)] if ask_name else [_email(words)]
    form_class = "" if ask_name or more else "inline"
    return _put(content, place, asked, class_="waitlist", button="join", form_class=form_class)


def _contact(content: Values, place: Place) -> Markup:
    words, topics = place.page.words, content["topics"]
    asked = [_name(words), _email(words)]
    if content["ask_phone"]:
        asked.append(Question(label=words["phone"], name="phone", kind="tel"))
    if topics:
        asked.append(Question(label=words["topic"], name="topic", kind="select", options=topics, required=True))
    asked.append(
        Question(label=content["message_label"] or words["message"], name="message", kind="long", required=True)
    )
    return _put(content, place, asked, class_="contact")


def _event(content: Values, place: Place) -> Markup:
    words = place.page.words
    asked = [_name(words), _email(words)]
    if content["sessions"]:
        asked.append(Question(label=words["sessions"], name="sessions", kind="choices", options=content["sessions"]))
    if content["guests"]:
        asked.append(Question(label=words["guests"], name="guests", kind="number", required=True))
    return _put(content, place, asked, class_="event", button="save_place")


def _survey(content: Values, place: Place) -> Markup:
    words, ask = place.page.words, content["ask_email"]
    form = Form(place.page, content["form"], f"{place.id}-form")
    asked = [form.ask(each) for each in map(question, content["questions"])]
    if ask:
        asked.append(form.ask(_email(words, hint=words["answer"])))
    made = form.whole(
        asked,
        button=content["button"] or words["send_answers"],
        note=content["note"],
        class_="long",
        next_=content["next"],
    )
    return place.section(content, made, class_="survey")


def _custom(content: Values, place: Place) -> Markup:
    return _put(content, place, [], class_="custom")


def _more(about: str, *, required: bool = False) -> Field:
    return Field(name="questions", kind="items", about=about, fields=_QUESTION, required=required)


BLOCKS = (
    Block(
        name="waitlist_form",
        about="One field for an address and a button: waiting list or newsletter.",
        group="form",
        anchor="waitlist",
        fields=(
            *HEAD,
            _button("Join the list"),
            Field(name="ask_name", kind="flag", about="Whether the name is asked for, too"),
            _more("More to ask; each costs sign-ups"),
            _NOTE,
            _form("waitlist"),
            _NEXT,
            *TAIL,
        ),
        example={
            "title": "Be there in May",
            "intro": "One mail when we open, with ten days before everybody else.",
            "button": "Join the list",
            "note": "No newsletter. One click and you are off the list.",
        },
        render=_waitlist,
    ),
    Block(
        name="contact_form",
        about="Name, address and a message, with topics or more fields when they help to answer.",
        group="form",
        anchor="contact",
        fields=(
            *HEAD,
            Field(name="topics", kind="texts", about="What it can be about, to choose from"),
            Field(name="ask_phone", kind="flag", about="Whether a telephone number is asked for"),
            Field(name="message_label", about="The label of the large field; absent: Message, in the page's language"),
            _more("More to ask, after the message"),
            _button("Send"),
            _NOTE,
            _form("contact"),
            _NEXT,
            *TAIL,
        ),
        example={
            "title": "Write to us",
            "intro": "Ines reads everything and answers within a day, on weekends within two.",
            "topics": ["My plants", "An order", "Something else"],
            "button": "Send",
            "note": "We use your address to answer, for nothing else.",
        },
        render=_contact,
    ),
    Block(
        name="event_form",
        about="Signing up for an event: name, address, how many, what for.",
        group="form",
        anchor="sign-up",
        fields=(
            *HEAD,
            Field(name="guests", kind="flag", default=True, about="Whether the number of people is asked for"),
            Field(name="sessions", kind="texts", about="Parts to choose from"),
            _more("More to ask: food, access, what to bring"),
            _button("Save my place"),
            _NOTE,
            _form("event"),
            _NEXT,
            *TAIL,
        ),
        example={
            "title": "Come along",
            "intro": "Forty chairs, one pot of soup. Tell us, so that there is enough of both.",
            "sessions": ["The talk", "Supper afterwards"],
            "questions": [{"label": "Anything you do not eat?"}],
            "button": "Save my place",
        },
        render=_event,
    ),
    Block(
        name="survey_form",
        about="Questions with scales, choices and room for words; five to seven are answered, fifteen are not.",
        group="form",
        anchor="survey",
        fields=(
            *HEAD,
            _more("The questions, the easy ones first", required=True),
            Field(name="ask_email", kind="flag", about="Whether an address may be left"),
            _button("Send my answers"),
            _NOTE,
            _form("survey"),
            _NEXT,
            *TAIL,
        ),
        example={
            "title": "How are the plants?",
            "questions": [
                {
                    "label": "How are they doing?",
                    "kind": "scale",
                    "low": "Barely",
                    "high": "Splendidly",
                    "required": True,
                },
                {
                    "label": "Where do they stand?",
                    "kind": "choices",
                    "options": ["Kitchen", "Bathroom", "Bedroom", "Office"],
                },
                {"label": "Did the card help?", "options": ["Yes", "Now and then", "What card?"], "required": True},
                {"label": "What should we do better?", "kind": "long"},
            ],
            "ask_email": True,
            "note": "Two minutes. Answers without an address are anonymous.",
        },
        render=_survey,
    ),
    Block(
        name="form",
        about="A form of your own fields, when none of the others fits: a booking, an order, an application.",
        group="form",
        anchor="form",
        fields=(
            *HEAD,
            _more("The fields in their order; give email its kind", required=True),
            _button("Send"),
            _NOTE,
            _form("form"),
            _NEXT,
            *TAIL,
        ),
        example={
            "title": "Book a table",
            "questions": [
                {"label": "Name", "required": True},
                {"label": "Email", "kind": "email", "required": True},
                {"label": "Date", "kind": "date", "required": True},
                {
                    "label": "When",
                    "name": "time",
                    "kind": "select",
                    "options": ["18:00", "19:30", "21:00"],
                    "required": True,
                },
                {"label": "We come with a pram or a wheelchair", "name": "room", "kind": "yes"},
            ],
            "button": "Ask for the table",
            "form": "booking",
        },
        render=_custom,
    ),
)
